import { ArgumentError } from "../errors.js";
import { Tensor, type TensorData, tensor } from "../tensor.js";

/** What is computed, written down before anything is: nodes that name their inputs. */
export class Graph {
  readonly nodes: Node[] = [];

  /** Nodes made from now on are of this graph. */
  asDefault(): this {
    current = this;
    return this;
  }
}

let current = new Graph();

export const defaultGraph = (): Graph => current;

/** One place of a graph. It has a value once a session has run it. */
export class Node {
  readonly graph: Graph;
  /** What it does: `"placeholder"`, `"variable"`, `"constant"`, or the name of an operation. */
  readonly op: string;
  readonly inputs: readonly Node[];
  /** Its name in messages and in a drawn graph. */
  readonly label: string;
  /** How the operation is done, such as its axis. */
  readonly options: Options;
  /** What the last run that reached it gave. */
  value: Tensor | null = null;

  constructor(op: string, inputs: readonly Node[] = [], label = "", options: Options = {}) {
    this.graph = inputs[0] instanceof Node ? inputs[0].graph : current;
    for (const input of inputs) requireNode(op, input, this.graph);
    this.op = op;
    this.inputs = inputs;
    this.label = label;
    this.options = options;
    this.graph.nodes.push(this);
  }

  toString(): string {
    return this.label === "" ? this.op : `${this.op} "${this.label}"`;
  }
}

export interface Options {
  axis?: number;
}

/** What training changes; it keeps its value from run to run. */
export class Variable extends Node {
  constructor(initial: TensorData, label = "") {
    super("variable", [], label);
    this.value = tensor(initial).detach();
    this.value.requiresGrad = true;
  }
}

/** A value that is given when the graph runs. */
export function placeholder(label = ""): Node {
  return new Node("placeholder", [], label);
}

/** A value that never changes. */
export function constant(value: TensorData, label = ""): Node {
  const node = new Node("constant", [], label);
  node.value = tensor(value);
  return node;
}

/** Throws `ArgumentError` for what is no node, or a node of another graph. */
export function requireNode(op: string, node: unknown, graph: Graph): asserts node is Node {
  if (!(node instanceof Node)) {
    const got =
      node instanceof Tensor ? "a tensor" : typeof node === "string" ? `"${node}"` : `a ${typeof node}`;
    throw new ArgumentError(
      op,
      got,
      "a node of the graph",
      "pass what add, constant, placeholder … returned",
    );
  }
  if (node.graph === graph) return;
  const fix = "make nodes and session after one new Graph().asDefault()";
  throw new ArgumentError(op, `${node} of another graph`, "a node of the same graph", fix);
}
