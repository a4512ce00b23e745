import { camel, parameters } from "../../../scripts/parameters.mjs";
import { init, Tensor } from "../../../web/package/dist/index.js";
import { chains } from "./chains.js";
import { draw, isFloat, number } from "./draw.js";

// Every op case of tests/reference/values through the JavaScript methods: shape, dtype, values and gradients against
// PyTorch's. What tests/ops.rs does natively.

const root = new URL("../../../", import.meta.url);
const json = async (path) => (await fetch(new URL(path, root))).json();

export const open = (device) => init({ device });

/** What a case calls its method on, and the arguments by name. */
export function bind(row, { args }, viewed) {
  const used = new Set();
  const value = (given) => {
    if (Array.isArray(given)) return given.map(value);
    if (typeof given !== "string") return given;
    if (/^\$\d+$/.test(given)) {
      used.add(Number(given.slice(1)));
      return viewed[Number(given.slice(1))];
    }
    return /^-?(nan|inf)$/.test(given) ? number(given) : given;
  };
  const named = new Map(Object.entries(args).map(([name, given]) => [name, value(given)]));
  const left = viewed.filter((_, i) => !used.has(i));
  const self = row.static === true ? Tensor : left.shift();
  for (const { name, type } of parameters(row)) {
    if (named.has(name)) continue;
    if (type === "tensors") named.set(name, left.splice(0));
    else if (/^(tensor|operand)/.test(type) && left.length > 0) named.set(name, left.shift());
  }
  return { self, named };
}

/** A case's call as JavaScript writes it. */
function call(row, one, viewed) {
  const { self, named } = bind(row, one, viewed);
  const positional = [];
  const options = {};
  const spread = parameters(row).filter(({ keyword }) => !keyword).length === 1;
  for (const { name, many, keyword } of parameters(row)) {
    const given = named.get(name);
    if (keyword) {
      if (named.has(name)) options[camel(name)] = given;
    } else if (many && spread && named.has(name)) positional.push(...given);
    else positional.push(given ?? undefined);
  }
  while (positional.length > 0 && positional.at(-1) === undefined && Object.keys(options).length === 0)
    positional.pop();
  return self[camel(one.op)](...positional, ...(Object.keys(options).length > 0 ? [options] : []));
}

async function valuesOf(x) {
  const wide = /^b?float16$/.test(x.dtype) ? x.cast("float32") : x;
  return Array.from(await wide.data(), Number);
}

function tolerance(dtype, gradient) {
  if (dtype === "float16") return [1e-3, 2e-3];
  if (dtype === "bfloat16") return [1e-2, 1.6e-2];
  if (isFloat(dtype)) return gradient ? [1e-4, 1e-3] : [1e-6, 1e-3];
  return [0, 0];
}

function compare(what, got, expected, [absolute, relative]) {
  if (got.length !== expected.length)
    throw new Error(`${what} has ${got.length} values, PyTorch ${expected.length}`);
  const wrong = got.findIndex((value, i) => {
    const wanted = number(expected[i]);
    if (value === wanted || (Number.isNaN(value) && Number.isNaN(wanted))) return false;
    return !(Number.isFinite(wanted) && Math.abs(value - wanted) <= absolute + relative * Math.abs(wanted));
  });
  if (wrong >= 0) throw new Error(`${what}[${wrong}] is ${got[wrong]}, PyTorch ${expected[wrong]}`);
}

const asTensors = (value) =>
  (Array.isArray(value) ? value : [value]).map((one) => (one instanceof Tensor ? one : Tensor.full([], one)));

/** Throws where what `run(viewed)` gives, or its gradients, are not what the case says. */
export async function check(one, run) {
  const { leaves, viewed, weights } = draw(one);
  const outs = asTensors(await run(viewed));
  if (outs.length !== one.outs.length)
    throw new Error(`gives ${outs.length} tensors, not ${one.outs.length}`);
  for (const [i, expected] of one.outs.entries()) {
    const { shape, dtype } = outs[i];
    const told = `${dtype} [${shape}]`;
    const plain = typeof (await outs[i]) !== "object";
    if (!plain && told !== `${expected.dtype} [${expected.shape}]`)
      throw new Error(`output ${i} is ${told}, PyTorch ${expected.dtype} [${expected.shape}]`);
    compare(`output ${i}`, await valuesOf(outs[i]), expected.values, tolerance(expected.dtype, false));
  }
  if (!one.grads) return;
  const parts = outs.flatMap((out, i) => (weights[i] ? [out.mul(weights[i]).sum()] : []));
  parts.reduce((a, b) => a.add(b)).backward();
  const floats = leaves.filter(({ dtype }) => isFloat(dtype));
  for (const [i, leaf] of floats.entries()) {
    const expected = one.grads[i] ?? Array(leaf.numel).fill(0);
    const got = leaf.grad ? await valuesOf(leaf.grad) : Array(leaf.numel).fill(0);
    compare(`gradient ${i}`, got, expected, tolerance(leaf.dtype, true));
  }
}

const wide = /^(float64|int64|double|long)$/;

/** Why a device cannot run a case at all. */
function lacks(device, { inputs, outs, args }) {
  const named = [...inputs, ...outs].map(({ dtype }) => dtype).concat(args.dtype ?? []);
  return device === "cpu" ? undefined : named.find((dtype) => wide.test(dtype));
}

/** Checks every case of a theme, `turns` times in a row each; gives counts per turn and what failed. */
export async function checkAll(device, theme, rows, turns) {
  const result = { agree: Array(turns).fill(0), all: 0, skipped: {}, failures: [] };
  for (const one of await json(`tests/reference/values/${theme}.json`)) {
    const missing = lacks(device, one);
    if (missing) {
      result.skipped[missing] = (result.skipped[missing] ?? 0) + 1;
      continue;
    }
    result.all += 1;
    const row = rows[one.op];
    const run = (viewed) => (row ? call(row, one, viewed) : chains[one.op](...viewed));
    for (let turn = 0; turn < turns; turn += 1) {
      try {
        await check(one, run);
        result.agree[turn] += 1;
      } catch (error) {
        const call = `${one.op} ${one.inputs.map(({ shape }) => `[${shape}]`).join(" ")}`;
        const args = JSON.stringify(one.args);
        result.failures.push(`${theme}, turn ${turn + 1}: ${call} ${args}: ${error.message}`);
      }
    }
  }
  return result;
}
