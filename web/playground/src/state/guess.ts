import type { Language } from "../protocol";

/** What only one of the languages writes at the start of a line. */
const marks: Record<Language, RegExp> = {
  python:
    /^\s*(?:from [\w.]+ import\b|import [\w.]+(?: as \w+)?\s*$|(?:def|class|for|while|if|with)\b.*:\s*(?:#.*)?$)/m,
  typescript: /^\s*(?:import\b.*\bfrom\s*["']|(?:const|let|export)\s|.*[;{]\s*$)/m,
};

/** The language a program seems to be in, when that is surely not the one chosen. */
export function otherLanguage(code: string, language: Language): Language | null {
  const other = language === "python" ? "typescript" : "python";
  return marks[other].test(code) && !marks[language].test(code) ? other : null;
}
