import { javascript } from "@codemirror/lang-javascript";
import { python } from "@codemirror/lang-python";
import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { placeOf } from "../src/editor/assistance";
import { find, options } from "../src/editor/docs";
import type { Language } from "../src/protocol";

const grammars = { typescript: javascript({ typescript: true }), python: python() };

/** The word at the mark `¦`, and what stands before its dot. */
function place(language: Language, marked: string) {
  const doc = marked.replace("¦", "");
  const state = EditorState.create({ doc, extensions: grammars[language] });
  const found = placeOf(state, marked.indexOf("¦"), 1);
  return found && [found.owner, found.word];
}

const labels = (language: Language, owner: string | null, names = {}) =>
  options(language, owner, names, () => null as never).map(({ label }) => label);

describe("the word under the pointer", () => {
  it("is found with what stands before its dot", () => {
    expect(place("python", "loss = model(x).s¦quare()")).toEqual(["x", "square"]);
    expect(place("python", "nn.optim.A¦dam([model])")).toEqual(["optim", "Adam"]);
    expect(place("python", "x = T¦ensor([1])")).toEqual([null, "Tensor"]);
    expect(place("typescript", "x\n  .r¦elu()")).toEqual(["x", "relu"]);
    expect(place("typescript", "rows[0].s¦um()")).toEqual(["x", "sum"]);
  });

  it("is nothing in comments and texts, unless code stands in the text", () => {
    expect(place("python", "# the m¦ean")).toBeNull();
    expect(place("python", 'print("m¦ean")')).toBeNull();
    expect(place("python", 'print(f"{loss.i¦tem()}")')).toEqual(["loss", "item"]);
    expect(place("typescript", "// the m¦ean")).toBeNull();
    expect(place("typescript", '"m¦ean"')).toBeNull();
    expect(place("typescript", ["`$", "{loss.i¦tem()}`"].join(""))).toEqual(["loss", "item"]);
  });
});

describe("documentation", () => {
  it("is spelled as the language spells", () => {
    expect(find("typescript", "x", "maxPool2d")?.signature).toMatch(/^x\.maxPool2d\(/);
    expect(find("python", "x", "max_pool2d")?.signature).toMatch(/^t\.max_pool2d\(/);
    expect(find("typescript", "x", "max_pool2d")).toBeUndefined();
    expect(find("python", "x", "maxPool2d")).toBeUndefined();
    expect(find("python", "x", "sum")?.example).toBe("Tensor([[1, 2], [3, 4]]).sum(0)");
  });

  it("knows modules, the class, and names that were imported from them", () => {
    expect(find("python", "nn", "Linear")?.type).toBe("class");
    expect(find("python", null, "Linear")).toBe(find("python", "nn", "Linear"));
    expect(find("python", "optim", "Adam")?.signature).toMatch(/^nn\.optim\.Adam\(/);
    expect(find("python", "Tensor", "zeros")?.signature).toMatch(/^Tensor\.zeros\(/);
    expect(find("python", "Tensor", "relu")).toBe(find("python", "x", "relu"));
    expect(find("typescript", "nn", "Conv2d")?.signature).toMatch(/^new nn\.Conv2d\(/);
    expect(find("typescript", "nn", "parameters")?.doc).not.toBe("");
    expect(find("typescript", "data", "moons")?.signature).toMatch(/^data\.moons\(/);
  });

  it("knows the page's helpers by each language's name", () => {
    expect(find("typescript", null, "drawDigit")?.example).toBe("drawDigit(model);");
    expect(find("python", null, "draw_digit")?.example).toBe("draw_digit(model)");
  });

  it("says nothing of a name of one's own that a method has too", () => {
    for (const language of ["typescript", "python"] as const)
      expect(find(language, null, "mean")).toBeUndefined();
  });
});

describe("completion", () => {
  it("offers what may follow the dot", () => {
    expect(labels("python", "x")).toEqual(
      expect.arrayContaining(["matmul", "sparse_categorical_crossentropy"]),
    );
    expect(labels("python", "optim")).toEqual(expect.arrayContaining(["Adam", "SGD"]));
    expect(labels("python", "optim")).not.toContain("relu");
    expect(labels("python", "dtypes")).toEqual(expect.arrayContaining(["float32", "int8"]));
    expect(labels("python", "tinygrad")).toContain("nn");
    expect(labels("python", "nn")).toEqual(expect.arrayContaining(["Linear", "optim"]));
    expect(labels("python", "Tensor")).toEqual(expect.arrayContaining(["zeros", "relu"]));
  });

  it("offers names that stand alone", () => {
    expect(labels("python", null)).toEqual(expect.arrayContaining(["Tensor", "plot", "Linear", "Adam"]));
  });

  it("takes the engine's own names in TypeScript", () => {
    const names = { "": ["tensor", "jit"], tensor: ["relu", "ownMethod"], nn: ["Linear"] };
    expect(labels("typescript", "nn", names)).toEqual(["Linear"]);
    expect(labels("typescript", "model", names)).toEqual(["relu", "ownMethod"]);
    expect(labels("typescript", null, names)).toEqual(["tensor", "jit"]);
  });
});
