import { bridge } from "playgrad/bridge";
import type { PyCallable } from "pyodide/ffi";
import { bridgeModule, placeFiles } from "../../../python/boot.mjs";
import type { ErrorKind, ProgramError, PythonParts, PythonSnapshot } from "../protocol";
import * as control from "../runner/control";
import { shaderPlace } from "../runner/errors";
import { endLine } from "../runner/terminal";
import { text } from "../text/en";
import { host, pageModule } from "./host";
import { loadImports } from "./packages";
import { pyodideOf, type Setup } from "./pyodide";

/** Python in the worker: started from parts that are here already, it runs one program. */

export type Outcome = "done" | "stopped" | ProgramError;

export interface Interpreter {
  run(code: string, seed: number): Promise<Outcome>;
  /** From here on nothing interrupts the program: it ends where it waits. */
  calm(): void;
  /** What a Python error that JavaScript has caught says; undefined for any other. */
  describe(error: unknown): Outcome | undefined;
}

const sources = import.meta.glob<string>(["./*.py", "./*/**/*.{py,json}", "!./{test,node_modules}/**"], {
  base: "../../../python",
  query: "?raw",
  import: "default",
  eager: true,
});
const files = Object.fromEntries(
  Object.entries(sources).map(([path, content]) => [path.replace("./", ""), content]),
);

const warm = `import sys
sys.path.insert(0, "/lib/playgrad")
import _page, micrograd.nn, playground, tinygrad.nn.datasets
_page.prepare()
del sys`;

const check = `import tinygrad
assert tinygrad.Tensor([1, 2]).shape == (2,)
del tinygrad`;

const setup: Setup = {
  modules: { _playgrad: bridgeModule(bridge, host), _playground: pageModule },
  place: (pyodide) => placeFiles(pyodide, files),
  warm: (pyodide) => pyodide.runPython(warm),
  check: (pyodide) => pyodide.runPython(check),
};

const canWait = "Suspending" in WebAssembly;

export async function start(
  parts: PythonParts,
  interrupts: Uint8Array | null,
  keep: (snapshot: PythonSnapshot | null) => void,
): Promise<Interpreter> {
  const pyodide = await pyodideOf(parts, setup, keep);
  const page = pyodide.pyimport("_page") as Record<"run" | "tell_last", PyCallable>;
  if (interrupts) {
    pyodide.setInterruptBuffer(interrupts);
    control.watch(interrupts);
  }
  if (!canWait) control.neverWait();
  let program = "";
  return {
    async run(code, seed) {
      program = code;
      await loadImports(pyodide, code);
      try {
        const end: string = canWait ? await page.run.callPromising(code, seed) : page.run(code, seed);
        return outcome(end, program);
      } catch (error) {
        if (control.isStopped()) return "stopped";
        throw error;
      } finally {
        endLine();
      }
    },
    calm: () => pyodide.setInterruptBuffer(new Uint8Array(1)),
    describe: (error) =>
      error instanceof pyodide.ffi.PythonError ? outcome(page.tell_last() as string, program) : undefined,
  };
}

interface Told extends Omit<ProgramError, "kind"> {
  kind: ErrorKind;
  /** The module that an import did not find. */
  missing?: string;
  /** The kernel's text that does not compile, and where in it. */
  shader?: { text: string; line: number; column: number };
}

function outcome(json: string, program: string): Outcome {
  const told = JSON.parse(json) as null | "stopped" | Told;
  if (told === null) return "done";
  if (told === "stopped") return told;
  const { missing, shader, ...rest } = told;
  const error = shader ? { ...rest, ...shaderPlace(program, shader) } : rest;
  if (missing !== undefined) return { ...error, fix: text.python.missing(missing) };
  if (error.kind === "syntax") return { ...error, fix: text.errors.syntaxFix };
  return error;
}
