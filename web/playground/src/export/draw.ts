import { formatBytes, formatCount, formatNamed, formatPercent, formatRate } from "../charts/format";
import { Series } from "../charts/series";
import { sendWeights } from "../live/save";
import { receiveSlider } from "../live/slider";
import { receiveDigit } from "../live/state";
import { receiveText } from "../live/text";
import { Pad } from "../panels/pad";
import { paintBoundary } from "../panels/paint/boundary";
import { paintHeat, paintImages, paintSample, paintTiles } from "../panels/paint/cells";
import { paintScene } from "../panels/paint/scene";
import type { FromWorker, GraphNode, SliderSpec, TextSpec, View } from "../protocol";
import { text } from "../text/en";

/** What panels send is drawn here: an exported page has no worker, and takes the place of `runner/port`. */

const find = (id: string) => document.getElementById(id) as HTMLElement;

type Tag = keyof HTMLElementTagNameMap;
function make<T extends Tag>(tag: T, more: object = {}): HTMLElementTagNameMap[T] {
  return Object.assign(document.createElement(tag), more);
}

/** What stands in the panel of that name; made when it is first asked for. */
function panel<T extends Tag>(name: string, tag: T, note = "", more: object = {}): HTMLElementTagNameMap[T] {
  const id = `panel ${name}`;
  let section = document.getElementById(id);
  if (!section) {
    section = make("section", { id });
    section.append(make("h2"), make(tag, more));
    find("panels").append(section);
  }
  (section.firstChild as HTMLElement).textContent = `${name} ${note}`.trim();
  return section.lastChild as HTMLElementTagNameMap[T];
}

/** A canvas that says what it shows. */
const picture = (name: string, note: string, alt: string) => {
  const canvas = panel(name, "canvas", note, { role: "img" });
  canvas.ariaLabel = alt;
  return canvas;
};

