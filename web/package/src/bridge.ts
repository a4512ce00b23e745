import { callResult, callWritten, callWrittenLater } from "./call.js";
import { engine, grew, memory } from "./engine.js";
import { idOf, make } from "./handle.js";
import { onnxFunctions } from "./onnx/bridge.js";
import { filesBeside } from "./onnx/index.js";
import { readerStarted, startReader } from "./reader.js";
import { torchHandles } from "./safetensors.js";
import type { Tensor } from "./tensor.js";

/**
 * The engine for a face in another language, which keeps handles (numbers above 0) of its own and gives each back
 * with `ask("release", [handle])`. Methods go by their place in the table, arguments as numbers with the tags of
 * web/bindings/src/call.rs. Errors are thrown as everywhere.
 */
export interface Bridge {
  /** Calls a method on `self` (0: of the class). A handle, or 0 where the value is in `result`. */
  call(place: number, self: number, ...numbers: number[]): number;
  /** The value of the last call that gave 0: null, a boolean, a number, text, a handle, or an array of those. */
  result(): unknown;
  /** A method that waits for values: a handle, an array of them, or a promise of either. */
  later(place: number, self: number, ...numbers: number[]): unknown;
  /** The engine's function of this name, arrays for its lists. What waits gives a value or a promise of it. */
  ask(name: string, ...args: unknown[]): unknown;
  /** The engine's memory. */
  memory(): ArrayBufferLike;
  /** A tensor of this package that shares the handle's value. */
  tensor(handle: number): Tensor;
  /** A handle of its own for a tensor of this package. */
  handle(tensor: Tensor): number;
}

const reading: Record<string, (...args: unknown[]) => unknown> = {
  startReader: () => withReader(() => undefined),
  loadTorch: (file) => withReader(() => flat(torchHandles(file as Uint8Array))),
  onnxFiles: (model) => withReader(() => filesBeside(model as Uint8Array)),
  ...onnxFunctions,
};

const flat = (named: [string, number][]) => [named.map(([name]) => name), named.map(([, id]) => id)];

/** At once where the second module is there already. */
function withReader<T>(work: () => T): T | Promise<T> {
  return readerStarted() ? work() : startReader().then(work);
}

export const bridge: Bridge = {
  call: (place, self, ...numbers) => callWritten(place, self, numbers),
  result: callResult,
  later: (place, self, ...numbers) => callWrittenLater(place, self, numbers),
  ask(name, ...args) {
    if (Object.hasOwn(reading, name)) return reading[name]!(...args);
    const given = (engine() as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
    grew();
    return given;
  },
  memory,
  tensor: (handle) => make(engine().alias(handle)),
  handle: (tensor) => engine().alias(idOf("handle", tensor)),
};
