import { engine } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { idOf, idsOf, make, named } from "./handle.js";
import { type Axes, type Shape, whole } from "./shape.js";
import { Tensor } from "./tensor.js";

export { GRU, LSTM, LSTMCell, type RecurrentOptions, RNN } from "./rnn.js";

/** Anything with a `forward`, or a plain function from tensor to tensor. */
export type Layer = { forward(x: Tensor): Tensor } | ((x: Tensor) => Tensor);

/** Tensors of a new layer become its fields; those it has not are null. */
abstract class Weighted {
  declare weight: Tensor | null;
  declare bias: Tensor | null;

  protected constructor(kind: string, sizes: Shape, affine = true) {
    const made = engine().newLayer(kind, Uint32Array.from(whole(kind, sizes, 1)), affine);
    Object.assign(this, { weight: null, bias: null }, named(made));
  }
}

/** `x · weight + bias` in that shape, where they are. */
function scaled(x: Tensor, { weight, bias }: Weighted, shape: Shape): Tensor {
  const whole = weight ? x.mul(weight.reshape(shape)) : x;
  return bias ? whole.add(bias.reshape(shape)) : whole;
}

/** One number for each channel (axis 1). */
const channels = (x: Tensor): Shape => x.shape.map((_, axis) => (axis === 1 ? -1 : 1));

/** `x · weightᵀ + bias`: input `[…, in]`, output `[…, out]`. Weights start uniform within 1 / √in. */
export class Linear extends Weighted {
  /** `[out, in]`. */
  declare weight: Tensor;
  /** `[out]`, or `null`. */
  declare bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    super("Linear", [inFeatures, outFeatures], options.bias);
  }

  /** Input `[…, in]`, output `[…, out]`. */
  forward(x: Tensor): Tensor {
    return x.linear(this.weight.transpose(0, 1), this.bias);
  }
}

/** Settings of convolutions; a number means every direction. `"same"` keeps the image's size. */
export interface ConvLayerOptions {
  stride?: Axes;
  padding?: Axes | "same";
  dilation?: Axes;
  groups?: number;
  bias?: boolean;
}

/** Settings of `Conv2d`. */
export type Conv2dOptions = ConvLayerOptions;

const list = (value: Axes): readonly number[] => (typeof value === "number" ? [value] : value);

/** 2-D convolution: input `[n, in, h, w]`, output `[n, out, h', w']`; as many axes as the kernel has numbers. */
export class Conv2d extends Weighted {
  /** `[out, in / groups, kh, kw]`. */
  declare weight: Tensor;
  /** `[out]`, or `null`. */
  declare bias: Tensor | null;
  readonly #options: { stride?: Axes; padding?: Axes; dilation?: Axes; groups?: number };

  constructor(inChannels: number, outChannels: number, kernel: Axes, options: ConvLayerOptions = {}) {
    const { bias, padding, ...rest } = options;
    const sides = typeof kernel === "number" ? [kernel, kernel] : kernel;
    super("Conv2d", [inChannels, outChannels, rest.groups ?? 1, ...sides], bias);
    this.#options = rest;
    if (padding !== "same") {
      if (padding !== undefined) this.#options.padding = padding;
    } else if (list(rest.stride ?? 1).some((step) => step !== 1)) {
      throw new ArgumentError("Conv2d", 'padding "same" with a stride', "a stride of 1", "give numbers");
    } else {
      const all = [sides, list(rest.dilation ?? 1)].map((sizes) => Uint32Array.from(sizes));
      this.#options.padding = Array.from(engine().samePadding(all[0]!, all[1]!));
    }
  }

  /** Input `[n, in, h, w]`, output `[n, out, h', w']`. */
  forward(x: Tensor): Tensor {
    return x.conv2d(this.weight, this.bias, this.#options);
  }
}

/** 1-D convolution: input `[n, in, l]`, output `[n, out, l']`. */
export class Conv1d extends Conv2d {
  constructor(inChannels: number, outChannels: number, kernel: number, options?: ConvLayerOptions) {
    super(inChannels, outChannels, [kernel], options);
  }
}

/** Settings of transposed convolutions; a number means every direction. */
export interface ConvTransposeOptions {
  stride?: Axes;
  padding?: Axes;
  outputPadding?: Axes;
  dilation?: Axes;
  groups?: number;
  bias?: boolean;
}

/** The transpose of `Conv2d`: input `[n, in, h, w]`, output `[n, out, h', w']`. */
export class ConvTranspose2d extends Weighted {
  /** `[in, out / groups, kh, kw]`. */
  declare weight: Tensor;
  /** `[out]`, or `null`. */
  declare bias: Tensor | null;
  readonly #options: Omit<ConvTransposeOptions, "bias">;

