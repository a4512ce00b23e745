import { describe, expect, it } from "vitest";
import { scene } from "../src/live/scene";
import type { Shape } from "../src/protocol";
import { UsageError } from "../src/runner/usage";

const told = (shapes: unknown[], options?: Parameters<typeof scene>[1]) => {
  try {
    scene(shapes as Shape[], options);
  } catch (error) {
    if (error instanceof UsageError) return [error.got, error.expected];
    throw error;
  }
  return null;
};

describe("a scene", () => {
  it("takes every shape, with and without what may be left out", () => {
    const shapes: Shape[] = [
      ["line", 0, 0, 1, 1],
      ["line", 0, 0, 1, 1, "muted", 0.1],
      ["rect", 0, 0, 1, 1, "accent"],
      ["circle", 0, 0, 0.5],
      ["text", 0, 0, "hello", "low"],
    ];
    expect(told(shapes, { view: [0, 1, 0, 1], label: "all" })).toBeNull();
  });

  it("says what is wrong with a shape or the view", () => {
    expect(told([["star", 0, 0]])).toEqual(['a shape ["star",0,0]', "one of line, rect, circle, text"]);
    expect(told([null])?.[0]).toBe("a shape null");
    expect(told([["circle", 0, 0]])?.[1]).toContain("radius");
    expect(told([["circle", 0, Number.NaN, 1]])?.[1]).toContain("radius");
    expect(told([["circle", 0, 0, 1, "pink"]])?.[0]).toBe('the colour "pink"');
    expect(told([["text", 0, 0, "hi", "pink"]])?.[0]).toBe('the colour "pink"');
    expect(told([], { view: [0, 1, 1, 0] })?.[0]).toBe("view [0, 1, 1, 0]");
    expect(told([], { view: [0, 1] })?.[0]).toBe("view [0, 1]");
  });
});
