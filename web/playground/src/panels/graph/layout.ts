import type { GraphNode } from "../../protocol";

/** Where boxes and arrows go, left to right. */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Arrow {
  from: number;
  to: number;
  /** Which input of `to` it is. */
  input: number;
  path: string;
  middle: { x: number; y: number };
}

export interface Layout {
  boxes: Box[];
  arrows: Arrow[];
  width: number;
  height: number;
}

const letter = 7.3;
const line = 18;
const padding = 10;

/** What a node says, a line each: names and values. */
export type Row = readonly [name: string, value: string];

/** Room for what changes: `letters` are what a line holds at least. */
export function sizeOf(
  title: string,
  rows: readonly Row[],
  letters: number,
): { width: number; height: number } {
  const most = Math.max(
    title.length + 2,
    ...rows.map(([name, value]) => name.length + value.length + 2),
    letters,
  );
  return { width: most * letter + 2 * padding, height: (rows.length + 1) * line + padding };
}

/** The same for the same structure. */
export function structureOf(nodes: readonly GraphNode[]): string {
  return nodes.map(({ op, label, inputs }) => `${op}|${label}|${inputs}`).join(";");
}

export async function layOut(
  nodes: readonly GraphNode[],
  sizes: readonly { width: number; height: number }[],
): Promise<Layout> {
  const { Graph, layout } = await import("@dagrejs/dagre");
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 18, ranksep: 64, marginx: 12, marginy: 12 });
  nodes.forEach((node, to) => {
    graph.setNode(`${to}`, { ...sizes[to] });
    node.inputs.forEach((from, input) => {
      graph.setEdge(`${from}`, `${to}`, {}, `${input}`);
    });
  });
  layout(graph);
  const boxes = nodes.map((_, i) => graph.node(`${i}`) as Box);
  const arrows = graph.edges().map(({ v, w, name }): Arrow => {
    const { points } = graph.edge({ v, w, name }) as { points: { x: number; y: number }[] };
    const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
    return { from: Number(v), to: Number(w), input: Number(name), path: smooth(points), middle };
  });
  const { width = 0, height = 0 } = graph.graph();
  return { boxes, arrows, width, height };
}

/** A line that bends at the points' middles. */
function smooth(points: { x: number; y: number }[]): string {
  const at = ({ x, y }: { x: number; y: number }) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return "";
  const bends = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1] ?? last;
    const end = next === last ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${at(point)} ${at(end)}`;
  });
  return `M${at(first)}${bends.length > 0 ? bends.join("") : `L${at(last)}`}`;
}
