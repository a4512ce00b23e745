import { ArgumentError } from "../errors.js";
import { Tensor, type TensorData, tensor } from "../tensor.js";
import { defaultGraph, type Graph, Node, requireNode, Variable } from "./graph.js";
import { compute } from "./ops.js";

/** What placeholders stand for in a run: a Map, or a list of pairs. */
export type Feed = Iterable<readonly [Node, TensorData]>;

/** Runs a graph. */
export class Session {
  readonly graph: Graph;

  constructor(graph: Graph = defaultGraph()) {
    this.graph = graph;
  }

  /**
   * What a node comes to, or each of a list of nodes; only what they need is computed, all of it in one submission.
   * Variables change after everything is computed. A placeholder without a value, and a node of another graph, throw
   * `ArgumentError`.
   */
  run(fetch: Node, feed?: Feed): Tensor;
  run(fetch: readonly Node[], feed?: Feed): Tensor[];
  run(fetch: Node | readonly Node[], feed: Feed = []): Tensor | Tensor[] {
    const wanted = Array.isArray(fetch) ? (fetch as readonly Node[]) : [fetch as Node];
    for (const node of wanted) requireNode("Session.run", node, this.graph);
    const values = new Map<Node, Tensor>();
    for (const [node, data] of feed) {
      requireNode("Session.run", node, this.graph);
      values.set(node, tensor(data));
    }
    const updates = new Map<Variable, Tensor>();
    for (const node of inOrder(wanted)) {
      const known = values.get(node);
      if (known) node.value = known;
      else values.set(node, evaluate(node, values, updates));
    }
    const results = wanted.map((node) => values.get(node) as Tensor);
    Tensor.realize(...results, ...updates.values());
    for (const [variable, value] of updates) variable.value = value;
    return Array.isArray(fetch) ? results : (results[0] as Tensor);
  }
}

function evaluate(node: Node, values: Map<Node, Tensor>, updates: Map<Variable, Tensor>): Tensor {
  if (node.op === "placeholder")
    throw new ArgumentError(
      "Session.run",
      `no value for the ${node}`,
      "a value for every placeholder below what is run",
      "feed it: session.run(loss, [[x, data]])",
    );
  if (node instanceof Minimize) {
    const loss = values.get(node.loss) as Tensor;
    const variables = inOrder([node.loss]).filter((below) => below instanceof Variable);
    const gradients = Tensor.grad(
      loss,
      variables.map((variable) => variable.value as Tensor),
    );
    variables.forEach((variable, i) => {
      const before = updates.get(variable) ?? (variable.value as Tensor);
      updates.set(variable, before.sub((gradients[i] as Tensor).mul(node.rate)).detach());
    });
    node.value = loss;
    return loss;
  }
  if (node.inputs.length > 0)
    node.value = compute(
      node,
      node.inputs.map((input) => values.get(input) as Tensor),
    );
  return node.value as Tensor;
}

/** All that the nodes need, each behind its inputs. */
function inOrder(wanted: readonly Node[]): Node[] {
  const order = new Set<Node>();
  const stack = wanted.map((node) => ({ node, complete: false })).reverse();
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node, complete } = top;
    if (complete) order.add(node);
    else if (!order.has(node)) {
      stack.push({ node, complete: true });
      for (const input of node.inputs) stack.push({ node: input, complete: false });
    }
  }
  return [...order];
}

/** A step of training: it changes the variables and comes to the loss before the step. */
class Minimize extends Node {
  readonly loss: Node;
  readonly rate: number;

  constructor(loss: Node, rate: number) {
    super("minimize", [loss]);
    this.loss = loss;
    this.rate = rate;
  }
}

/** Steps against the gradient: each variable -= learning rate · gradient. */
export class GradientDescentOptimizer {
  readonly learningRate: number;

  constructor(learningRate: number) {
    this.learningRate = learningRate;
  }

  /** The node that makes a step for a loss of one number; run it in a session. */
  minimize(loss: Node): Node {
    requireNode("minimize", loss, loss instanceof Node ? loss.graph : defaultGraph());
    return new Minimize(loss, this.learningRate);
  }
}
