import { describe, expect, it } from "vitest";
import { stageAt } from "../src/panels/graph/backward";
import { layOut, sizeOf } from "../src/panels/graph/layout";
import { fitted, opening, showing, zoomed } from "../src/panels/graph/pan";
import type { GraphNode } from "../src/protocol";

// (a * b + a) ** 2 at a = 2, b = -3
const nodes: GraphNode[] = [
  { label: "a", op: "", inputs: [], data: 2, grad: 0, slopes: [] },
  { label: "b", op: "", inputs: [], data: -3, grad: 0, slopes: [] },
  { label: "", op: "*", inputs: [0, 1], data: -6, grad: 0, slopes: [-3, 2] },
  { label: "", op: "+", inputs: [2, 0], data: -4, grad: 0, slopes: [1, 1] },
  { label: "y", op: "**2", inputs: [3], data: 16, grad: 0, slopes: [-8] },
];

describe("the backward pass, node by node", () => {
  it("begins with the result alone", () => {
    expect(stageAt(nodes, 0)).toEqual({ lit: null, grads: [0, 0, 0, 0, 1], flows: [] });
  });

  it("adds gradients up where paths meet", () => {
    expect(stageAt(nodes, 2)).toEqual({
      lit: 3,
      grads: [-8, 0, -8, -8, 1],
      flows: [
        { input: 2, slope: 1, before: 0, after: -8 },
        { input: 0, slope: 1, before: 0, after: -8 },
      ],
    });
    expect(stageAt(nodes, 3).grads).toEqual([16, -16, -8, -8, 1]);
    expect(stageAt(nodes, 99)).toEqual(stageAt(nodes, 3));
  });
});

describe("a drawn graph", () => {
  it("goes from left to right without boxes on boxes", async () => {
    const { boxes, arrows, width } = await layOut(
      nodes,
      nodes.map(() => sizeOf("a", [["data", "2"]], 13)),
    );
    expect(arrows).toHaveLength(5);
    for (const { from, to } of arrows)
      expect(boxes[from]!.x + boxes[from]!.width / 2).toBeLessThan(boxes[to]!.x - boxes[to]!.width / 2);
    expect(Math.abs(boxes[0]!.y - boxes[1]!.y)).toBeGreaterThanOrEqual(boxes[0]!.height);
    expect(width).toBeGreaterThan(boxes[4]!.x);
  });

  it("is zoomed about a point, fitted, and moved no more than needed", () => {
    const frame = { width: 400, height: 200 };
    expect(fitted({ width: 800, height: 200 }, frame)).toEqual({ x: 0, y: 50, scale: 0.5 });
    expect(opening({ width: 800, height: 200 }, frame)).toEqual({ x: -200, y: 25, scale: 0.75 });
    expect(zoomed({ x: 0, y: 0, scale: 1 }, 2, 100, 50)).toEqual({ x: -100, y: -50, scale: 2 });
    const camera = { x: 0, y: 0, scale: 1 };
    expect(showing(camera, { x: 200, y: 100, width: 80, height: 40 }, frame)).toEqual(camera);
    expect(showing(camera, { x: 500, y: 100, width: 80, height: 40 }, frame).x).toBe(-156);
  });
});