  constructor(inChannels: number, outChannels: number, kernel: Axes, options: ConvTransposeOptions = {}) {
    const { bias, ...rest } = options;
    const sides = typeof kernel === "number" ? [kernel, kernel] : kernel;
    super("ConvTranspose2d", [inChannels, outChannels, rest.groups ?? 1, ...sides], bias);
    this.#options = rest;
  }

  /** Input `[n, in, h, w]`, output `[n, out, h', w']`. */
  forward(x: Tensor): Tensor {
    return x.convTranspose2d(this.weight, this.bias, this.#options);
  }
}

/** The transpose of `Conv1d`: input `[n, in, l]`, output `[n, out, l']`. */
export class ConvTranspose1d extends ConvTranspose2d {
  constructor(inChannels: number, outChannels: number, kernel: number, options?: ConvTransposeOptions) {
    super(inChannels, outChannels, [kernel], options);
  }
}

/** Settings of normalisations; `affine: false` leaves out weight and bias. */
export interface NormOptions {
  eps?: number;
  affine?: boolean;
}

/** Normalises each channel (axis 1) by the batch's statistics in training, by running ones otherwise. */
export class BatchNorm extends Weighted {
  /** `[channels]`: what evaluation uses; not there without `trackRunningStats`. Named as in PyTorch. */
  declare running_mean: Tensor;
  /** `[channels]`: what evaluation uses. */
  declare running_var: Tensor;
  /** How many batches the running statistics have seen. */
  declare num_batches_tracked: Tensor;
  #eps: number;
  #momentum: number;

  constructor(
    channels: number,
    options: NormOptions & { momentum?: number; trackRunningStats?: boolean } = {},
  ) {
    const { eps = 1e-5, momentum = 0.1, affine, trackRunningStats = true } = options;
    super("BatchNorm", [channels], affine);
    if (!trackRunningStats)
      for (const name of ["running_mean", "running_var", "num_batches_tracked"])
        Reflect.deleteProperty(this, name);
    this.#eps = eps;
    this.#momentum = momentum;
  }

