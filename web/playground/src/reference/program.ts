import * as playgrad from "playgrad";

const names = Object.keys(playgrad).join(", ");

/** A snippet as a program that names what it likes without importing it. Its last expression is printed. */
export function programOf(snippet: string): string {
  const [, before = "", last = ""] =
    /^([\s\S]*(?:;\s|\n))?([\s\S]*)$/.exec(snippet.trim().replace(/;$/, "")) ?? [];
  const isStatement = /^(const|let|for|if|while|function|class|import|console)\b/.test(last);
  const shown = isStatement ? last : `for (const shown of [await (${last})].flat()) console.log(shown);`;
  return `import { ${names} } from "playgrad"; ${before}${shown}`;
}
