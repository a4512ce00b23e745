import { engine } from "./engine.js";
import { idOf, idsOf, make, makeAll } from "./handle.js";
import type { Tensor } from "./tensor.js";

/** What can be differentiated: a function of tensors that gives a float tensor at once. */
export type Differentiable = (...inputs: Tensor[]) => Tensor;

const callback = (op: string, f: Differentiable) => (ids: Uint32Array) => idOf(op, f(...makeAll(ids)));

function differentiate(
  op: string,
  f: Differentiable,
  inputs: readonly Tensor[],
  directions: readonly Tensor[],
): [Tensor, Tensor[]] {
  const ids = engine().differentiate(op, callback(op, f), idsOf(op, inputs), idsOf(op, directions));
  const [y, ...made] = makeAll(ids);
  return [y!, made];
}

/**
 * `f(...inputs)`, and for each input the gradient of the sum of `gradient * f(...inputs)`; without `gradient` the
 * function gives a scalar. An input that the result does not depend on gets zeros.
 */
export const vjp = (
  f: Differentiable,
  inputs: readonly Tensor[],
  gradient?: Tensor | null,
): [value: Tensor, gradients: Tensor[]] => differentiate("vjp", f, inputs, gradient ? [gradient] : []);

/** `f(...inputs)`, and its derivative along `tangents`, of the shapes of the inputs. */
export function jvp(
  f: Differentiable,
  inputs: readonly Tensor[],
  tangents: readonly Tensor[],
): [value: Tensor, tangent: Tensor] {
  const [y, along] = differentiate("jvp", f, inputs, tangents);
  return [y, along[0]!];
}

/** `f(...inputs)`, a scalar, and the products of its Hessian with `vectors`, of the shapes of the inputs. */
export const hvp = (
  f: Differentiable,
  inputs: readonly Tensor[],
  vectors: readonly Tensor[],
): [value: Tensor, products: Tensor[]] => differentiate("hvp", f, inputs, vectors);

/**
 * `f(...inputs)`, for which nothing in between is kept: where gradients need it, it is computed again from the inputs.
 * Values and gradients stay the same; memory falls, and there is more to compute.
 */
export const checkpoint = (f: Differentiable, inputs: readonly Tensor[]): Tensor =>
  make(engine().checkpointed(idOf("checkpoint", f(...inputs)), idsOf("checkpoint", inputs)));

/** The element whose gradient is furthest from its slope by differences, measured by what is allowed. */
export interface Worst {
  input: number;
  element: number;
  gradient: number;
  byDifferences: number;
}

/**
 * Compares the gradients of `f` with `(f(x + eps) − f(x − eps)) / (2 * eps)` for every element of every input, and
 * throws `DataError` where they differ by more than `atol + rtol * |by differences|`. What is not told follows from the
 * dtype; `float64` inputs on the CPU tell most.
 */
export async function gradcheck(
  f: Differentiable,
  inputs: readonly Tensor[],
  options: { eps?: number; atol?: number; rtol?: number } = {},
): Promise<Worst> {
  const ids = idsOf("gradcheck", inputs);
  const { eps, atol, rtol } = options;
  const worst = await engine().gradcheck(callback("gradcheck", f), ids, eps, atol, rtol);
  const [input, element, gradient, byDifferences] = worst as [number, number, number, number];
  return { input, element, gradient, byDifferences };
}
