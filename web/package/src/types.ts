import type { DTypeLike } from "./dtype.js";
import type { Axes } from "./shape.js";
import type { Tensor } from "./tensor.js";

/** A tensor, or a number that takes part in broadcasting with the other operand's type. */
export type Operand = Tensor | number | boolean;

/** What `slice` takes per axis: all of it, one index (the axis goes), or `[start, stop, step]`. */
export type Slice = null | number | readonly [number | null, number | null, number?];

/** What an index is made of. */
export type Index =
  | null
  | number
  | boolean
  | string
  | readonly (number | null)[]
  | readonly [readonly number[]]
  | Tensor;

/** `keepdim: true` leaves the reduced axes with size 1. */
export interface ReduceOptions {
  keepdim?: boolean;
}

/** How a convolution moves over its input; a number means both directions. */
export interface ConvOptions {
  stride?: Axes;
  padding?: Axes;
  dilation?: Axes;
  /** Channels are split into this many groups, each convolved by itself. */
  groups?: number;
}

/** How a pooling window moves; `stride` is the window's size unless given. */
export interface PoolOptions {
  stride?: Axes;
  padding?: Axes;
}

/** How a filled or random tensor is made. */
export interface FillOptions {
  dtype?: DTypeLike;
  requiresGrad?: boolean;
}
