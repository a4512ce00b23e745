import { expect, it } from "vitest";
import { exampleIds, examples } from "../src/examples/index";
import { otherLanguage } from "../src/state/guess";

it("sees that an example stands in the other language's place", () => {
  for (const id of exampleIds) {
    const { typescript, python } = examples[id].code;
    expect(otherLanguage(python, "typescript")).toBe("python");
    expect(otherLanguage(typescript, "python")).toBe("typescript");
  }
});

it("leaves a program with a mistake where it is", () => {
  for (const id of exampleIds) {
    const { typescript, python } = examples[id].code;
    expect(otherLanguage(typescript.replace("(", "(("), "typescript")).toBeNull();
    expect(otherLanguage(python.replace("(", "(("), "python")).toBeNull();
  }
  expect(otherLanguage("x = (1", "python")).toBeNull();
  expect(otherLanguage("", "typescript")).toBeNull();
});
