import { engine } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { idOf, make } from "./handle.js";
import { Reducing } from "./reduce.js";
import { type Axes, axes, integer, pairs, type Shape, sizes } from "./shape.js";
import type { Tensor } from "./tensor.js";

/** What `slice` takes per axis: all of it, one index (the axis goes), or `[start, stop, step]`. */
export type Slice = null | number | readonly [number | null, number | null, number?];

/** The same numbers in another order or shape; nothing is copied. */
export abstract class Movement extends Reducing {
  /** The same elements in another shape; one size may be -1. A different number of elements throws `ShapeError`. */
  reshape(...shape: number[] | [Shape]): Tensor {
    return make(engine().reshape(this.id, sizes("reshape", shape, -1)));
  }
  /** `reshape` by its other name. */
  view(...shape: number[] | [Shape]): Tensor {
    return this.reshape(...shape);
  }
  /** Axes in the given order. */
  permute(...order: number[] | [Shape]): Tensor {
    return make(engine().permute(this.id, sizes("permute", order, -8)));
  }
  /** Swaps two axes, the last two unless told. */
  transpose(a = -2, b = -1): Tensor {
    return make(
      engine().transpose(this.id, integer("transpose", "axis", a), integer("transpose", "axis", b)),
    );
  }
  /** All axes in reverse order; the transpose of a matrix. */
  get T(): Tensor {
    return this.permute(this.shape.map((_, axis, all) => all.length - 1 - axis));
  }
  /** Repeats axes of size 1 to the given sizes; -1 keeps a size. */
  expand(...shape: number[] | [Shape]): Tensor {
    return make(engine().expand(this.id, sizes("expand", shape, -1)));
  }
  /** Adds `[before, after]` elements of `value` per axis. */
  pad(widths: readonly (readonly [number, number])[], value = 0): Tensor {
    return make(engine().pad(this.id, pairs("pad", widths), value));
  }
  /** Keeps `[from, to)` per axis. */
  shrink(ranges: readonly (readonly [number, number])[]): Tensor {
    return make(engine().shrink(this.id, pairs("shrink", ranges)));
  }
  /**
   * NumPy's `x[…]`, one entry per axis from the first: `null` keeps the axis, a number picks one index and drops
   * the axis, `[start, stop, step]` takes a range (`null` for an open end). Negative numbers count from the end.
   */
  slice(...ranges: Slice[]): Tensor {
    const flat = ranges.flatMap((range) => {
      if (range === null) return [0, Number.NaN, Number.NaN, 1];
      if (typeof range === "number") return [1, integer("slice", "index", range), 0, 1];
      if (!Array.isArray(range)) {
        throw new ArgumentError(
          "slice",
          String(range),
          "null, a number or [start, stop, step]",
          "write e.g. [0, 10]",
        );
      }
      const [start, stop, step = 1] = range;
      return [0, start ?? Number.NaN, stop ?? Number.NaN, step];
    });
    return make(engine().slice(this.id, Float64Array.from(flat)));
  }
  /** Reverses the given axes. */
  flip(axis: Axes): Tensor {
    return make(engine().flip(this.id, axes("flip", axis)!));
  }
  /** Drops axes of size 1: one of them, or all. */
  squeeze(axis?: number): Tensor {
    return make(engine().squeeze(this.id, axis));
  }
  /** Adds an axis of size 1 at that place. */
  unsqueeze(axis: number): Tensor {
    return make(engine().unsqueeze(this.id, integer("unsqueeze", "axis", axis)));
  }
  /** Joins the axes from `startDim` on into one. */
  flatten(startDim = 0): Tensor {
    return make(engine().flatten(this.id, integer("flatten", "startDim", startDim)));
  }
  /** The tensor laid out so many times per axis. */
  repeat(...times: number[] | [Shape]): Tensor {
    return make(engine().repeat(this.id, sizes("repeat", times)));
  }
  /** Elements along `axis` by index: `out[i][j] = x[i][index[i][j]]` for axis 1. `index` is integer, of as many axes. */
  gather(axis: number, index: Tensor): Tensor {
    return make(engine().gather(this.id, integer("gather", "axis", axis), idOf("gather", index)));
  }
  /** Rows along axis 0 by index: shape `[...index.shape, ...this.shape[1:]]`. `index` is integer, of any shape. */
  index(index: Tensor): Tensor {
    return make(engine().index(this.id, idOf("index", index)));
  }
}
