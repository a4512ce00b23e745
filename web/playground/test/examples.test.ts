import { describe, expect, it } from "vitest";
import { exampleIds, examples } from "../src/examples/index";
import { expectedPanels } from "../src/panels/expected";
import { inLanguage } from "../src/ui/markdown";

const lines = (code: string) => code.trim().split("\n").length;

describe.each(exampleIds)("the example %s", (id) => {
  const { code, lesson } = examples[id];

  it("is there in both languages, with a lesson", () => {
    expect(code.typescript).toMatch(/^import .* from "playgrad[/"]/m);
    expect(code.python).toMatch(/^from (?!playground)/m);
    expect(lesson).toMatch(/^# .+\n\n[\s\S]+## Watch[\s\S]+## Try/);
  });

  it("asks for the same panels in both", () => {
    expect(expectedPanels(code.python)).toEqual(expectedPanels(code.typescript));
  });

  it("is about as short in Python", () => {
    expect(lines(code.python)).toBeLessThanOrEqual(1.2 * lines(code.typescript));
    for (const line of code.python.split("\n")) expect(line.length).toBeLessThanOrEqual(66);
  });
});

describe("a lesson", () => {
  const source = "Use `a(1) ¦ b(2)`, then `c`.";

  it("spells code in the reader's language", () => {
    expect(inLanguage(source, "typescript")).toBe("Use `a(1)`, then `c`.");
    expect(inLanguage(source, "python")).toBe("Use `b(2)`, then `c`.");
  });
});
