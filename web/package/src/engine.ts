import * as plain from "../wasm/playgrad.js";
import { DeviceError, engineError, InternalError } from "./errors.js";
import { CHECKSUM } from "./generated/methods.js";
import { canShare, startPool, usefulThreads } from "./pool.js";

/** Where the engine's WebAssembly comes from. */
export type WasmSource = URL | string | Response | Promise<Response> | BufferSource | WebAssembly.Module;

/** Handles to release before the next call, gathered so that one crossing releases many. */
let dead: number[] = [];
let disposed = false;
const RELEASE_BATCH = 128;

/** Handles and bytes made since garbage could last be collected. */
let handles = 0;
let bytes = 0;
const YIELD_HANDLES = 256;
const YIELD_BYTES = 8 << 20;

/** Handles and device bytes after which the collector is nudged. */
const NUDGE_HANDLES = 2048;
const NUDGE_BYTES = 64 << 20;
let sinceNudge = 0;
let bytesAtNudge = 0;

/** @internal */
export type Engine = typeof plain;

/** The engine that was started. */
let wasm: Engine = plain;

/** A trap of the engine becomes an error that says what went wrong; the engine stays usable. */
function guarded(call: (...args: unknown[]) => unknown) {
  return (...args: unknown[]): unknown => {
    try {
      return call(...args);
    } catch (error) {
      throw error instanceof WebAssembly.RuntimeError
        ? new InternalError(wasm.takeFault() ?? error.message)
        : error;
    }
  };
}

const guardAll = (engine: Engine): Engine =>
  Object.fromEntries(
    Object.entries(engine).map(([name, value]) => [
      name,
      typeof value === "function" ? guarded(value as never) : value,
    ]),
  ) as Engine;

let calls: Engine;
let held: WebAssembly.Memory;
let ready = false;
let source: (() => WasmSource) | undefined;
let threaded: (() => { glue: URL; wasm: URL }) | undefined;

/** Each entry of the package says where its engine lies, and the one for threads. @internal */
export function setSources(one: typeof source, shared?: typeof threaded): void {
  source = one;
  threaded = shared;
}

/** Starts the engine; done once. @internal */
export async function startEngine(given?: WasmSource, threads = usefulThreads()): Promise<void> {
  if (ready) return;
  const share = given === undefined ? threads > 1 && canShare() : isThreaded(given);
  if (share) wasm = await threadedEngine(given).catch(() => plain);
  if (wasm === plain) await startPlain((share ? undefined : given) ?? source?.());
  if (wasm.methodsChecksum?.() !== CHECKSUM) {
    const fix = "take the wasm file of the same playgrad as the JavaScript";
    throw new DeviceError("init", "an engine of another version", "playgrad's engine.wasm", fix);
  }
  calls = guardAll(wasm);
  wasm.install(engineError);
  ready = true;
  startPool(wasm, threads);
}

async function startPlain(from: WasmSource | undefined): Promise<void> {
  if (from === undefined) throw new DeviceError("init", "no engine", "a wasm source", "pass init({ wasm })");
  const started = plain.default({ module_or_path: await readable(from) }).catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error);
    throw new DeviceError(
      "init",
      got,
      "playgrad's engine.wasm",
      "check the address, and that it is served as a file",
    );
  });
  held = (await started).memory;
}

const isThreaded = (given: WasmSource): boolean =>
  given instanceof WebAssembly.Module &&
  WebAssembly.Module.imports(given).some(({ kind }) => kind === "memory");

// Its JavaScript is an asset: a bundler would need to split, which it cannot do in every kind of worker.
async function threadedEngine(given?: WasmSource): Promise<Engine> {
  const from = threaded?.();
  if (!from) return plain;
  const code = given ?? fetch(from.wasm);
  const glue = (await import(/* @vite-ignore */ /* webpackIgnore: true */ from.glue.href)) as Engine;
  held = (await glue.default({ module_or_path: code })).memory;
  return glue;
}

/** @internal */
export const started = (): boolean => ready;

// Node's fetch does not read file: URLs.
/** @internal */
export async function readable(source: WasmSource): Promise<WasmSource> {
  const url = source instanceof URL ? source : undefined;
  if (url?.protocol !== "file:") return source;
  const fs = globalThis.process?.getBuiltinModule?.("node:fs");
  if (!fs)
    throw new DeviceError(
      "init",
      url.href,
      "an http address",
      "serve the page over http, or import playgrad/inline",
    );
  return fs.promises.readFile(url) as Promise<BufferSource>;
}

/** The engine's functions, once it has started. @internal */
export function engine(): Engine {
  if (!ready) {
    throw new DeviceError(
      "playgrad",
      "a call before init()",
      "a started engine",
      "write `await init()` first",
    );
  }
  if (disposed || dead.length >= RELEASE_BATCH) releaseDead();
  return calls;
}

/** The engine's memory; another one whenever it has grown. @internal */
export const memory = (): ArrayBufferLike => held.buffer;

/** @internal */
export function releaseDead(): void {
  if (dead.length === 0 || !ready) return;
  const ids = new Uint32Array(dead);
  dead = [];
  disposed = false;
  wasm.release(ids);
}

const registry = new FinalizationRegistry<number>((id) => dead.push(id));

/** Ties an engine handle to the life of a JavaScript object. @internal */
export function own(object: object, id: number): void {
  handles += 1;
  sinceNudge += 1;
  if (sinceNudge >= NUDGE_HANDLES) nudge();
  registry.register(object, id, object);
}

/** Gives a handle back before the next call. @internal */
export function disown(object: object, id: number): void {
  registry.unregister(object);
  dead.push(id);
  disposed = true;
}

/** To be called when the engine may have taken memory of a device. @internal */
export function grew(): void {
  const held = wasm.deviceBytes();
  if (held < bytesAtNudge) bytesAtNudge = held;
  if (held - bytesAtNudge < NUDGE_BYTES) return;
  nudge();
  bytesAtNudge = held;
}

// The collector sees a handle's few bytes, not what hangs on it. A short-lived large buffer is what it counts;
// minifiers drop one whose size nobody reads.
function nudge(): void {
  sinceNudge = new ArrayBuffer(32 << 20).byteLength - (32 << 20);
}

/** Tells how much memory outside the JavaScript heap a call took. @internal */
export function took(amount: number): void {
  bytes += amount;
}

/**
 * A loop that awaits only settled promises never lets the collector report what died. So reading yields one
 * turn of the event loop when enough was made since the last one. @internal
 */
export async function breathe(): Promise<void> {
  if (handles < YIELD_HANDLES && bytes < YIELD_BYTES) return;
  handles = 0;
  bytes = 0;
  await turn();
  releaseDead();
}

const turn: () => Promise<void> =
  typeof globalThis.setImmediate === "function"
    ? () => new Promise((done) => void globalThis.setImmediate(done))
    : () =>
        new Promise((done) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => {
            port1.close();
            done();
          };
          port2.postMessage(null);
        });
