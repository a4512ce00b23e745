/** What a snippet may name without importing it. */
const names = [
  ...["Tensor", "tensor", "nn", "optim", "data", "jit", "manualSeed", "device", "devices", "memory"],
  ...["saveSafetensors", "loadSafetensors", "openSafetensors", "loadTorch"],
];

/** A snippet as a program. Its last statement, where that is an expression, is printed. */
export function programOf(snippet: string): string {
  const lines = snippet.trimEnd().split("\n");
  let start = lines.length - 1;
  while (start > 0 && /^[\s)\]}.]/.test(lines[start] ?? "")) start--;
  const last = lines.slice(start).join("\n").replace(/;$/, "");
  const isStatement = /^(const|let|for|if|while|function|class|import|await|console)\b/.test(last);
  const shown = isStatement ? last : `for (const shown of [await (${last})].flat()) console.log(shown);`;
  return `import { ${names.join(", ")} } from "playgrad"; ${[...lines.slice(0, start), shown].join("\n")}`;
}
