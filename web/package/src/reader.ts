import type { WasmSource } from "./engine.js";
import { readable } from "./engine.js";
import { DeviceError, engineError, InternalError } from "./errors.js";

/** What a request to the second module carries, and its answer: web/reader/src/lib.rs. @internal */
export interface Message<T = Record<string, unknown>> {
  fields: T;
  parts: Uint8Array<ArrayBuffer>[];
}

interface Reader {
  memory: WebAssembly.Memory;
  room(length: number): number;
  answer(): number;
}

let source: (() => WasmSource) | undefined;
let reader: Reader | undefined;
let starting: Promise<Reader> | undefined;

/** Each entry of the package says where the module lies. @internal */
export function setReader(from: typeof source): void {
  source = from;
}

async function start(given: WasmSource | undefined): Promise<Reader> {
  const from = given ?? source?.();
  const fix = "pass { wasm } with the address of playgrad/reader.wasm";
  if (from === undefined) throw new DeviceError("reader", "no module", "a wasm source", fix);
  try {
    return (await instance(await readable(from))).exports as unknown as Reader;
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new DeviceError(
      "reader",
      got,
      "playgrad's reader.wasm",
      "check the address, and that it is served as a file",
    );
  }
}

async function instance(from: WasmSource): Promise<WebAssembly.Instance> {
  if (from instanceof WebAssembly.Module) return WebAssembly.instantiate(from);
  const found = typeof from === "string" || from instanceof URL ? await fetch(from) : await from;
  if (found instanceof Response && !found.ok) throw new Error(`${found.url}: ${found.status}`);
  const bytes = found instanceof Response ? await found.arrayBuffer() : (found as BufferSource);
  return (await WebAssembly.instantiate(bytes)).instance;
}

/** Loads the module; done once. @internal */
export async function startReader(given?: WasmSource): Promise<void> {
  if (reader) return;
  starting ??= start(given);
  try {
    reader = await starting;
  } finally {
    starting = undefined;
  }
}

/** @internal */
export const readerStarted = (): boolean => reader !== undefined;

/** Asks the module, which has to be loaded. @internal */
export function ask<T>(
  fields: { do: string } & Record<string, unknown>,
  parts: readonly Uint8Array[] = [],
): Message<T> {
  const { room, answer, memory } = reader!;
  const text = new TextEncoder().encode(
    JSON.stringify({ ...fields, parts: parts.map((part) => part.length) }),
  );
  const length = parts.reduce((sum, part) => sum + part.length, 4 + text.length);
  try {
    let at = room(length) >>> 0;
    new DataView(memory.buffer).setUint32(at, text.length, true);
    at += 4;
    for (const part of [text, ...parts]) {
      new Uint8Array(memory.buffer, at).set(part);
      at += part.length;
    }
    return decode(memory, answer() >>> 0);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    // Its memory cannot be trusted any more.
    reader = undefined;
    throw new InternalError(`the reader stopped at ${fields.do}: ${error.message}`);
  }
}

function decode<T>({ buffer }: WebAssembly.Memory, start: number): Message<T> {
  const length = new DataView(buffer).getUint32(start + 4, true);
  let at = start + 8 + length;
  const text = new TextDecoder().decode(new Uint8Array(buffer, start + 8, length));
  const fields = JSON.parse(text) as T & {
    parts: number[];
    error?: [string, string, string, string, string];
  };
  if (fields.error) throw engineError(...fields.error);
  const parts = fields.parts.map((size) => {
    at += size;
    return new Uint8Array(buffer.slice(at - size, at) as ArrayBuffer);
  });
  return { fields, parts };
}
