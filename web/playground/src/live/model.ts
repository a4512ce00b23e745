import { nn, Tensor } from "playgrad";

/** A model as the helpers accept it: a module with forward(x), or a function of a tensor. */
export type Model = { forward(x: Tensor): Tensor } | ((x: Tensor) => Tensor);

/** A model of another language. */
export abstract class ForeignModel {
  abstract forward(x: Tensor): Tensor;
  abstract firstParameter(): Tensor | undefined;
  /** Its tensors by their paths. */
  abstract weights(): Record<string, Tensor>;
  abstract is(other: object): boolean;
}

export function firstParameter(source: Model | object): Tensor | undefined {
  if (source instanceof ForeignModel) return source.firstParameter();
  return typeof source === "function" ? undefined : nn.parameters(source)[0];
}

/** Runs the model for looking only: no gradients, dropout and batch norm as at test time. */
export function evaluate(model: Model, x: Tensor): Tensor {
  const training = Tensor.training;
  Tensor.training = false;
  try {
    return Tensor.noGrad(() => (typeof model === "function" ? model(x) : model.forward(x)));
  } finally {
    Tensor.training = training;
  }
}

/**
 * Images [n, h, w] or [n, 1, h, w] as a model wants them: floats in 0 … 1, shaped [n, h·w] where the
 * model's first parameter is a matrix, else [n, 1, h, w].
 */
export function imagesFor(model: Model, images: Tensor): Tensor {
  const height = images.shape.at(-2) ?? 28;
  const width = images.shape.at(-1) ?? 28;
  const scaled = images.dtype === "uint8" ? images.float().div(255) : images;
  return firstParameter(model)?.ndim === 2
    ? scaled.reshape(-1, height * width)
    : scaled.reshape(-1, 1, height, width);
}
