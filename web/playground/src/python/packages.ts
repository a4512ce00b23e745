import type { PyodideAPI } from "pyodide";
import { write } from "../runner/terminal";
import { text } from "../text/en";

/** Packages that a program imports and this site does not have come from Pyodide's own, NumPy for one. */
export async function loadImports(pyodide: PyodideAPI, code: string): Promise<void> {
  let failure = "";
  try {
    await pyodide.loadPackagesFromImports(code, {
      messageCallback: (message) => write(`${message}\n`, "info"),
      errorCallback: (message) => {
        failure = message;
      },
    });
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  if (failure !== "") write(`${text.python.noPackage(failure)}\n`, "warn");
}
