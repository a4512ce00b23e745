import { describe, expect, it } from "vitest";
import { programOf } from "../src/reference/program";
import { argumentsOf, camel, entries, find } from "../src/reference/rows";

const body = (snippet: string) => programOf(snippet).replace(/^import .* from "playgrad"; /, "");

describe("a snippet as a program", () => {
  it("prints the value of its last expression, on the line where it stands", () => {
    expect(body("const a = 1;\na + 1;")).toBe(
      "const a = 1;\nfor (const shown of [await (a + 1)].flat()) console.log(shown);",
    );
  });

  it("takes an expression of several lines as one", () => {
    expect(body("f(\n  1,\n)")).toContain("await (f(\n  1,\n))");
  });

  it("leaves statements as they are", () => {
    expect(body("const a = 1;\nconsole.log(a)")).toBe("const a = 1;\nconsole.log(a)");
  });
});

describe("signatures", () => {
  const args = "axis: axes = None, *, keepdim: bool = False, dtype: dtype? = None";

  it("are written as each language writes them", () => {
    expect(argumentsOf(args, "js")).toBe("(axis?, { keepdim = false, dtype? })");
    expect(argumentsOf(args, "py")).toBe("(axis=None, keepdim=False, dtype=None)");
    expect(argumentsOf("shape: shape", "js")).toBe("(...shape)");
    expect(argumentsOf("shape: shape", "py")).toBe("(*shape)");
    expect(argumentsOf('padding: sizes = [0, 0], mode: str = "constant"', "py")).toBe(
      '(padding=[0, 0], mode="constant")',
    );
    expect(argumentsOf("", "js")).toBe("()");
  });

  it("name methods as JavaScript does", () => {
    expect(camel("log_softmax")).toBe("logSoftmax");
    expect(camel("max_pool2d")).toBe("maxPool2d");
    expect(camel("_private")).toBe("_private");
  });
});

describe("searching", () => {
  it("puts the name itself first, then names that begin with it", () => {
    expect(find("sum")[0]?.names.js).toBe("sum");
    expect(find("SOFTMAX")[0]?.names.js).toBe("softmax");
  });

  it("finds all words wherever they stand, and nothing for nonsense", () => {
    expect(find("keepdim mean").map(({ id }) => id)).toContain("mean");
    expect(find("xyzzy")).toEqual([]);
    expect(find("")).toHaveLength(entries.length);
  });
});
