import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { python } from "../../python/node.mjs";
import { type Library, library } from "../src/editor/docs";

/** What the editor says of Python is held against the module itself. */

const modules: Record<string, string> = {
  x: "Tensor",
  Tensor: "Tensor",
  nn: "nn",
  optim: "nn.optim",
  state: "nn.state",
  datasets: "nn.datasets",
  helpers: "tinygrad.helpers",
  dtypes: "dtypes",
  Device: "Device",
};
const setup = `
import tinygrad, tinygrad.helpers, tinygrad.nn.datasets
from tinygrad import Device, GlobalCounters, Tensor, dtypes, getenv, nn
from tinygrad.helpers import colored
from tinygrad.nn.datasets import mnist
model = nn.Linear(2, 1)
`;

let run: (code: string) => unknown;
beforeAll(async () => {
  const interpreter = await python({ write: () => undefined });
  interpreter.runPython(setup);
  run = (code) => interpreter.runPython(code);
}, 60_000);

const shelves = Object.entries(library("python") as Library).filter(([owner]) => owner in modules);

it("runs the program of the README", () => {
  const [, program = ""] = /```python\n([\s\S]*?)```/.exec(readFileSync("../../README.md", "utf8")) ?? [];
  run(program);
  expect(run("float(loss.item()) < 0.01")).toBe(true);
});

describe.each(shelves)("%s", (owner, topics) => {
  it("has every name that is offered", () => {
    const names = JSON.stringify([...topics.keys()]);
    expect(run(`", ".join(name for name in ${names} if not hasattr(${modules[owner]}, name))`)).toBe("");
  });

  it("runs every example that stands for itself", () => {
    const failed = [];
    for (const { example } of new Set(topics.values())) {
      if (example === "" || /…|model\.(pt|safetensors)"\)\)?$/.test(example)) continue;
      try {
        run(example);
      } catch (error) {
        failed.push(
          `${example}: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : error}`,
        );
      }
    }
    expect(failed).toEqual([]);
  });
});
