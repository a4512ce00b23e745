import { describe, expect, it } from "vitest";
import { programOf } from "../src/reference/program";
import { argumentsOf, entries, find } from "../src/reference/rows";

const body = (snippet: string) => programOf(snippet).replace(/^import .* from "playgrad"; /, "");

describe("a snippet as a program", () => {
  it("prints the value of its last expression, on the line where it stands", () => {
    const printed = "for (const shown of [await (a + 1)].flat()) console.log(shown);";
    expect(body("const a = 1;\na + 1;")).toBe(`const a = 1;\n${printed}`);
    expect(body("const a = 1; a + 1")).toBe(`const a = 1; ${printed}`);
  });

  it("leaves statements as they are", () => {
    expect(body("const a = 1;\nconsole.log(a)")).toBe("const a = 1;\nconsole.log(a)");
  });
});

describe("signatures", () => {
  const row = { name: "sum", args: "axis: axes = None, *, keepdim: bool = False, dtype: dtype? = None" };
  const shaped = { name: "zeros", args: "shape: shape" };

  it("are written as each language writes them", () => {
    expect(argumentsOf(row, "js")).toBe("(axis?, { keepdim = false, dtype? })");
    expect(argumentsOf(row, "py")).toBe("(axis=None, keepdim=False, dtype=None)");
    expect(argumentsOf(shaped, "js")).toBe("(...shape)");
    expect(argumentsOf(shaped, "py")).toBe("(*shape)");
    expect(argumentsOf({ name: "exp" }, "js")).toBe("()");
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
