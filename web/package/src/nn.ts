import { Layer as LayerKind } from "../wasm/playgrad.js";
import { engine } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { idOf, idsOf, make, makeAll } from "./handle.js";
import { type Axes, type Shape, two, whole } from "./shape.js";
import { Tensor } from "./tensor.js";

/** Anything with a `forward`, or a plain function from tensor to tensor. */
export type Layer = { forward(x: Tensor): Tensor } | ((x: Tensor) => Tensor);

const fresh = (kind: LayerKind, op: string, sizes: Shape, affine = true): Tensor[] =>
  makeAll(engine().newLayer(kind, Uint32Array.from(whole(op, sizes, 1)), affine));

/** `x · weightᵀ + bias`: input `[…, in]`, output `[…, out]`. Weights start uniform within 1 / √in. */
export class Linear {
  /** `[out, in]`. */
  weight: Tensor;
  /** `[out]`, or `null`. */
  bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    const [weight, bias] = fresh(LayerKind.Linear, "Linear", [inFeatures, outFeatures], options.bias);
    this.weight = weight!;
    this.bias = bias ?? null;
  }

  /** Input `[…, in]`, output `[…, out]`. */
  forward(x: Tensor): Tensor {
    return x.linear(this.weight, this.bias);
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
    const sizes = [inChannels, outChannels, height, width, options.groups ?? 1];
    const [weight, bias] = fresh(LayerKind.Conv2d, "Conv2d", sizes, options.bias);
    this.weight = weight!;
    this.bias = bias ?? null;
    this.#options = options;
  }

  /** Input `[n, in, h, w]`, output `[n, out, h', w']`. */
  forward(x: Tensor): Tensor {
    const { bias: _, ...window } = this.#options;
    return x.conv2d(this.weight, this.bias, window);
  }
}

/** Normalises each channel (axis 1) by the batch's statistics in training, by running ones otherwise. */
export class BatchNorm {
  /** `[channels]`, or `null`. */
  weight: Tensor | null;
  /** `[channels]`, or `null`. */
  bias: Tensor | null;
  /** `[channels]`: what evaluation uses. Named as in PyTorch, so that saved models fit. */
  running_mean: Tensor;
  /** `[channels]`: what evaluation uses. */
  running_var: Tensor;
  /** How many batches the running statistics have seen. */
  num_batches_tracked: Tensor;
  #eps: number;
  #momentum: number;

  constructor(channels: number, options: { eps?: number; momentum?: number; affine?: boolean } = {}) {
    const tensors = fresh(LayerKind.BatchNorm, "BatchNorm", [channels], options.affine);
    const [weight, bias] = options.affine === false ? [null, null] : tensors.splice(0, 2);
    this.weight = weight!;
    this.bias = bias!;
    this.running_mean = tensors[0]!;
    this.running_var = tensors[1]!;
    this.num_batches_tracked = tensors[2]!;
    this.#eps = options.eps ?? 1e-5;
    this.#momentum = options.momentum ?? 0.1;
  }

  /** Input `[n, channels, …]`, output the same. */
  forward(x: Tensor): Tensor {
    const affine = Uint32Array.of(this.weight?.id ?? 0, this.bias?.id ?? 0);
    const running = Uint32Array.of(this.running_mean.id, this.running_var.id, this.num_batches_tracked.id);
    return make(engine().runBatchNorm(idOf("BatchNorm", x), affine, running, this.#eps, this.#momentum));
  }
}

/** Mean 0 and variance 1 over the last axes, then scaled and shifted (arXiv 1607.06450). */
export class LayerNorm {
  /** Of the normalised shape, or `null`. */
  weight: Tensor | null;
  /** Of the normalised shape, or `null`. */
  bias: Tensor | null;
  #axes: number;
  #eps: number;

  constructor(shape: number | Shape, options: { eps?: number; affine?: boolean } = {}) {
    const sizes = typeof shape === "number" ? [shape] : shape;
    const [weight, bias] = fresh(LayerKind.LayerNorm, "LayerNorm", sizes, options.affine);
    this.weight = weight ?? null;
    this.bias = bias ?? null;
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
    this.weight = fresh(LayerKind.Embedding, "Embedding", [vocabulary, dim])[0]!;
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
      typeof value === "object" &&
      value !== null &&
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
