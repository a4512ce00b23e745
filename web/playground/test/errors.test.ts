import { describe, expect, it } from "vitest";
import { describe as describeError, findLine, shaderPlace } from "../src/runner/errors";
import { UsageError } from "../src/runner/usage";

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

describe("a shader's line in the program", () => {
  const shader = "\n  let x = 1;\n  out[i] = y;\n  ";
  const program = `const a = 1;\nkernel({ wgsl: \`${shader}\` });\n`;

  it("is where the shader's text stands", () => {
    expect(shaderPlace(program, { text: shader, line: 3, column: 12 })).toEqual({ line: 4, column: 12 });
    const short = 'kernel("out[i] = y;")';
    expect(shaderPlace(short, { text: "out[i] = y;", line: 1, column: 10 })).toEqual({ line: 1, column: 18 });
  });

  it("is that of the line where the text was put together", () => {
    const place = { text: "let eps = 1e-5;\n  out[i] = y;", line: 2, column: 12 };
    expect(shaderPlace(program, place)).toEqual({ line: 4, column: 12 });
  });

  it("is absent where the program does not have it", () => {
    expect(shaderPlace("elsewhere", { text: shader, line: 3, column: 1 })).toEqual({});
    expect(shaderPlace(program, {})).toEqual({});
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