  /** Input `[n, channels, …]`, output the same. */
  forward(x: Tensor): Tensor {
    const affine = Uint32Array.of(this.weight?.id ?? 0, this.bias?.id ?? 0);
    const kept = [this.running_mean, this.running_var, this.num_batches_tracked];
    const running = Uint32Array.from(kept[0] ? kept : [], ({ id }) => id);
    return make(engine().runBatchNorm(idOf("BatchNorm", x), affine, running, this.#eps, this.#momentum));
  }
}

export { BatchNorm as BatchNorm1d, BatchNorm as BatchNorm2d, BatchNorm as BatchNorm3d };

/** Mean 0 and variance 1 over the last axes, then scaled and shifted (arXiv 1607.06450). */
export class LayerNorm extends Weighted {
  readonly #sizes: Shape;
  readonly #eps: number;

  constructor(shape: number | Shape, { eps = 1e-5, affine }: NormOptions = {}) {
    const sizes = list(shape);
    super("LayerNorm", sizes, affine);
    this.#sizes = sizes;
    this.#eps = eps;
  }

  /** Input `[…, ...shape]`, output the same. */
  forward(x: Tensor): Tensor {
    return scaled(x.layerNorm(this.#sizes.length, this.#eps), this, this.#sizes);
  }
}

/** `LayerNorm` over the channels of `[n, channels, h, w]`. */
export class LayerNorm2d extends LayerNorm {
  /** Input `[n, channels, h, w]`, output the same. */
  override forward(x: Tensor): Tensor {
    return super.forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);
  }
}

/** Mean 0 and variance 1 over each group of channels and all axes behind, then scaled (arXiv 1803.08494). */
export class GroupNorm extends Weighted {
  readonly #groups: number;
  readonly #eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5, affine }: NormOptions = {}) {
    super("GroupNorm", [channels], affine);
    this.#groups = groups;
    this.#eps = eps;
  }

  /** Input `[n, channels, …]`, output the same. */
  forward(x: Tensor): Tensor {
    return scaled(x.groupNorm(this.#groups, this.#eps), this, channels(x));
  }
}

/** Mean 0 and variance 1 over all that is behind each channel, then scaled (arXiv 1607.08022). */
export class InstanceNorm extends GroupNorm {
  constructor(features: number, options?: NormOptions) {
    super(features, features, options);
  }
}

/** Divides by the root of the mean square over the last axis, then scales (arXiv 1910.07467). */
export class RMSNorm extends Weighted {
  readonly #eps: number;

  constructor(dim: number, { eps = 1e-6, affine }: NormOptions = {}) {
    super("RMSNorm", [dim], affine);
    this.#eps = eps;
  }

  /** Input `[…, dim]`, output the same. */
  forward(x: Tensor): Tensor {
    return scaled(x.float().rmsNorm(-1, this.#eps), this, [-1]);
  }
}

/** A table of learned rows: integers `[…]` in, `[…, dim]` out. */
export class Embedding extends Weighted {
  /** `[vocabulary, dim]`. */
  declare weight: Tensor;

  constructor(vocabulary: number, dim: number) {
    super("Embedding", [vocabulary, dim]);
  }

  /** Integers `[…]` in, `[…, dim]` out. */
  forward(x: Tensor): Tensor {
    return this.weight.index(x);
  }
}

/** Joins all axes from `start`. */
export class Flatten {
  readonly #start: number;

  constructor(start = 1) {
    this.#start = start;
  }

  /** `[n, …]` in, `[n, rest]` out. */
  forward(x: Tensor): Tensor {
    return x.flatten(this.#start);
  }
}

/** `x.dropout(p)` as a layer: drops only while `Tensor.training`. */
export class Dropout {
  #p: number;

  constructor(p = 0.5) {
    this.#p = p;
  }

  /** Keeps the shape. */
  forward(x: Tensor): Tensor {
    return x.dropout(this.#p);
  }
}

/** Layers and functions, one after another. */
export class Sequential {
  layers: Layer[];

  constructor(...layers: Layer[]) {
    const wrong = layers.findIndex(
      (layer) => typeof layer !== "function" && typeof layer?.forward !== "function",
    );
    if (wrong >= 0) {
      const fix = "write e.g. (x) => x.relu()";
      throw new ArgumentError(
        "Sequential",
        `${typeof layers[wrong]} as layer ${wrong}`,
        "a layer or a function",
        fix,
      );
    }
    this.layers = layers;
  }

  /** The input through all layers. */
  forward(x: Tensor): Tensor {
    return this.layers.reduce(
      (value, layer) => (typeof layer === "function" ? layer(value) : layer.forward(value)),
      x,
    );
  }
}

/** Every tensor in the model by its path (`layers.0.weight`): walks objects, arrays and class fields. */
export function stateDict(model: unknown): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  const seen = new Set<object>();
  const walk = (value: unknown, path: string): void => {
    if (value instanceof Tensor) {
      found[path] = value;
    } else if (
      ((typeof value === "object" && value !== null) || typeof value === "function") &&
      !ArrayBuffer.isView(value) &&
      !seen.has(value)
    ) {
      seen.add(value);
      for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key);
    }
  };
  walk(model, "");
  return found;
}

/** The tensors an optimizer should change: those of the model that require a gradient, each once. */
export function parameters(model: unknown): Tensor[] {
  return [...new Set(Object.values(stateDict(model)))].filter((t) => t.requiresGrad);
}

/**
 * Gives the model's tensors the values of `state`. Missing and unexpected names and shapes that differ throw
 * `DataError`, and nothing has changed then; with `strict: false` names that only one side has are left alone.
 */
export function loadStateDict(
  model: unknown,
  state: Record<string, Tensor>,
  { strict = true }: { strict?: boolean } = {},
): void {
  const own = stateDict(model);
  const ids = (dict: Record<string, Tensor>) => idsOf("loadStateDict", Object.values(dict));
  engine().loadStateDict(Object.keys(own), ids(own), Object.keys(state), ids(state), strict);
}

export { parameters as getParameters, stateDict as getStateDict };
