export type Inline = { kind: "text" | "bold" | "code"; text: string };

/** A line of documentation with `**bold**` and code in backquotes, as parts that a component can draw. */
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
