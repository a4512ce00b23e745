import { Binary, Pool, UnaryWith } from "../wasm/playgrad.js";
import { binary, type Operand, unaryWith } from "./elementwise.js";
import { engine } from "./engine.js";
import { idOf, make } from "./handle.js";
import { Movement } from "./movement.js";
import { type Axes, integer, two } from "./shape.js";
import type { Tensor } from "./tensor.js";

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

function pool(op: Pool, name: string, x: Neural, kernel: Axes, options: PoolOptions): Tensor {
  const { stride = kernel, padding = 0 } = options;
  const window = [kernel, stride, padding].flatMap((value) => two(name, value));
  return make(engine().pool(op, x.id, Uint32Array.from(window)));
}

/** What networks are made of: products, convolutions, pooling, normalisation, losses. */
export abstract class Neural extends Movement {
  /** Matrix product `[…, m, k] · [k, n]`, also of vectors and of batches, as `numpy.matmul`. */
  matmul(other: Tensor): Tensor {
    idOf("matmul", other);
    return binary(Binary.Matmul, this, other);
  }
  /** `matmul` by its other name. */
  dot(other: Tensor): Tensor {
    return this.matmul(other);
  }
  /** `x · weightᵀ + bias` with `weight` of shape `[out, in]`, as in PyTorch. */
  linear(weight: Tensor, bias?: Tensor | null): Tensor {
    const b = bias ? idOf("linear", bias) : 0;
    return make(engine().linear(this.id, idOf("linear", weight), b));
  }
  /** 2-D convolution: input `[n, in, h, w]`, weight `[out, in / groups, kh, kw]`, bias `[out]`. */
  conv2d(weight: Tensor, bias?: Tensor | null, options: ConvOptions = {}): Tensor {
    const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
    const window = [stride, padding, dilation].flatMap((value) => two("conv2d", value));
    window.push(integer("conv2d", "groups", groups, 1));
    const b = bias ? idOf("conv2d", bias) : 0;
    return make(engine().conv2d(this.id, idOf("conv2d", weight), b, Uint32Array.from(window)));
  }
  /** Largest element of each window: `[n, c, h, w]`. */
  maxPool2d(kernel: Axes = 2, options: PoolOptions = {}): Tensor {
    return pool(Pool.Max, "maxPool2d", this, kernel, options);
  }
  /** Mean of each window: `[n, c, h, w]`. */
  avgPool2d(kernel: Axes = 2, options: PoolOptions = {}): Tensor {
    return pool(Pool.Average, "avgPool2d", this, kernel, options);
  }
  /** While `Tensor.training`: zero with probability `p`, the rest scaled by `1 / (1 - p)`. Else unchanged. */
  dropout(p = 0.5): Tensor {
    return unaryWith(UnaryWith.Dropout, this, p);
  }
  /** Integers to rows of `classes` with a single 1: shape `[...shape, classes]`, `int32`. */
  oneHot(classes: number): Tensor {
    return make(engine().oneHot(this.id, integer("oneHot", "classes", classes, 1)));
  }
  /** Mean 0 and variance 1 over the last `axes` axes (1 unless told). */
  layerNorm(axes = 1, eps = 1e-5): Tensor {
    return make(engine().layerNorm(this.id, integer("layerNorm", "axes", axes, 1), eps));
  }
  /** `(x - mean) * invstd * weight + bias` per channel (axis 1); each of shape `[channels]`. */
  batchNorm(weight: Tensor | null, bias: Tensor | null, mean: Tensor, invstd: Tensor): Tensor {
    const optional = (t: Tensor | null) => (t ? idOf("batchNorm", t) : 0);
    const statistics = [mean, invstd].map((t) => idOf("batchNorm", t));
    return make(
      engine().batchNorm(this.id, optional(weight), optional(bias), statistics[0]!, statistics[1]!),
    );
  }

  /**
   * Mean cross-entropy of logits `[n, classes]` with `target`: class numbers `[n]` (integers) or probabilities
   * `[n, classes]` (floats). Shape `[]`.
   */
  crossEntropy(target: Tensor): Tensor {
    idOf("crossEntropy", target);
    return binary(Binary.CrossEntropy, this, target);
  }
  /** Mean squared difference, shape `[]`. */
  mse(target: Operand): Tensor {
    return binary(Binary.Mse, this, target);
  }
  /** Mean binary cross-entropy of probabilities in (0, 1) with targets 0 or 1, shape `[]`. */
  binaryCrossEntropy(target: Operand): Tensor {
    return binary(Binary.BinaryCrossEntropy, this, target);
  }
}
