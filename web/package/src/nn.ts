import { ArgumentError } from "./errors.js";
import { type Axes, type Shape, two } from "./shape.js";
import { Tensor } from "./tensor.js";

/** Anything with a `forward`, or a plain function from tensor to tensor. */
export type Layer = { forward(x: Tensor): Tensor } | ((x: Tensor) => Tensor);

const learned = (t: Tensor): Tensor => {
  t.requiresGrad = true;
  return t;
};

const uniform = (shape: Shape, fanIn: number): Tensor => {
  const bound = 1 / Math.sqrt(fanIn);
  return learned(Tensor.uniform(shape, -bound, bound));
};

/** `x · weightᵀ + bias`: input `[…, in]`, output `[…, out]`. Weights start uniform within 1 / √in. */
export class Linear {
  /** `[out, in]`. */
  weight: Tensor;
  /** `[out]`, or `null`. */
  bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    this.weight = uniform([outFeatures, inFeatures], inFeatures);
    this.bias = options.bias === false ? null : uniform([outFeatures], inFeatures);
  }

  /** Input `[…, in]`, output `[…, out]`. */
  forward(x: Tensor): Tensor {
    return x.linear(this.weight.transpose(), this.bias);
  }
}

/** Settings of `Conv2d`; a number means both directions. */
export interface Conv2dOptions {
  stride?: Axes;
  padding?: Axes;
  dilation?: Axes;
  groups?: number;
  bias?: boolean;
}

/** 2-D convolution: input `[n, in, h, w]`, output `[n, out, h', w']`. */
export class Conv2d {
  /** `[out, in / groups, kh, kw]`. */
  weight: Tensor;
  /** `[out]`, or `null`. */
  bias: Tensor | null;
  #options: Conv2dOptions;

  constructor(inChannels: number, outChannels: number, kernel: Axes, options: Conv2dOptions = {}) {
    const [height, width] = two("Conv2d", kernel);
    const each = inChannels / (options.groups ?? 1);
    this.weight = uniform([outChannels, each, height, width], each * height * width);
    this.bias = options.bias === false ? null : uniform([outChannels], each * height * width);
    this.#options = options;
  }

  /** Input `[n, in, h, w]`, output `[n, out, h', w']`. */
  forward(x: Tensor): Tensor {
    return x.conv2d(this.weight, this.bias, this.#options);
  }
}

/** Normalises each channel (axis 1) by the batch's statistics in training, by running ones otherwise. */
export class BatchNorm {
  /** `[channels]`, or `null`. */
  weight: Tensor | null = null;
  /** `[channels]`, or `null`. */
  bias: Tensor | null = null;
  /** `[channels]`: what evaluation uses. */
  runningMean: Tensor;
  /** `[channels]`: what evaluation uses. */
  runningVar: Tensor;
  #eps: number;
  #momentum: number;

  constructor(channels: number, options: { eps?: number; momentum?: number; affine?: boolean } = {}) {
    if (options.affine !== false) {
      this.weight = learned(Tensor.ones(channels));
      this.bias = learned(Tensor.zeros(channels));
    }
    this.runningMean = Tensor.zeros(channels);
    this.runningVar = Tensor.ones(channels);
    this.#eps = options.eps ?? 1e-5;
    this.#momentum = options.momentum ?? 0.1;
  }

  /** Input `[n, channels, …]`, output the same. */
  forward(x: Tensor): Tensor {
    const [mean, variance] = Tensor.training ? this.#learn(x) : [this.runningMean, this.runningVar];
    return x.batchNorm(this.weight, this.bias, mean, variance.add(this.#eps).rsqrt());
  }

  #learn(x: Tensor): [Tensor, Tensor] {
    const shape = x.shape;
    const axes = shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const mean = x.mean(axes);
    const variance = x.var(axes, { correction: 0 });
    const count = x.numel / shape[1]!;
    const m = this.#momentum;
    const blend = (running: Tensor, now: Tensor) => running.assign(running.mul(1 - m).add(now.detach().mul(m)));
    blend(this.runningMean, mean);
    blend(this.runningVar, variance.mul(count / Math.max(1, count - 1)));
    return [mean, variance];
  }
}

/** Mean 0 and variance 1 over the last axes, then scaled and shifted (arXiv 1607.06450). */
export class LayerNorm {
  /** Of the normalised shape, or `null`. */
  weight: Tensor | null = null;
  /** Of the normalised shape, or `null`. */
  bias: Tensor | null = null;
  #axes: number;
  #eps: number;

  constructor(shape: number | Shape, options: { eps?: number; affine?: boolean } = {}) {
    const sizes = typeof shape === "number" ? [shape] : shape;
    if (options.affine !== false) {
      this.weight = learned(Tensor.ones(sizes));
      this.bias = learned(Tensor.zeros(sizes));
    }
    this.#axes = sizes.length;
    this.#eps = options.eps ?? 1e-5;
  }

  /** Input `[…, ...shape]`, output the same. */
  forward(x: Tensor): Tensor {
    const normal = x.layerNorm(this.#axes, this.#eps);
    return this.weight && this.bias ? normal.mul(this.weight).add(this.bias) : normal;
  }
}

/** A table of learned rows: integers `[…]` in, `[…, dim]` out. */
export class Embedding {
  /** `[vocabulary, dim]`. */
  weight: Tensor;

  constructor(vocabulary: number, dim: number) {
    this.weight = learned(Tensor.glorotUniform([vocabulary, dim]));
  }

  /** Integers `[…]` in, `[…, dim]` out. */
  forward(x: Tensor): Tensor {
    return this.weight.index(x);
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
    const wrong = layers.findIndex((layer) => typeof layer !== "function" && typeof layer?.forward !== "function");
    if (wrong >= 0) {
      const fix = "write e.g. (x) => x.relu()";
      throw new ArgumentError("Sequential", `${typeof layers[wrong]} as layer ${wrong}`, "a layer or a function", fix);
    }
    this.layers = layers;
  }

  /** The input through all layers. */
  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => (typeof layer === "function" ? layer(value) : layer.forward(value)), x);
  }
}

/** Every tensor in the model by its path (`layers.0.weight`): walks objects, arrays and class fields. */
export function stateDict(model: unknown): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  const seen = new Set<object>();
  const walk = (value: unknown, path: string): void => {
    if (value instanceof Tensor) {
      found[path] = value;
    } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && !seen.has(value)) {
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

/** Gives the model's tensors the values of `state`. Missing, unexpected or misshapen entries throw `ArgumentError`. */
export function loadStateDict(model: unknown, state: Record<string, Tensor>): void {
  const own = stateDict(model);
  const missing = Object.keys(own).filter((name) => !(name in state));
  const unexpected = Object.keys(state).filter((name) => !(name in own));
  if (missing.length > 0 || unexpected.length > 0) {
    const lists = { missing, unexpected };
    const got = Object.entries(lists).flatMap(([what, names]) => (names.length > 0 ? [`${what} ${names.join(", ")}`] : []));
    throw new ArgumentError("loadStateDict", got.join("; "), "the model's own names", "build the same model, or rename the keys");
  }
  for (const [name, target] of Object.entries(own)) target.assign(state[name]!.cast(target.dtype));
}
