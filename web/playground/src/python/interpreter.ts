import { bridge } from "playgrad/bridge";
import { loadPyodide, type PyodideAPI } from "pyodide";
import type { PyCallable } from "pyodide/ffi";
import { install } from "../../../python/boot.mjs";
import type { ErrorKind, ProgramError, PythonParts, PythonSnapshot } from "../protocol";
import * as control from "../runner/control";
import { endLine } from "../runner/terminal";
import { text } from "../text/en";
import { host, pageModule } from "./host";
import { loadImports } from "./packages";

/** Python in the worker: started from parts that are here already, it runs one program. */

export type Outcome = "done" | "stopped" | ProgramError;

export interface Interpreter {
  run(code: string, seed: number): Promise<Outcome>;
  /** What a Python error that JavaScript has caught says; undefined for any other. */
  describe(error: unknown): Outcome | undefined;
}

const sources = import.meta.glob<string>(["./*.py", "./{tinygrad,micrograd}/**/*.{py,json}"], {
  base: "../../../python",
  query: "?raw",
  import: "default",
  eager: true,
});
const files = Object.fromEntries(
  Object.entries(sources).map(([path, content]) => [path.replace("./", ""), content]),
);

const canWait = "Suspending" in WebAssembly;

export async function start(
  parts: PythonParts,
  interrupts: Uint8Array | null,
  keep: (snapshot: PythonSnapshot | null) => void,
): Promise<Interpreter> {
  const pyodide = await load(parts, keep);
  install(pyodide, files, bridge, host);
  pyodide.registerJsModule("_playground", pageModule);
  const page = pyodide.pyimport("_page") as Record<"prepare" | "run" | "tell_last", PyCallable>;
  page.prepare();
  if (interrupts) pyodide.setInterruptBuffer(interrupts);
  if (!canWait) control.neverWait();
  return {
    async run(code, seed) {
      await loadImports(pyodide, code);
      const end: string = canWait ? await page.run.callPromising(code, seed) : page.run(code, seed);
      endLine();
      return outcome(end);
    },
    describe: (error) =>
      error instanceof pyodide.ffi.PythonError ? outcome(page.tell_last() as string) : undefined,
  };
}

async function load(
  parts: PythonParts,
  keep: (snapshot: PythonSnapshot | null) => void,
): Promise<PyodideAPI> {
  const key = navigator.userAgent;
  if (parts.snapshot?.key === key)
    try {
      return await boot(parts, { _loadSnapshot: parts.snapshot.memory });
    } catch (error) {
      console.warn(error);
      keep(null);
    }
  const pyodide = await boot(parts, { _makeSnapshot: true });
  try {
    keep({ key, memory: pyodide.makeMemorySnapshot().buffer as ArrayBuffer });
  } catch (error) {
    console.warn(error);
  }
  return pyodide;
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
      packageBaseUrl: "https://cdn.jsdelivr.net/pyodide/v314.0.7/full/",
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

interface Told extends Omit<ProgramError, "kind"> {
  kind: ErrorKind;
  /** The module that an import did not find. */
  missing?: string;
}

function outcome(json: string): Outcome {
  const told = JSON.parse(json) as null | "stopped" | Told;
  if (told === null) return "done";
  if (told === "stopped") return told;
  const { missing, ...error } = told;
  if (missing !== undefined) return { ...error, fix: text.python.missing(missing) };
  if (error.kind === "syntax") return { ...error, fix: text.errors.syntaxFix };
  return error;
}
