import type { PyodideAPI } from "pyodide";

/** The Python files by their paths, as `install` takes them. */
export function files(): Record<string, Uint8Array>;
/** A Pyodide in which `import tinygrad` works. What Python prints goes to `write`. */
export function python(options?: {
  device?: string;
  host?: Record<string, unknown>;
  write?: (text: string) => void;
}): Promise<PyodideAPI>;
