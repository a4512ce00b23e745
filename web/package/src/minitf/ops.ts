import { ArgumentError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { Node, type Options } from "./graph.js";

/** The operations: what each does with tensors, once its graph runs. */
const operations: Record<string, (inputs: Tensor[], options: Options) => Tensor> = {
  add: ([a, b]) => a!.add(b!),
  subtract: ([a, b]) => a!.sub(b!),
  multiply: ([a, b]) => a!.mul(b!),
  divide: ([a, b]) => a!.div(b!),
  matmul: ([a, b]) => a!.matmul(b!),
  negative: ([x]) => x!.neg(),
  square: ([x]) => x!.square(),
  log: ([x]) => x!.log(),
  relu: ([x]) => x!.relu(),
  sigmoid: ([x]) => x!.sigmoid(),
  softmax: ([x]) => x!.softmax(-1),
  reduce_sum: ([x], { axis }) => x!.sum(axis),
  reduce_mean: ([x], { axis }) => x!.mean(axis),
};

/** a + b; shapes broadcast. */
export const add = (a: Node, b: Node, label = "") => new Node("add", [a, b], label);
/** a - b; shapes broadcast. */
export const subtract = (a: Node, b: Node, label = "") => new Node("subtract", [a, b], label);
/** a · b, element by element; shapes broadcast. */
export const multiply = (a: Node, b: Node, label = "") => new Node("multiply", [a, b], label);
/** a / b; shapes broadcast. */
export const divide = (a: Node, b: Node, label = "") => new Node("divide", [a, b], label);
/** The matrix product: [n, k] and [k, m] give [n, m]. */
export const matmul = (a: Node, b: Node, label = "") => new Node("matmul", [a, b], label);
/** -x */
export const negative = (x: Node, label = "") => new Node("negative", [x], label);
/** x² */
export const square = (x: Node, label = "") => new Node("square", [x], label);
/** The natural logarithm. */
export const log = (x: Node, label = "") => new Node("log", [x], label);
/** 0 where negative. */
export const relu = (x: Node, label = "") => new Node("relu", [x], label);
/** 1 / (1 + e^-x) */
export const sigmoid = (x: Node, label = "") => new Node("sigmoid", [x], label);
/** e^x over its sum, along the last axis. */
export const softmax = (x: Node, label = "") => new Node("softmax", [x], label);
/** The sum of all elements, or along an axis. */
export const reduceSum = (x: Node, axis?: number, label = "") => new Node("reduce_sum", [x], label, { axis });
/** The mean of all elements, or along an axis. */
export const reduceMean = (x: Node, axis?: number, label = "") =>
  new Node("reduce_mean", [x], label, { axis });

/** An operation as its gradient sees it. */
export interface Applied {
  inputs: readonly Tensor[];
  output: Tensor;
}

/** From the gradient of the output, the gradient of each input, of its shape. */
export type GradientRule = (op: Applied, gradient: Tensor) => Tensor | readonly Tensor[];

const rules = new Map<string, GradientRule>();

/** Gives an operation, by its name, a gradient of your own in place of the engine's; null takes it back. */
export function registerGradient(name: string, rule: GradientRule | null): void {
  if (!Object.hasOwn(operations, name)) {
    const known = `one of ${Object.keys(operations).join(", ")}`;
    throw new ArgumentError("registerGradient", `"${name}"`, known, "check the spelling");
  }
  if (rule) rules.set(name, rule);
  else rules.delete(name);
}

/** The tensor that a node computes from its inputs' tensors. @internal */
export function compute(node: Node, inputs: Tensor[]): Tensor {
  const work = operations[node.op];
  if (!work)
    throw new ArgumentError("Session.run", `${node}`, "an operation", "make nodes with add, matmul …");
  const output = work(inputs, node.options);
  const rule = rules.get(node.op);
  if (!rule) return output;
  return output.customGrad(inputs, (gradient, output, inputs) => {
    const given = rule({ inputs, output }, gradient);
    const gradients = Array.isArray(given) ? given : [given as Tensor];
    if (gradients.length === inputs.length) return gradients;
    const got = `${gradients.length} gradients for ${inputs.length} inputs`;
    throw new ArgumentError(`gradient of ${node.op}`, got, "one for each input", "return them in a list");
  });
}
