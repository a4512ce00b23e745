// The module "playground" for Node: prints, counts steps, and writes what is plotted to metrics.csv.
import { writeFileSync } from "node:fs";
import { data, nn, saveSafetensors, Tensor } from "playgrad";

let printed = Promise.resolve();

export function print(...values) {
  const words = values.map((value) => (value instanceof Tensor ? value.toText() : value));
  printed = printed.then(async () => console.log(...(await Promise.all(words))));
}

export const show = (value, label = "tensor") => print(`${label}:`, value);

const rows = [];
let step = 0;

/** Kept for metrics.csv; tensors are read at the end of the loop and now and then. */
export function plot(values) {
  Tensor.realize(...Object.values(values).filter((value) => value instanceof Tensor));
  for (const [name, value] of Object.entries(values)) rows.push([step, name, value]);
}

async function saveMetrics() {
  for (const row of rows) if (row[2] instanceof Tensor) row[2] = await row[2].item();
  writeFileSync("metrics.csv", ["step,series,value", ...rows.map((row) => row.join(","))].join("\n"));
}

export async function* steps(count = Infinity) {
  for (let i = 0; i < count; i++, step++) {
    yield i;
    if (i % 100 === 99) await saveMetrics();
  }
  await saveMetrics();
}

/** Writes a model's weights to NAME.safetensors when the program ends. */
export function save(model, name = "model") {
  process.once("beforeExit", async () => {
    writeFileSync(`${name}.safetensors`, await saveSafetensors(nn.stateDict(model)));
  });
}

export const slider = (_name, { value }) => value;
export const text = slider;
export const modelFile = () => undefined;

/** Generated digits, or MNIST's four files from the folder that MNIST names. */
export async function dataset({ train = 6000, test = 1000 } = {}) {
  const dir = process.env.MNIST;
  if (dir) return { ...(await data.mnist({ dir })), source: "mnist" };
  const digits = { train: data.digits({ n: train, seed: 1 }), test: data.digits({ n: test, seed: 2 }) };
  return { ...digits, source: "digits" };
}

/** Panels are drawn in the playground only. */
const undrawn = () => {};
export const boundary = undrawn;
export const drawDigit = undrawn;
export const graph = undrawn;
export const images = undrawn;
export const scene = undrawn;
export const predictions = undrawn;
export const weights = undrawn;
