import script from "pyodide/pyodide.asm.mjs?url";
import wasm from "pyodide/pyodide.asm.wasm?url";
import packages from "pyodide/pyodide-lock.json?url";
import library from "pyodide/python_stdlib.zip?url";
import type { PythonParts, PythonSnapshot } from "../protocol";
import { openCache } from "../state/cache";
import { text } from "../text/en";

/** Python for the page's workers: downloaded from this site once, and kept in this browser. */

const cacheName = "playgrad-python";
const snapshotAddress = "./python-snapshot";
const keyHeader = "X-Key";
const expectedBytes = 13_513_276;

export type OnProgress = (fraction: number, what: string) => void;

export async function loadParts(onProgress: OnProgress, signal: AbortSignal): Promise<PythonParts> {
  const cache = await openCache(cacheName);
  let bytes = 0;
  const onBytes = (more: number) => {
    bytes += more;
    onProgress(Math.min(1, bytes / expectedBytes), text.python.loading);
  };
  const part = (url: string) => fetchPart(url, cache, signal, onBytes);
  const read = async (url: string) => (await part(url)).arrayBuffer();
  const [compiled, ...others] = await Promise.all([
    part(wasm).then((response) => WebAssembly.compileStreaming(response)),
    read(script),
    read(library),
    read(packages),
    findSnapshot(cache),
  ]);
  const [scriptBytes, libraryBytes, packagesBytes, snapshot] = others;
  void forgetOthers(cache);
  return { wasm: compiled, script: scriptBytes, library: libraryBytes, packages: packagesBytes, snapshot };
}

async function fetchPart(
  url: string,
  cache: Cache | null,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<Response> {
  const known = await cache?.match(url);
  const response = known ?? (await fetch(url, { signal }));
  if (!response.ok || !response.body) {
    // Left unread, it would keep the next request for it waiting.
    await response.body?.cancel();
    throw new Error(`${url.split("/").at(-1)}: ${response.status} ${response.statusText}`.trim());
  }
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      onBytes(chunk.length);
      controller.enqueue(chunk);
    },
  });
  const headers = { "Content-Type": url.endsWith(".wasm") ? "application/wasm" : "application/octet-stream" };
  const counted = new Response(response.body.pipeThrough(counter), { headers });
  if (!known) cache?.put(url, counted.clone()).catch(() => undefined);
  return counted;
}

async function findSnapshot(cache: Cache | null): Promise<PythonSnapshot | null> {
  const known = await cache?.match(snapshotAddress);
  const key = known?.headers.get(keyHeader);
  return known && key ? { key, memory: await known.arrayBuffer() } : null;
}

/** Keeps the memory of a Python that has started; null forgets it. */
export async function keepSnapshot(snapshot: PythonSnapshot | null): Promise<void> {
  const cache = await openCache(cacheName);
  if (!snapshot) await cache?.delete(snapshotAddress);
  else
    await cache
      ?.put(snapshotAddress, new Response(snapshot.memory, { headers: { [keyHeader]: snapshot.key } }))
      .catch(() => undefined);
}

/** What an earlier version of the site left. */
async function forgetOthers(cache: Cache | null): Promise<void> {
  const wanted = new Set(
    [script, wasm, packages, library, snapshotAddress].map((url) => new URL(url, location.href).href),
  );
  for (const request of (await cache?.keys()) ?? [])
    if (!wanted.has(request.url)) await cache?.delete(request);
}
