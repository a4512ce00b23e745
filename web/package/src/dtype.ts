import { DTypeError } from "./errors.js";

/** Element types. Arrays of JavaScript numbers become `float32`. `float64` and `int64` exist on the device `cpu`. */
export type DType =
  | "float32"
  | "float16"
  | "bfloat16"
  | "float64"
  | "int32"
  | "int8"
  | "int64"
  | "uint32"
  | "uint8"
  | "bool";

const NAMES: Record<string, DType> = {
  f32: "float32",
  float: "float32",
  f16: "float16",
  half: "float16",
  bf16: "bfloat16",
  f64: "float64",
  double: "float64",
  i32: "int32",
  int: "int32",
  i8: "int8",
  char: "int8",
  i64: "int64",
  long: "int64",
  u32: "uint32",
  uint: "uint32",
  u8: "uint8",
  uchar: "uint8",
};

/** An element type or its short name. */
export type DTypeLike =
  | DType
  | "f32"
  | "float"
  | "f16"
  | "half"
  | "bf16"
  | "f64"
  | "double"
  | "i32"
  | "int"
  | "i8"
  | "char"
  | "i64"
  | "long"
  | "u32"
  | "uint"
  | "u8"
  | "uchar";

/**
 * What tensors are made from and read into. `bool` reads as `Uint8Array` of 0 and 1; `float16` as `Float16Array`,
 * where the host has none as `Uint16Array` of its bits; `bfloat16` always as `Uint16Array` of its bits.
 */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

type Float16 = {
  new (buffer: ArrayBufferLike, offset: number, length: number): TypedArray;
  from(numbers: ArrayLike<number>): TypedArray;
};
const Float16 = (globalThis as { Float16Array?: Float16 }).Float16Array;

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The bits of the nearest float16 or bfloat16, ties to even. */
function bitsOf(x: number, brain: boolean): number {
  float[0] = x;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | (brain ? 0x7fc0 : 0x7e00);
  if (brain) return sign | ((size + 0x7fff + ((size >>> 16) & 1)) >>> 16);
  if (size >= 0x477ff000) return sign | 0x7c00;
  if (size >= 0x38800000) return sign | ((size + 0xfff + ((size >>> 13) & 1) - 0x38000000) >>> 13);
  // From 0.5 on, float32 has the spacing of a float16's subnormals.
  float[0] = Math.abs(float[0]!) + 0.5;
  return sign | (word[0]! - 0x3f000000);
}

/** The number whose bits as float16 or bfloat16 these are. */
function ofBits(bits: number, brain: boolean): number {
  word[0] = brain ? bits << 16 : (bits & 0x7fff) << 13;
  if (brain) return float[0]!;
  const size = (bits & 0x7fff) < 0x7c00 ? float[0]! * 2 ** 112 : (bits & 0x3ff) === 0 ? Infinity : NaN;
  return bits & 0x8000 ? -size : size;
}

/** The numbers as an array that holds exactly what the element type holds. @internal */
export function arrayOf(
  numbers: ArrayLike<number> | BigInt64Array,
  dtype: DTypeLike,
): TypedArray | BigInt64Array {
  const plain = numbers instanceof BigInt64Array ? Float64Array.from(numbers, Number) : numbers;
  const name = NAMES[dtype] ?? dtype;
  switch (name) {
    case "float32":
      return Float32Array.from(plain);
    case "float64":
      return Float64Array.from(plain);
    case "float16":
    case "bfloat16":
      if (numbers instanceof Uint16Array) return numbers;
      return Uint16Array.from(plain, (x) => bitsOf(x, name === "bfloat16"));
    case "int32":
      return Int32Array.from(plain);
    case "int8":
      return Int8Array.from(plain);
    case "int64":
      return BigInt64Array.from(plain as number[], (x) => BigInt(Math.trunc(x) || 0));
    case "uint32":
      return Uint32Array.from(plain);
    case "uint8":
      return Uint8Array.from(plain);
    case "bool":
      return Uint8Array.from(plain, (value) => (value ? 1 : 0));
    default:
      throw new DTypeError(
        "tensor",
        `dtype "${String(dtype)}"`,
        "float32, float16, bfloat16, float64, int32, int8, int64, uint32, uint8 or bool",
        "name one of these",
      );
  }
}

/** @internal */
export function dtypeOf(array: ArrayBufferView): DType | undefined {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Uint32Array) return "uint32";
  if (array instanceof Int8Array) return "int8";
  if (array instanceof Uint8Array) return "uint8";
  if (array instanceof BigInt64Array) return "int64";
  if (Float16 && array instanceof Float16) return "float16";
  return undefined;
}

/** What was read, as it is handed out. @internal */
export function handed(array: TypedArray, dtype: DType): TypedArray {
  if (dtype !== "float16" || !Float16) return array;
  return new Float16(array.buffer, array.byteOffset, array.length);
}

/** The numbers of what was read. @internal */
export function numbersOf(array: TypedArray | BigInt64Array, dtype: DType): ArrayLike<number> {
  if (array instanceof BigInt64Array) return Float64Array.from(array, Number);
  if (!(array instanceof Uint16Array)) return array;
  return Float32Array.from(array, (bits) => ofBits(bits, dtype === "bfloat16"));
}

/** @internal */
export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
