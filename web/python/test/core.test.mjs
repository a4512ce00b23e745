import assert from "node:assert/strict";
import { test } from "node:test";
import { python } from "../node.mjs";

const lines = [];
const py = await python({ write: (line) => lines.push(line) });

/** What the program prints. */
function run(code) {
  lines.length = 0;
  py.runPython(`from tinygrad import Tensor, dtypes, Device\n${code}`, { filename: "main.py" });
  return lines.join("\n");
}

test("the gradient of the notes", () => {
  const code = "x = Tensor([1.0, 2.0, 3.0]); y = (x * 2).sum(); y.backward(); print(x.grad.numpy())";
  assert.equal(run(code), "[2. 2. 2.]");
});
