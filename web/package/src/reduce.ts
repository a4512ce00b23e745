import { AlongAxis, Reduce } from "../wasm/playgrad.js";
import { Elementwise } from "./elementwise.js";
import { engine } from "./engine.js";
import { make } from "./handle.js";
import { type Axes, axes } from "./shape.js";
import type { Tensor } from "./tensor.js";

/** `keepdim: true` leaves the reduced axes with size 1. */
export interface ReduceOptions {
  keepdim?: boolean;
}

const reduce = (
  op: Reduce,
  x: Reducing,
  axis: Axes | null | undefined,
  options: ReduceOptions,
  correction = 1,
): Tensor =>
  make(
    engine().reduce(op, x.id, axes(Reduce[op]!.toLowerCase(), axis), options.keepdim ?? false, correction),
  );

const along = (op: AlongAxis, x: Reducing, axis: number | null | undefined, keepdim = false): Tensor =>
  make(engine().alongAxis(op, x.id, axis ?? undefined, keepdim));

/** Many numbers in, fewer out. `axis` left out means all axes; an axis that is not there throws `ShapeError`. */
export abstract class Reducing extends Elementwise {
  /** Sum. */
  sum(axis?: Axes | null, options: ReduceOptions = {}): Tensor {
    return reduce(Reduce.Sum, this, axis, options);
  }
  /** Mean; integers give `float32`. */
  mean(axis?: Axes | null, options: ReduceOptions = {}): Tensor {
    return reduce(Reduce.Mean, this, axis, options);
  }
  /** Largest element. Its gradient is shared equally among ties. */
  max(axis?: Axes | null, options: ReduceOptions = {}): Tensor {
    return reduce(Reduce.Max, this, axis, options);
  }
  /** Smallest element. */
  min(axis?: Axes | null, options: ReduceOptions = {}): Tensor {
    return reduce(Reduce.Min, this, axis, options);
  }
  /** Product. */
  prod(axis?: Axes | null, options: ReduceOptions = {}): Tensor {
    return reduce(Reduce.Prod, this, axis, options);
  }
  /** Variance; divides by `n - correction`, `correction` being 1 unless said otherwise. */
  var(axis?: Axes | null, options: ReduceOptions & { correction?: number } = {}): Tensor {
    return reduce(Reduce.Var, this, axis, options, options.correction);
  }
  /** Standard deviation: the square root of `var`. */
  std(axis?: Axes | null, options: ReduceOptions & { correction?: number } = {}): Tensor {
    return reduce(Reduce.Std, this, axis, options, options.correction);
  }
  /** `log(sum(exp(x)))` without overflow. */
  logsumexp(axis?: Axes | null, options: ReduceOptions = {}): Tensor {
    return reduce(Reduce.Logsumexp, this, axis, options);
  }
  /** Index of the largest element along the axis (of the flattened tensor without one), `int32`; the first of ties. */
  argmax(axis?: number | null, options: ReduceOptions = {}): Tensor {
    return along(AlongAxis.Argmax, this, axis, options.keepdim);
  }
  /** Index of the smallest element along the axis, `int32`; the first of ties. */
  argmin(axis?: number | null, options: ReduceOptions = {}): Tensor {
    return along(AlongAxis.Argmin, this, axis, options.keepdim);
  }
  /** `exp(x) / sum(exp(x))` along the axis: probabilities. Keeps the shape. */
  softmax(axis = -1): Tensor {
    return along(AlongAxis.Softmax, this, axis);
  }
  /** `log(softmax(x))`, computed without overflow. Keeps the shape. */
  logSoftmax(axis = -1): Tensor {
    return along(AlongAxis.LogSoftmax, this, axis);
  }
}
