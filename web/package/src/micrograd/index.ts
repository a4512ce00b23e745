/** Scalars that know their gradients, and perceptrons of them, after karpathy's micrograd. */

export { Layer, MLP, Module, Neuron, seed } from "./nn.js";
export { sum, Value } from "./value.js";
