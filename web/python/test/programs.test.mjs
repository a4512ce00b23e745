// Whole programs, in the forms that tinygrad's and micrograd's own documentation prints them.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { python } from "../node.mjs";

const lines = [];
const py = await python({ write: (line) => lines.push(line) });
py.setStderr({ batched: (line) => lines.push(`stderr: ${line}`) });
const program = (name) => readFileSync(join(import.meta.dirname, "programs", name), "utf8");

/** A session of its own: runs blocks one after another and gives what they print. */
function session({ env = {} } = {}) {
  const globals = py.runPython("dict(__name__='__main__')");
  py.globals.set("settings", py.toPy(env));
  py.runPython(
    "import os, tinygrad\nos.environ.update(settings)\ntinygrad.Tensor.manual_seed(0)\ntinygrad.Tensor.training = False",
  );
  const run = (code) => {
    lines.length = 0;
    py.runPython(code, { globals, filename: "main.py" });
    return [...lines];
  };
  return Object.assign(run, { globals });
}

test("the forms of the notes, block by block", () => {
  const run = session();
  const printed = program("notes.py").split("# ---").map(run);
  assert.deepEqual(printed.slice(0, 4), [[], ["[2. 4. 6.]", "[14]"], ["[2. 2. 2.]"], ["True"]]);
  assert.equal(printed[4][0], "0.25");
  assert.match(printed[4][1], /^<Tensor \(1, 1\) float32 on CPU \[\[-?\d/);
});

const seeds = join(import.meta.dirname, "../../../../shared/seeds");
const notes = existsSync(seeds) ? readdirSync(seeds).filter((name) => name.endsWith(".txt")) : [];
test("the notes beside the checkout", { skip: notes.length === 0 && `no ${seeds}` }, async (t) => {
  for (const name of notes) {
    const text = readFileSync(join(seeds, name), "utf8");
    const blocks = [...text.matchAll(/^```python\n(.*?)^```/gms)].map(([, code]) => code);
    if (blocks.length === 0) continue;
    await t.test(`${name}: ${blocks.length} blocks`, () => {
      const run = session();
      const printed = blocks.flatMap(run);
      assert.deepEqual(printed.slice(0, 2), ["[2. 4. 6.]", "[2. 2. 2.]"]);
      assert.match(printed.at(-1), /^<Tensor \(1, 1\) float32 on CPU \[\[/);
      assert.equal(printed.length, 3);
      const loss = py.runPython("loss.item()", { globals: run.globals });
      assert.ok(Math.abs(loss - 0.25) < 1e-3, `a single layer ends at a loss of 0.25, not ${loss}`);
    });
  }
});

test("a convolutional net as in tinygrad's example learns digits", () => {
  const printed = session({ env: { STEPS: "60", TARGET: "85" } })(program("mnist.py"));
  assert.equal(printed[0], "(2000, 1, 28, 28) dtypes.uchar (2000,) dtypes.uchar");
  const drawn = printed.filter((line) => line.startsWith("stderr: ")).flatMap((line) => line.split("\r"));
  assert.match(drawn.at(-1), /^loss: +\d\.\d\d: 100%\|█+\| 60\/60 \[/);
  assert.equal(printed.at(-2), "training=False kernels=True");
  assert.match(printed.at(-1), /\[32m *[\d.]+%/, "green: it has reached the target");
});

test("micrograd", () => {
  assert.deepEqual(session()(program("scalars.py")), [
    "24.7041 138.8338 645.5773",
    "True",
    "33 Layer of [LinearNeuron(8)]",
    "True",
  ]);
});

test("static graphs", () => {
  const printed = session()(program("graphs.py"));
  assert.deepEqual(printed.slice(0, 3), ["line 2.14 0.93", "perceptron True", "MLP True"]);
  assert.match(printed[3], /placeholder "x" of another graph/);
  assert.match(printed[4], /no value for the placeholder "y"/);
  assert.match(printed[5], /^add: got a int, expected a node/);
  assert.match(printed[6], /got "squre", expected one of add/);
  assert.deepEqual(printed.slice(7), ["two losses 1.5 2.5", "own gradient 0.0"]);
});
