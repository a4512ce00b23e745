import { Tensor } from "playgrad";
import type { GraphNode } from "../protocol";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";

const mostNodes = 160;

/** What a graph is drawn of: a Value of micrograd, or a node of minitf. */
export interface Drawable {
  readonly label: string;
  readonly op: string;
  readonly inputs: readonly Drawable[];
  /** Of scalars. */
  readonly data?: number;
  readonly grad?: number;
  readonly slopes?: readonly number[];
  /** Of tensors, once they were computed. */
  readonly value?: Tensor | null;
}

/** The graph that a value was computed by, each node with its data and gradient, or with its tensor. */
export function graph(result: Drawable, label = "graph"): void {
  if (!Array.isArray(result?.inputs))
    throw new UsageError(
      "graph",
      result instanceof Tensor ? "a tensor" : `a ${typeof result}`,
      'a Value of "playgrad/micrograd" or a node of "playgrad/minitf"',
      "Pass the value that was computed last, as in graph(loss).",
    );
  addGraph(label, async () => {
    const { nodes, more } = nearest(result);
    const places = new Map(nodes.map((node, i) => [node, i]));
    const drawn = nodes.map((node) => describe(node, places));
    return { nodes: await Promise.all(drawn), more };
  });
}

/** Draws what `read` gives, again whenever panels are. */
export function addGraph(label: string, read: () => Promise<{ nodes: GraphNode[]; more: boolean }>): void {
  const id = `graph:${label}`;
  addView({
    id,
    async sample() {
      post({ type: "view", view: { kind: "graph", id, label, ...(await read()) } });
    },
  });
}

/** The nodes that are the fewest steps from the result, each behind its inputs. */
function nearest(result: Drawable): { nodes: Drawable[]; more: boolean } {
  const found = new Set([result]);
  let more = false;
  for (const node of found)
    for (const input of node.inputs) {
      if (found.has(input)) continue;
      if (found.size < mostNodes) found.add(input);
      else more = true;
    }
  const nodes = new Set<Drawable>();
  const visit = (node: Drawable) => {
    if (nodes.has(node) || !found.has(node)) return;
    for (const input of node.inputs) visit(input);
    nodes.add(node);
  };
  visit(result);
  return { nodes: [...nodes], more };
}

async function describe(node: Drawable, places: Map<Drawable, number>): Promise<GraphNode> {
  const { label, op, data, grad, slopes, value } = node;
  const kept = node.inputs.flatMap((input, i) => {
    const place = places.get(input);
    return place === undefined ? [] : [{ place, slope: slopes?.[i] }];
  });
  const drawn: GraphNode = { label, op, inputs: kept.map(({ place }) => place) };
  if (data !== undefined) return { ...drawn, data, grad, slopes: kept.map(({ slope }) => slope ?? 0) };
  return value instanceof Tensor ? { ...drawn, ...(await tensorWords(value)) } : drawn;
}

const mostNumbers = 4;

/** Shape, and the numbers where they are few. */
export async function tensorWords(value: Tensor): Promise<{ shape: string; text?: string }> {
  const shape = `[${value.shape.join(", ")}]`;
  return value.numel > mostNumbers ? { shape } : { shape, text: (await value.toText()).replace(/\s+/g, " ") };
}
