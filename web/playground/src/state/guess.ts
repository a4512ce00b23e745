import type { Language } from "../protocol";

/** What only one of the languages writes at the start of a line. */
const marks: Record<Language, RegExp> = {
  python:
    /^\s*(?:from [\w.]+ import\b|import [\w.]+(?: as \w+)?\s*$|(?:def|class|for|while|if|with)\b.*:\s*(?:#.*)?$)/m,
  typescript: /^\s*(?:import\b.*\bfrom\s*["']|(?:const|let|export)\s|.*[;{]\s*$)/m,
};

/** Text of several lines may hold a third language, such as a shader. */
const longText = /("""|'''|`)[\s\S]*?\1/g;

/** The language a program seems to be in, when that is surely not the one chosen. */
export function otherLanguage(program: string, language: Language): Language | null {
  const code = program.replace(longText, "");
  const other = language === "python" ? "typescript" : "python";
  return marks[other].test(code) && !marks[language].test(code) ? other : null;
}