export function post(message: FromWorker): void {
  switch (message.type) {
    case "log":
      write(message.text, message.level);
      return;
    case "progress": {
      const { step, total, stepsPerSecond, bytes } = message.progress;
      const of = Number.isFinite(total) ? formatCount(total) : null;
      const rate = text.status.rate(formatRate(stepsPerSecond));
      find("status").textContent =
        `${text.status.step(formatCount(step), of)} · ${rate} · ${text.status.memory(formatBytes(bytes))}`;
      return;
    }
    case "points":
      for (const { step, time, values } of message.points)
        for (const [name, value] of Object.entries(values)) addPoint(name, step, time, value);
      for (const [name, plotted] of Object.entries(message.plotted)) drawChart(name, plotted);
      return;
    case "view":
      drawView(message.view);
      return;
    case "probabilities":
      answer(message.values);
      return;
    case "slider":
      addSlider(message.slider);
      return;
    case "text":
      addText(message.input);
      return;
    case "models":
      panel(text.panels.weights, "div").replaceChildren(
        ...message.names.map((name) =>
          make("button", { textContent: `${name}.safetensors`, onclick: () => sendWeights(name) }),
        ),
      );
      return;
    case "weights": {
      const href = URL.createObjectURL(new Blob([message.file]));
      make("a", { href, download: `${message.name}.safetensors` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
      return;
    }
    case "unsaved":
      write(text.bar.weightsUnsaved(message.name, message.reason), "error");
  }
}

function write(words: string, className: string): void {
  const line = make("div", { textContent: words, className });
  find("console").append(line);
  line.scrollIntoView({ block: "nearest" });
}

const series = new Map<string, Series>();

function addPoint(name: string, step: number, time: number, value: number): void {
  const known = series.get(name) ?? new Series();
  series.set(name, known);
  known.add(step, time / 1000, value);
}

/** `plotted` values were given; fewer are drawn where they come faster than they can be read. */
function drawChart(name: string, plotted: number): void {
  const known = series.get(name);
  if (!known) return;
  const { steps, values, first, low, high, length } = known;
  const last = formatNamed(name, known.last);
  const share = length < plotted ? ` · ${text.chart.share(length, plotted)}` : "";
  const end = steps.at(-1) ?? 1;
  const shown = (value: number) => formatNamed(name, value);
  const alt = text.chart.summary(name, last, end, shown(first), shown(low), shown(high));
  const canvas = picture(name, `${last}${share}`, alt);
  const [width, height] = [420, 180];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (!context) return;
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = 2;
  context.beginPath();
  values.forEach((y, i) => {
    const share = (y - low) / (high - low || 1);
    context.lineTo(4 + ((width - 8) * (steps[i] ?? 0)) / (end || 1), height - 6 - (height - 12) * share);
  });
  context.stroke();
}

function addSlider({ name, ...range }: SliderSpec): void {
  const input = panel(name, "input", String(range.value), { type: "range", ariaLabel: name });
  Object.assign(input, range);
  input.oninput = () => {
    panel(name, "input", input.value);
    receiveSlider(name, Number(input.value));
  };
}

function addText({ name, ...rest }: TextSpec): void {
  const area = panel(name, "textarea", "", { ...rest, ariaLabel: name });
  area.oninput = () => receiveText(name, area.value);
}

function drawView(view: View): void {
  switch (view.kind) {
    case "boundary": {
      const { correct, classes } = view;
      const words = [
        text.boundary.summary(correct, classes.length),
        text.boundary.alt(correct, classes.length),
      ];
      const canvas = picture("decision boundary", words[0] ?? "", words[1] ?? "");
      if (canvas.width !== 680) canvas.width = canvas.height = 680;
      const context = canvas.getContext("2d");
      if (context) paintBoundary(context, view);
      return;
    }
    case "weights": {
      const { label, count, total, height, width, scale } = view;
      const alt = text.weights.alt(label, count, height, width, formatNamed(label, scale));
      paintTiles(picture(label, text.weights.count(count, total), alt), view);
      return;
    }
    case "images": {
      const rows = panel(view.label, "div");
      rows.replaceChildren(
        ...view.rows.flatMap(({ name, pixels }) => {
          const canvas = make("canvas", { role: "img", ariaLabel: text.images.row(name, view.count) });
          paintImages(canvas, view, pixels);
          return [make("small", { textContent: name }), canvas];
        }),
      );
      return;
    }
    case "predictions": {
      const { labels, predicted } = view;
      const right = labels.filter((label, i) => label === predicted[i]).length;
      const samples = panel("predictions", "div", text.predictions.summary(right, labels.length));
      samples.replaceChildren(
        ...Array.from(labels, (label, i) => {
          const guess = predicted[i] ?? -1;
          const words =
            guess === label ? text.predictions.right(label) : text.predictions.wrong(guess, label);
          const figure = make("figure", { className: guess === label ? "" : "error" });
          const canvas = make("canvas", { role: "img", ariaLabel: words });
          paintSample(canvas, view, i);
          figure.append(canvas, guess === label ? `${guess}` : `${guess} ≠ ${label}`);
          return figure;
        }),
      );
      return;
    }
    case "scene":
      paintScene(picture(view.label, "", view.label), view, Math.min(560, find("panels").clientWidth - 30));
      return;
    case "tensor": {
      const { label, shape, dtype, heat } = view;
      const place = panel(label, "div", dtype === "text" ? "" : `[${shape.join(", ")}] ${dtype}`);
      const maps = Array.from({ length: heat?.count ?? 0 }, (_, map) => {
        const canvas = make("canvas", { className: "heat" });
        if (heat) paintHeat(canvas, heat, map);
        return canvas;
      });
      place.replaceChildren(...maps, make("pre", { textContent: view.text }));
      return;
    }
    case "graph": {
      const list = panel(view.label, "ol", text.graph.count(view.nodes.length, view.more));
      const line = (node: GraphNode) => make("li", { textContent: inWords(node, view.nodes) });
      list.replaceChildren(...view.nodes.map(line));
      return;
    }
    case "draw":
      addPad(view.id);
      return;
  }
}

function inWords(
  { label, op, inputs, data, grad, shape, text: value }: GraphNode,
  nodes: GraphNode[],
): string {
  const nameOf = (i: number) => nodes[i]?.label || nodes[i]?.op || String(nodes[i]?.data ?? "");
  const short = (number: number) => String(Number(number.toPrecision(4)));
  const values = [
    data === undefined ? "" : `${text.graph.data} ${short(data)}`,
    grad === undefined ? "" : `${text.graph.grad} ${short(grad)}`,
    shape ?? "",
    value ?? "",
  ];
  return text.graph.line(label, op, inputs.map(nameOf), values);
}

const answerPlace = "answer";

function addPad(id: string): void {
  const place = panel(text.panels.draw, "div");
  if (place.firstChild) return;
  const canvas = make("canvas", { width: 280, height: 280 });
  const pad = new Pad(canvas, (pixels) => void receiveDigit(id, pixels));
  const clear = make("button", { textContent: text.draw.clear, onclick: () => pad.clear() });
  place.append(
    canvas,
    clear,
    make("p", { id: answerPlace, textContent: text.draw.hint, ariaLive: "polite" }),
  );
}

function answer(values: Float32Array): void {
  const best = values.indexOf(Math.max(...values));
  find(answerPlace).textContent = text.draw.answer(best, formatPercent(values[best] ?? 0));
}
