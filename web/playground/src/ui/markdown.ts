import type { Language } from "../protocol";

/** The little of Markdown that lessons use, as a tree that a component can draw. */

export type Inline = { kind: "text" | "bold" | "code"; text: string };

export type Block =
  | { kind: "heading"; level: number; parts: Inline[] }
  | { kind: "paragraph"; parts: Inline[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] };

export function parseMarkdown(source: string): Block[] {
  return source
    .trim()
    .split(/\n{2,}/)
    .map(parseBlock);
}

function parseBlock(block: string): Block {
  const heading = /^(#+) (.*)$/.exec(block);
  if (heading)
    return { kind: "heading", level: heading[1]?.length ?? 1, parts: parseInline(heading[2] ?? "") };
  const lines = block.split("\n");
  const item = /^(?:- |(\d+)\. )/;
  const first = item.exec(lines[0] ?? "");
  if (first)
    return {
      kind: "list",
      ordered: first[1] !== undefined,
      items: lines.map((line) => parseInline(line.replace(item, ""))),
    };
  return { kind: "paragraph", parts: parseInline(lines.join(" ")) };
}

/** Lessons spell code as `TypeScript ¦ Python` where the two differ; the reader sees one. */
export function inLanguage(source: string, language: Language): string {
  return source.replace(/`([^`¦]*?) ¦ ([^`]*)`/g, language === "python" ? "`$2`" : "`$1`");
}

export function parseInline(line: string): Inline[] {
  return line
    .split(/(\*\*[^*]+\*\*|`[^`]+`)/)
    .filter((part) => part !== "")
    .map((part) => {
      if (part.startsWith("**")) return { kind: "bold", text: part.slice(2, -2) };
      if (part.startsWith("`")) return { kind: "code", text: part.slice(1, -1) };
      return { kind: "text", text: part };
    });
}
