import type { GraphNode } from "../../protocol";

/** The backward pass over a drawn graph, node by node: from the result back to what it came from. */

export interface Flow {
  input: number;
  slope: number;
  before: number;
  after: number;
}

export interface Stage {
  /** Whose local rule is applied; null at the start, where the result's gradient is set to 1. */
  lit: number | null;
  /** Every node's gradient after it. */
  grads: number[];
  /** What the lit node adds to its inputs. */
  flows: Flow[];
}

/** Nodes whose rules are applied, in order. */
export function backwardOrder(nodes: readonly GraphNode[]): number[] {
  return nodes.flatMap((node, i) => (node.inputs.length > 0 ? [i] : [])).reverse();
}

/** How it stands after `count` nodes. */
export function stageAt(nodes: readonly GraphNode[], count: number): Stage {
  const grads: number[] = nodes.map((_, i) => (i === nodes.length - 1 ? 1 : 0));
  let stage: Stage = { lit: null, grads, flows: [] };
  for (const lit of backwardOrder(nodes).slice(0, count)) {
    const node = nodes[lit];
    const flows = (node?.inputs ?? []).map((input, i): Flow => {
      const slope = node?.slopes?.[i] ?? 0;
      const before = grads[input] ?? 0;
      const after = before + slope * (grads[lit] ?? 0);
      grads[input] = after;
      return { input, slope, before, after };
    });
    stage = { lit, grads, flows };
  }
  return stage;
}
