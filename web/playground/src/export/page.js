// The module "playground" of an exported page: the training loop, and plain panels. It opens the engine first.
import { data, init, manualSeed, nn, saveSafetensors, Tensor } from "playgrad";

const { seed, device } = document.documentElement.dataset;
const panels = document.getElementById("panels");
const lines = document.getElementById("console");

/** A panel by its name; made when it is first asked for. */
function panel(name, make) {
  const id = `panel ${name}`;
  const known = document.getElementById(id);
  if (known) return known.lastElementChild;
  const section = document.createElement("section");
  section.id = id;
  section.append(Object.assign(document.createElement("h2"), { textContent: name }), make());
  panels.append(section);
  return section.lastElementChild;
}

const canvas = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

function write(words, kind = "log") {
  const line = Object.assign(document.createElement("div"), { textContent: words, className: kind });
  lines.append(line);
  line.scrollIntoView({ block: "nearest" });
}

const fail = (error) => write(`${error?.name ?? "Error"}: ${error?.message ?? error}`, "error");
addEventListener("error", (event) => fail(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => fail(event.reason));

let printed = Promise.resolve();

export function print(...values) {
  const words = values.map((value) => (value instanceof Tensor ? value.toText() : value));
  printed = printed.then(async () => write((await Promise.all(words)).join(" ")));
}

const views = new Map();
let drawing = null;

/** Redraws what is due; never two at once. */
function draw() {
  drawing ??= Promise.all([...views.values()].map((view) => view()))
    .catch(fail)
    .finally(() => {
      drawing = null;
    });
  return drawing;
}

/** Counts 0, 1, … and lets the page breathe between steps. */
export async function* steps(count = Infinity) {
  const status = document.getElementById("status");
  let drawnAt = 0;
  for (let i = 0; i < count; i++) {
    yield i;
    const now = performance.now();
    if (now - drawnAt < 100 && i + 1 < count) continue;
    await draw();
    status.textContent = `step ${i + 1}${Number.isFinite(count) ? ` of ${count}` : ""}`;
    await new Promise((resolve) => setTimeout(resolve));
    drawnAt = performance.now();
  }
}

const series = new Map();
let step = 0;

/** A chart for each name; tensors are read when it is drawn. */
export function plot(values) {
  Tensor.realize(...Object.values(values).filter((value) => value instanceof Tensor));
  step++;
  for (const [name, value] of Object.entries(values)) {
    const known = series.get(name) ?? { pending: [], points: [] };
    series.set(name, known);
    known.pending.push([step, value]);
    if (known.pending.length > 64) known.pending.splice(0, 32);
    views.set(`chart ${name}`, () => chart(name, known));
  }
}

async function chart(name, { pending, points }) {
  for (const [at, value] of pending.splice(0))
    points.push([at, value instanceof Tensor ? await value.item() : value]);
  const target = panel(name, () => canvas(420, 180));
  const last = points.at(-1)?.[1] ?? 0;
  target.previousElementSibling.textContent = `${name} ${last.toPrecision(4)}`;
  const context = target.getContext("2d");
  const ys = points.map(([, y]) => y).filter(Number.isFinite);
  const [low, high, end] = [Math.min(...ys), Math.max(...ys), points.at(-1)?.[0] ?? 1];
  context.clearRect(0, 0, 420, 180);
  context.strokeStyle = getComputedStyle(target).color;
  context.lineWidth = 2;
  context.beginPath();
  for (const [x, y] of points)
    context.lineTo(4 + (412 * x) / end, 174 - (168 * (y - low)) / (high - low || 1));
  context.stroke();
}

/** A slider; returns where it stands. */
export function slider(name, { min, max, value, step = (max - min) / 100 }) {
  const make = () => Object.assign(document.createElement("input"), { type: "range", min, max, step, value });
  return Number(panel(name, make).value);
}

/** A field for text; returns what stands in it. */
export function text(name, { value, rows = 6 }) {
  return panel(name, () => Object.assign(document.createElement("textarea"), { value, rows })).value;
}

const look = (model, x) => {
  const training = Tensor.training;
  Tensor.training = false;
  const answer = Tensor.noGrad(() => (typeof model === "function" ? model(x) : model.forward(x)));
  Tensor.training = training;
  return answer;
};

/** The plane as the model sees it, blue to orange, with the points on it. */
export function boundary(model, { x, y }) {
  const cells = 40;
  const size = 360;
  views.set("boundary", async () => {
    const [points, classes] = await Promise.all([x.tolist(), y.data()]);
    const range = [0, 1].map((axis) => {
      const values = points.map((point) => point[axis]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return [low - (high - low) / 5, (1.4 * (high - low)) / cells];
    });
    const place = (axis, i) => range[axis][0] + range[axis][1] * (i + 0.5);
    const grid = Array.from({ length: cells * cells }, (_, i) => [
      place(0, i % cells),
      place(1, Math.floor(i / cells)),
    ]);
    const answers = look(model, tensorOf(grid));
    const outputs = answers.numel / grid.length;
    const values = await (outputs > 1 ? answers.softmax(-1) : answers).data();
    const signed = values.some((value) => value < 0 || value > 1);
    const context = panel("decision boundary", () => canvas(size, size)).getContext("2d");
    grid.forEach((_, i) => {
      const value = outputs > 1 ? values[i * outputs + 1] : values[i];
      const share = signed ? (Math.tanh(value) + 1) / 2 : value;
      context.fillStyle = `rgb(${[70 + 170 * share, 120 + 40 * share, 200 - 130 * share].join(" ")})`;
      const [column, row] = [i % cells, Math.floor(i / cells)];
      context.fillRect(
        (column * size) / cells,
        size - ((row + 1) * size) / cells,
        size / cells + 1,
        size / cells + 1,
      );
    });
    const across = classes.length / points.length;
    points.forEach((point, i) => {
      const [u, v] = point.map((value, axis) => (value - range[axis][0]) / (cells * range[axis][1]));
      const one = across > 1 ? classes[i * across + 1] > classes[i * across] : classes[i] > 0;
      context.fillStyle = one ? "#c2570c" : "#2a6db3";
      context.strokeStyle = "white";
      context.beginPath();
      context.arc(u * size, size - v * size, 4, 0, 7);
      context.fill();
      context.stroke();
    });
  });
}

const tensorOf = (rows) => Tensor.from(rows);

/** A tensor or number in words. */
export function show(value, label = "tensor") {
  const words = async () => (value instanceof Tensor ? value.toText() : String(value));
  views.set(`show ${label}`, async () => {
    panel(label, () => document.createElement("pre")).textContent = await words();
  });
}

/** A button that saves a model's weights. */
export function save(model, name = "model") {
  const button = panel(name, () =>
    Object.assign(document.createElement("button"), { textContent: "Save weights" }),
  );
  button.onclick = async () => {
    const file = await saveSafetensors(nn.stateDict(model));
    const link = document.createElement("a");
    Object.assign(link, { href: URL.createObjectURL(new Blob([file])), download: `${name}.safetensors` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
}

/** Generated digits. */
export async function dataset({ train = 6000, test = 1000 } = {}) {
  return {
    train: data.digits({ n: train, seed: 1 }),
    test: data.digits({ n: test, seed: 2 }),
    source: "digits",
  };
}

const told = new Set();
const only = (name) => () => {
  if (!told.has(name)) write(`${name}(…) draws in the playground only`, "note");
  told.add(name);
};
export const drawDigit = only("drawDigit");
export const modelFile = () => undefined;
export const graph = only("graph");
export const images = only("images");
export const scene = only("scene");
export const predictions = only("predictions");
export const weights = only("weights");

const used = await init({ device });
manualSeed(Number(seed));
document.getElementById("device").textContent = `${used.name} · ${used.reason ?? ""}`;
setInterval(draw, 400);
