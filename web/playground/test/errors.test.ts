import { describe, expect, it } from "vitest";
import { describe as describeError, findLine, UsageError } from "../src/runner/errors";

describe("the user's line", () => {
  const chromium =
    "Error: x\n    at deep (http://localhost/assets/worker.js:1:200)\n    at f (main.ts:12:7)\n    at main.ts:30:1";
  const firefox =
    "deep@http://localhost/assets/worker.js:1:200\nf@blob:http://localhost/a-b:12:7\n@blob:http://localhost/a-b:30:1";

  it("is the innermost frame of the program", () => {
    expect(findLine(chromium, "blob:http://localhost/a-b")).toEqual({ line: 12, column: 7 });
    expect(findLine(firefox, "blob:http://localhost/a-b")).toEqual({ line: 12, column: 7 });
  });

  it("is absent when no frame is the program's", () => {
    expect(findLine("Error: x\n    at worker.js:1:1", "blob:y")).toEqual({});
  });
});

describe("describe", () => {
  it("keeps op, got, expected and fix", () => {
    expect(describeError(new UsageError("plot", "a", "b", "c"), "")).toMatchObject({
      kind: "engine",
      op: "plot",
      got: "a",
      expected: "b",
      fix: "c",
    });
  });

  it("takes anything that was thrown", () => {
    expect(describeError("words", "")).toMatchObject({ kind: "runtime", message: "words" });
  });
});
