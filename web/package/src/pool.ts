import type { Engine } from "./engine.js";

// Runs as it stands in a worker: it starts the engine's module over the shared memory, and whenever the engine
// has a new module of its own, puts its functions at the same places of this thread's table.
const helper = `onmessage = ({ data: [module, memory] }) => {
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module))
    (imports[from] ??= {})[name] = kind === "memory" ? memory : () => {};
  const { exports } = new WebAssembly.Instance(module, imports);
  const isFunctions = (it) => it instanceof WebAssembly.Table && typeof it.get(1) === "function";
  const table = Object.values(exports).find(isFunctions);
  exports.__wbindgen_start(1 << 20);
  for (;;)
    try {
      const at = exports.poolHelp() >>> 0;
      const [bytes, size, places, count] = new Uint32Array(memory.buffer, at, 4);
      const code = new Uint8Array(memory.buffer, bytes, size).slice();
      const functions = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports;
      new Uint32Array(memory.buffer, places, count).forEach((place, i) => {
        if (place >= table.length) table.grow(place + 1 - table.length);
        table.set(place, functions[i]);
      });
    } catch {
      if (!exports.poolFailed()) return;
    }
};`;

/** Whether this thread may wait for others, on memory it shares with them. @internal */
export const canShare = (): boolean =>
  globalThis.crossOriginIsolated === true &&
  typeof document === "undefined" &&
  typeof globalThis.Worker === "function";

/** As many threads as are useful here, the engine's own included. @internal */
export const usefulThreads = (): number => Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, 8);

/** Starts the other threads of an engine; work goes on alone until they are there. @internal */
export function startPool(engine: Engine, threads: number): void {
  const parts = engine.poolParts();
  if (!parts) return;
  const url = URL.createObjectURL(new Blob([helper], { type: "text/javascript" }));
  for (let i = 1; i < threads; i++) new Worker(url).postMessage(parts);
}
