import { describe, expect, it } from "vitest";
import { lessonHtml } from "../lessons";
import { exampleIds, examples } from "../src/examples/index";
import { expectedPanels } from "../src/panels/expected";

const lines = (code: string) => code.trim().split("\n").length;

describe.each(exampleIds)("the example %s", (id) => {
  const { code, lesson } = examples[id];

  it("is there in both languages, with a lesson", () => {
    expect(code.typescript).toMatch(/^import .* from "playgrad[/"]/m);
    expect(code.python).toMatch(/^from (?!playground)/m);
    for (const html of Object.values(lesson)) {
      expect(html).toMatch(/^<h2>.+<\/h2>\n<p>[\s\S]+<h3>Watch<\/h3>[\s\S]+<h3>Try<\/h3>/);
      expect(html).toMatch(/Sources?: .*<a href="https:/);
      expect(html).toMatch(/<h3>Try[\s\S]*Hint: /);
      expect(html).not.toContain("¦");
    }
  });

  it("asks for the same panels in both", () => {
    expect(expectedPanels(code.python)).toEqual(expectedPanels(code.typescript));
  });

  it.each(Object.entries(code))("has at most 70 lines in %s", (_, program) => {
    // Two kernels, each for the GPU and the CPU.
    const most = id === "lltm" ? 140 : 70;
    expect(lines(program)).toBeLessThanOrEqual(most);
  });

  it("is about as short in Python", () => {
    expect(lines(code.python)).toBeLessThanOrEqual(1.2 * lines(code.typescript));
    for (const line of code.python.split("\n")) expect(line.length).toBeLessThanOrEqual(66);
  });
});

describe("a lesson", () => {
  const source = "Use `a(1) ¦ b(2)`, then `c`.";

  it("spells code in the reader's language", () => {
    const told = "<p>Use <code>a(1)</code>, then <code>c</code>.</p>\n";
    expect(lessonHtml(source, "typescript")).toBe(told);
    expect(lessonHtml(source, "python")).toBe(told.replace("a(1)", "b(2)"));
  });
});
