// Every op case of tests/reference/values through the Python methods, on the CPU device: shape, dtype, values and
// gradients against PyTorch's, as tests/web/ops does for JavaScript.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Tensor } from "playgrad";
import { bridge } from "playgrad/bridge";
import { rows, runs } from "../../../scripts/methods.mjs";
import { nameOf } from "../../../scripts/methods-python.mjs";
import { bind, check } from "../../../tests/web/ops/check.js";
import { python } from "../node.mjs";

const here = import.meta.dirname;
const values = join(here, "../../../tests/reference/values");
const methods = new Map(
  rows()
    .filter(runs)
    .flatMap((row) => [row.name, ...(row.aliases ?? [])].map((name) => [name, row])),
);

const py = await python();
py.runPython(readFileSync(join(here, "ops.py"), "utf8"), { filename: "ops.py" });
const call = py.globals.get("call");

/** Tensors as their handles, of which Python becomes the owner. */
const written = (given) => {
  if (given instanceof Tensor) return { handle: bridge.handle(given) };
  if (typeof given === "number" && !Number.isFinite(given)) return { number: String(given) };
  return Array.isArray(given) ? given.map(written) : given;
};

function run(row, one, viewed) {
  const bound = row ? bind(row, one, viewed) : { self: viewed[0], named: [["rest", viewed.slice(1)]] };
  const named = [...bound.named].map(([name, given]) => [row ? nameOf(row, name) : name, written(given)]);
  const self = bound.self === Tensor ? null : written(bound.self);
  const made = JSON.parse(call(one.op, JSON.stringify(self), JSON.stringify(Object.fromEntries(named))));
  return Array.isArray(made) ? made.map(taken) : made;
}

function taken(handle) {
  const tensor = bridge.tensor(handle);
  bridge.ask("release", [handle]);
  return tensor;
}

for (const file of readdirSync(values)) {
  const cases = JSON.parse(readFileSync(join(values, file), "utf8"));
  test(`${cases.length} cases of ${file}`, async () => {
    const failures = [];
    for (const one of cases) {
      try {
        await check(one, (viewed) => run(methods.get(one.op), one, viewed));
      } catch (error) {
        const inputs = one.inputs.map(({ shape }) => `[${shape}]`).join(" ");
        failures.push(`${one.op} ${inputs} ${JSON.stringify(one.args)}: ${error.message.slice(-600)}`);
      }
    }
    assert.deepEqual(failures, []);
  });
}
