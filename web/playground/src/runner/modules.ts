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

/** Entries of the package beside "playgrad" itself. */
const entries: Record<string, () => Promise<object>> = {
  "playgrad/custom": () => import("playgrad/custom"),
  "playgrad/micrograd": () => import("playgrad/micrograd"),
  "playgrad/minitf": () => import("playgrad/minitf"),
  "playgrad/cartpole": () => import("playgrad/cartpole"),
  "playgrad/onnx": () => import("playgrad/onnx"),
  "playgrad/mamba": () => import("playgrad/mamba"),
  "playgrad/mingpt": () => import("playgrad/mingpt"),
};

/** Those that a program names; they are loaded here. */
export async function shareEntries(code: string): Promise<Record<string, ImportTarget>> {
  const named = Object.entries(entries).filter(
    ([name]) => code.includes(`"${name}"`) || code.includes(`'${name}'`),
  );
  return Object.fromEntries(
    await Promise.all(
      named.map(async ([name, load]) => [name, shareModule(name, { ...(await load()) })] as const),
    ),
  );
}

export function moduleUrl(code: string): string {
  return URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
}
