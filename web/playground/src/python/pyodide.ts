import { loadPyodide, type PyodideAPI } from "pyodide";
import type { PythonParts, PythonSnapshot } from "../protocol";
import { warnAside } from "../runner/console";

/**
 * Pyodide of parts that are here already. A Python that has started and imported what programs import takes seconds
 * to make; its memory can be kept, and put back in a blink. What it refers to in JavaScript is kept by name.
 */

export interface Setup {
  /** JavaScript modules by the names that Python imports them by. */
  modules: Record<string, object>;
  /** Puts files in place; they are not in the memory. */
  place(pyodide: PyodideAPI): void;
  /** Imports, once. */
  warm(pyodide: PyodideAPI): void;
  /** Throws where Python does not work. */
  check(pyodide: PyodideAPI): void;
}

const packages = "https://cdn.jsdelivr.net/pyodide/v314.0.7/full/";

/** Built files have their contents in their names: of another version, another address. */
const key = `${navigator.userAgent} ${import.meta.url}`;

export async function pyodideOf(
  parts: PythonParts,
  setup: Setup,
  keep: (snapshot: PythonSnapshot | null) => void,
): Promise<PyodideAPI> {
  const named = names(setup.modules);
  if (parts.snapshot?.key === key)
    try {
      const values = new Map([...named].map(([value, name]) => [name, value]));
      const memory = parts.snapshot.memory;
      const pyodide = await boot(parts, {
        _loadSnapshot: memory,
        _snapshotDeserializer: (name: string) => values.get(name),
      });
      setup.place(pyodide);
      setup.check(pyodide);
      return pyodide;
    } catch (error) {
      warnAside("Python starts anew:", error);
      keep(null);
    }
  const pyodide = await boot(parts, { _makeSnapshot: import.meta.env.PROD });
  setup.place(pyodide);
  for (const [name, module] of Object.entries(setup.modules)) pyodide.registerJsModule(name, module);
  setup.warm(pyodide);
  // Before the engine has been asked for anything: handles would be of another engine.
  if (import.meta.env.PROD) save(pyodide, named, keep);
  setup.check(pyodide);
  return pyodide;
}

/** Modules and what they hold, each with its name. */
function names(modules: Record<string, object>): Map<unknown, string> {
  const found = new Map<unknown, string>();
  for (const [name, module] of Object.entries(modules)) {
    found.set(module, name);
    for (const [key, value] of Object.entries(module)) found.set(value, `${name}.${key}`);
  }
  return found;
}

function save(
  pyodide: PyodideAPI,
  named: Map<unknown, string>,
  keep: (snapshot: PythonSnapshot | null) => void,
): void {
  const serializer = (value: unknown) => {
    const name = named.get(value);
    if (name === undefined) throw new Error(`no name for ${String(value)}`);
    return name;
  };
  try {
    keep({ key, memory: pyodide.makeMemorySnapshot({ serializer }).buffer as ArrayBuffer });
  } catch (error) {
    warnAside("Python's memory is not kept:", error);
  }
}

/** Pyodide asks for its parts by address; they are handed to it. */
async function boot(parts: PythonParts, snapshot: object): Promise<PyodideAPI> {
  const script = URL.createObjectURL(new Blob([parts.script], { type: "text/javascript" }));
  const { default: createPyodideModule } = await import(/* @vite-ignore */ script);
  const { fetch } = self;
  const { instantiateStreaming } = WebAssembly;
  self.fetch = async (address) => new Response(String(address).endsWith(".zip") ? parts.library : null);
  WebAssembly.instantiateStreaming = async (asked, imports) => {
    await asked;
    return { module: parts.wasm, instance: await WebAssembly.instantiate(parts.wasm, imports) };
  };
  try {
    return await loadPyodide({
      indexURL: location.href,
      packageBaseUrl: packages,
      lockFileContents: new TextDecoder().decode(parts.packages),
      env: { PYTHONHASHSEED: "0" },
      createPyodideModule,
      ...snapshot,
    });
  } finally {
    self.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
    URL.revokeObjectURL(script);
  }
}
