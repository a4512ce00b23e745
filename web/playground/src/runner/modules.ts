import type { ImportTarget } from "./compile";

/** A program imports the worker's own instances through small modules that hand out their names. */

const shelf = "__playground_modules__";

type Shelf = Record<string, Record<string, unknown>>;

export function shareModule(name: string, exports: Record<string, unknown>): ImportTarget {
  const scope = globalThis as unknown as Record<string, Shelf | undefined>;
  const shared = scope[shelf] ?? {};
  shared[name] = exports;
  scope[shelf] = shared;
  const names = Object.keys(exports).filter((key) => key !== "default");
  const lines = names.map((key) => `export const ${key} = m[${JSON.stringify(key)}];`);
  const code = `const m = globalThis.${shelf}[${JSON.stringify(name)}];\n${lines.join("\n")}`;
  return { url: moduleUrl(code), names };
}

export function moduleUrl(code: string): string {
  return URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
}
