import type { Bridge } from "playgrad/bridge";
import type { PyodideAPI } from "pyodide";

/** What the page, or who else boots Python, does for it. */
export interface Host {
  /** After every optimizer step and replay; a promise is waited for. */
  tick?(): unknown;
  /** Whether the program is to end at what it waits for. */
  stopped?(): boolean;
  /** Handles of images and classes to train on and to test with, or a promise of them. */
  mnist?(fashion: boolean): unknown;
}

/** The JavaScript module `_playgrad`. */
export function bridgeModule(bridge: Bridge, host?: Host): object;

/** Writes the contents of the Python files to their paths in Pyodide's file system. */
export function placeFiles(pyodide: PyodideAPI, files: Record<string, string | Uint8Array>): void;

/** Makes `import tinygrad` work: `files` are the contents of the Python files by their paths in web/python. */
export function install(
  pyodide: PyodideAPI,
  files: Record<string, string | Uint8Array>,
  bridge: Bridge,
  host?: Host & Record<string, unknown>,
): void;
