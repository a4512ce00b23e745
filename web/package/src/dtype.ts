import { DTypeError } from "./errors.js";

/** Element types. Arrays of JavaScript numbers become `float32`. */
export type DType = "float32" | "int32" | "uint32" | "uint8" | "bool";
/** An element type or its short name. */
export type DTypeLike = DType | "f32" | "i32" | "u32" | "u8" | "float" | "int";
/** What tensors are made from and read into; `bool` reads as `Uint8Array` of 0 and 1. */
export type TypedArray = Float32Array | Int32Array | Uint32Array | Uint8Array;

/** The numbers as an array that holds exactly what the element type holds. @internal */
export function arrayOf(numbers: ArrayLike<number>, dtype: DTypeLike): TypedArray {
  switch (dtype) {
    case "float32":
    case "f32":
    case "float":
      return Float32Array.from(numbers);
    case "int32":
    case "i32":
    case "int":
      return Int32Array.from(numbers);
    case "uint32":
    case "u32":
      return Uint32Array.from(numbers);
    case "uint8":
    case "u8":
      return Uint8Array.from(numbers);
    case "bool":
      return Uint8Array.from(numbers, (value) => (value ? 1 : 0));
    default:
      throw new DTypeError(
        "tensor",
        `dtype "${String(dtype)}"`,
        "float32, int32, uint32, uint8 or bool",
        "name one of these",
      );
  }
}

/** @internal */
export function dtypeOf(array: ArrayBufferView): DType | undefined {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Uint32Array) return "uint32";
  if (array instanceof Uint8Array) return "uint8";
  return undefined;
}

/** @internal */
export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
