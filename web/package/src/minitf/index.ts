/** Static graphs, as in the first TensorFlow: write the computation down, then run it in a session. */

export { constant, Graph, Node, placeholder, Variable } from "./graph.js";
export {
  type Applied,
  add,
  divide,
  type GradientRule,
  log,
  matmul,
  multiply,
  negative,
  reduceMean,
  reduceSum,
  registerGradient,
  relu,
  sigmoid,
  softmax,
  square,
  subtract,
} from "./ops.js";
export { type Feed, GradientDescentOptimizer, Session } from "./session.js";
