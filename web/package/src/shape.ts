import { ArgumentError, ShapeError } from "./errors.js";

/** Sizes per axis, outermost first; `[]` is a single number. */
export type Shape = readonly number[];
/** One axis or several; negative counts from the last. Left out means all axes. */
export type Axes = number | readonly number[];

/** Sizes written as `(2, 3)` or as `([2, 3])`. */
export type ShapeArgs = readonly number[] | readonly [Shape];

/** The values as whole numbers from `least`, or `ShapeError`. @internal */
export function whole(op: string, values: readonly unknown[], least: number): Int32Array {
  for (const value of values) {
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > 0x7fffffff) {
      const expected = least < 0 ? "whole numbers" : `whole numbers from ${least}`;
      throw new ShapeError(op, `[${values.join(", ")}]`, expected, "give each axis a whole number");
    }
  }
  return Int32Array.from(values as number[]);
}

/** @internal */
export function sizes(op: string, args: ShapeArgs, least = 0): Int32Array {
  const [first] = args;
  return whole(op, Array.isArray(first) && args.length === 1 ? first : args, least);
}

/** @internal */
export function integer(op: string, name: string, value: number, least = -0x80000000): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new ArgumentError(op, `${name} ${value}`, `a whole number from ${least}`, `change ${name}`);
}

/** A number for both directions, or one per direction. @internal */
export function two(op: string, value: Axes): [number, number] {
  const list = typeof value === "number" ? [value, value] : value;
  if (list.length !== 2)
    throw new ShapeError(op, `[${list.join(", ")}]`, "a number or two numbers", "write [height, width]");
  const [height, width] = whole(op, list, 0);
  return [height!, width!];
}

/** @internal */
export const show = (shape: Shape): string => `[${shape.join(", ")}]`;
/** @internal */
export const product = (shape: Shape): number => shape.reduce((total, size) => total * size, 1);
