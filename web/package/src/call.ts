import { engine, memory } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { SPEC } from "./generated/methods.js";
import { Handle, idOf, make, makeAll } from "./handle.js";

/** One method of the table. */
interface Method {
  name: string;
  /** Its place in the table. */
  place: number;
  parameters: string[];
  /** Whether its shape depends on values, so that it has to wait for them. */
  waits: boolean;
}

// What the numbers that follow mean, as web/bindings/src/call.rs reads them.
const LEFT_OUT = 0;
const NONE = 1;
const BOOL = 2;
const NUMBER = 3;
const TENSOR = 4;
const TEXT = 5;
const LIST = 6;
const NAMED = 7;

/** The engine's buffer, and how much of it is written. Growing memory leaves it with length 0. */
let buffer: Float64Array = new Float64Array(0);
let at = 0;

function room(count: number): void {
  if (at + count <= buffer.length) return;
  const size = Math.max(256, 2 * (at + count));
  const address = engine().buffer(size) >>> 0;
  buffer = new Float64Array(memory(), address, size);
}

function put(tag: number, value: number): void {
  room(2);
  buffer[at] = tag;
  buffer[at + 1] = value;
  at += 2;
}

function write(op: string, value: unknown): void {
  if (typeof value === "number") put(NUMBER, value);
  else if (value instanceof Handle) put(TENSOR, value.id);
  else if (typeof value === "boolean") put(BOOL, Number(value));
  else if (value === undefined || value === null) {
    room(1);
    buffer[at++] = value === null ? NONE : LEFT_OUT;
  } else if (typeof value === "string") {
    put(TEXT, value.length);
    room(value.length);
    for (let i = 0; i < value.length; i += 1) buffer[at++] = value.charCodeAt(i);
  } else if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    const items = value as ArrayLike<unknown>;
    put(LIST, items.length);
    for (let i = 0; i < items.length; i += 1) write(op, items[i]);
  } else {
    const got = typeof value === "object" ? "an object" : `a ${typeof value}`;
    throw new ArgumentError(
      op,
      got,
      "tensors, numbers, text or lists of them",
      "see the method's parameters",
    );
  }
}

const isOptions = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

function writeNamed({ name, parameters }: Method, options: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(options)) {
    const place = parameters.indexOf(key);
    if (place < 0) {
      const known = parameters.join(", ") || "no options";
      throw new ArgumentError(name, `the option ${key}`, known, "name one of these");
    }
    if (value === undefined) continue;
    put(NAMED, place);
    write(name, value);
  }
}

/** A value other than a tensor, from the buffer. */
function read(tensor: (id: number) => unknown = make): unknown {
  room(2);
  const tag = buffer[at++];
  if (tag === NONE) return null;
  const value = buffer[at++]!;
  if (tag === TENSOR) return tensor(value);
  if (tag === BOOL) return value !== 0;
  if (tag === TEXT) {
    room(value);
    at += value;
    return String.fromCharCode(...buffer.subarray(at - value, at));
  }
  return tag === LIST ? Array.from({ length: value }, () => read(tensor)) : value;
}

function call(method: Method, id: number, args: unknown[]): unknown {
  const wasm = engine();
  at = 0;
  let count = args.length;
  const last = args[count - 1];
  if (isOptions(last)) count -= 1;
  for (let i = 0; i < count; i += 1) write(method.name, args[i]);
  if (count < args.length) writeNamed(method, last as Record<string, unknown>);
  if (method.waits) return later(wasm.callLater(method.place, id, at));
  const made = wasm.call(method.place, id, at);
  if (made !== 0) return make(made);
  // The engine may have moved the buffer.
  buffer = new Float64Array(0);
  at = 0;
  return read();
}

/** Calls the method at `place` with arguments that are written already; gives a handle, or 0 and `callResult`. @internal */
export function callWritten(place: number, id: number, numbers: ArrayLike<number>): number {
  return engine().call(place, id, fill(numbers));
}

/** As `callWritten`, for a method that waits: a handle, handles, or a promise of them. @internal */
export function callWrittenLater(place: number, id: number, numbers: ArrayLike<number>): unknown {
  return engine().callLater(place, id, fill(numbers));
}

function fill(numbers: ArrayLike<number>): number {
  engine();
  at = 0;
  room(numbers.length);
  // Grown memory has taken the buffer away, and `room` gives a new one only where something is written.
  if (numbers.length > 0) buffer.set(numbers);
  return numbers.length;
}

/** The value that the last call gave, if it gave no tensor; a tensor in it is its handle. @internal */
export function callResult(): unknown {
  buffer = new Float64Array(0);
  at = 0;
  return read(Number);
}

async function later(result: unknown): Promise<unknown> {
  const made = (await result) as number | Uint32Array;
  return typeof made === "number" ? make(made) : makeAll(made);
}

const camel = (name: string): string =>
  name.replace(/(.)_(\w)/g, (_, before: string, letter: string) => before + letter.toUpperCase());

const define = (target: object, name: string, value: unknown): unknown =>
  Object.defineProperty(target, name, { value, writable: true, configurable: true });

/** Gives the class the methods of the table. @internal */
export function install(type: { prototype: object }): void {
  SPEC.split(";").forEach((line, place) => {
    const [, where, waits, written] = /^([.+]?)(~?)(.*)$/.exec(line)!;
    const [names, ...parameters] = written!.split(" ").map((word) => word.split("=").map(camel));
    for (const name of names!) {
      const method = { name, place, parameters: parameters.flat(), waits: waits === "~" };
      const own = {
        [name](this: unknown, ...args: unknown[]) {
          return call(method, idOf(name, this), args);
        },
      };
      const ofClass = {
        [name](...args: unknown[]) {
          return where === "." ? call(method, 0, args) : call(method, idOf(name, args[0]), args.slice(1));
        },
      };
      if (where !== ".") define(type.prototype, name, own[name]);
      if (where !== "") define(type, name, ofClass[name]);
    }
  });
}
