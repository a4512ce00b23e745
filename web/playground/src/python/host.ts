import type { Tensor } from "playgrad";
import { bridge } from "playgrad/bridge";
import { boundary } from "../live/boundary";
import { dataset } from "../live/dataset";
import { drawDigit } from "../live/draw";
import { addGraph, tensorWords } from "../live/graph";
import { images } from "../live/images";
import { ForeignModel, type Model } from "../live/model";
import { modelFile } from "../live/modelFile";
import { plot } from "../live/plot";
import { predictions } from "../live/predictions";
import { save } from "../live/save";
import { scene } from "../live/scene";
import { show } from "../live/show";
import { slider } from "../live/slider";
import { text } from "../live/text";
import { weights } from "../live/weights";
import type { GraphNode, Shape } from "../protocol";
import * as control from "../runner/control";
import type { Plotted } from "../runner/feed";
import { redraw, write } from "../runner/terminal";

/**
 * What Python asks of the page: web/python/playground.py calls these. Tensors come as handles, models as the name
 * of the panel they were given to.
 */

type Answer = (panel: string, handle: number) => number;
type FirstParameter = (panel: string) => number;
/** JSON of handles by name. */
type Weights = (panel: string) => string;
type Same = (panel: string, other: string) => boolean;
/** JSON of a graph; the value of a node is a tensor's handle. */
type Drawing = (panel: string) => string;

let answer: Answer;
let firstParameter: FirstParameter;
let drawing: Drawing;
let weightsOf: Weights;
let isSame: Same;

/** The tensor of a handle that Python gives away. */
function take(handle: number): Tensor {
  const taken = bridge.tensor(handle);
  bridge.ask("release", Uint32Array.of(handle));
  return taken;
}

class PythonModel extends ForeignModel {
  constructor(readonly panel: string) {
    super();
  }

  forward(x: Tensor): Tensor {
    return take(answer(this.panel, bridge.handle(x)));
  }

  firstParameter(): Tensor | undefined {
    const handle = firstParameter(this.panel);
    return handle === 0 ? undefined : take(handle);
  }

  weights(): Record<string, Tensor> {
    const handles = Object.entries<number>(JSON.parse(weightsOf(this.panel)));
    return Object.fromEntries(handles.map(([name, handle]) => [name, take(handle)]));
  }

  is(other: object): boolean {
    return other instanceof PythonModel && isSame(this.panel, other.panel);
  }
}

const either = (panel: string, handle: number): Model | Tensor =>
  panel === "" ? bridge.tensor(handle) : new PythonModel(panel);

async function drawn(panel: string): Promise<{ nodes: GraphNode[]; more: boolean }> {
  const { nodes, more } = JSON.parse(drawing(panel)) as {
    nodes: (GraphNode & { value?: number })[];
    more: boolean;
  };
  const filled = nodes.map(async ({ value, ...node }) =>
    value === undefined ? node : { ...node, ...(await tensorWords(take(value))) },
  );
  return { nodes: await Promise.all(filled), more };
}

async function digits(train?: number, test?: number): Promise<[...number[], string]> {
  const made = await dataset({
    ...(train === undefined ? {} : { train }),
    ...(test === undefined ? {} : { test }),
  });
  const tensors = [made.train.images, made.train.labels, made.test.images, made.test.labels];
  return [...tensors.map((tensor) => bridge.handle(tensor)), made.source];
}

/** The module `_playground`. */
export const pageModule = {
  serve(...functions: [Answer, FirstParameter, Drawing, Weights, Same]): void {
    [answer, firstParameter, drawing, weightsOf, isSame] = functions;
  },

  write: (text: string, error: boolean) => write(text, error ? "error" : "log"),

  /** Names, each with a tensor's handle or 0, and a number. */
  plot(...flat: (string | number)[]): void {
    const values: Record<string, Plotted> = {};
    for (let i = 0; i < flat.length; i += 3) {
      const [name, handle, number] = flat.slice(i, i + 3) as [string, number, number];
      values[name] = handle === 0 ? number : bridge.tensor(handle);
    }
    plot(values);
  },

  /** A number or text, or a tensor's handle. */
  show: (handle: number, plain: number | string, label?: string, ...names: string[]) =>
    show(handle === 0 ? plain : bridge.tensor(handle), label, names),

  boundary: (panel: string, x: number, y: number) =>
    boundary(new PythonModel(panel), { x: bridge.tensor(x), y: bridge.tensor(y) }),

  weights: (panel: string, handle: number, label: string) => weights(either(panel, handle), label),

  predictions: (images: number, panel: string, handle: number, labels: number) =>
    predictions(bridge.tensor(images), either(panel, handle), bridge.tensor(labels)),

  graph: (panel: string, label: string) => addGraph(label, () => drawn(panel)),
  /** Names, each with a tensor's handle. */
  images(label: string | undefined, ...flat: (string | number)[]): void {
    const rows: Record<string, Tensor> = {};
    for (let i = 0; i < flat.length; i += 2) rows[flat[i] as string] = bridge.tensor(flat[i + 1] as number);
    images(rows, label);
  },

  /** Shapes, view and label as JSON. */
  scene(json: string): void {
    const [shapes, view, label] = JSON.parse(json) as [Shape[], number[], string];
    scene(shapes, { view, label });
  },

  drawDigit: (panel: string) => drawDigit(new PythonModel(panel)),

  slider: (name: string, min: number, max: number, value: number, step?: number) =>
    slider(name, { min, max, value, ...(step === undefined ? {} : { step }) }),

  text: (name: string, value: string, rows: number) => text(name, { value, rows }),

  save: (panel: string, name: string) => save(new PythonModel(panel), name),

  dataset: digits,
  modelFile: () =>
    modelFile()
      ?.arrayBuffer()
      .then((bytes) => new Uint8Array(bytes)),
  rest: control.rest,
  isStopped: control.isStopped,
  enterLoop: control.enterLoop,
  afterStep: control.afterStep,
  leaveLoop: control.leaveLoop,

  beforeStep(): Promise<void> | null {
    redraw();
    return control.beforeStep();
  },
};

/** What web/python/boot.mjs wants of whoever boots. */
export const host = {
  tick(): Promise<void> | undefined {
    redraw();
    return control.tick() ?? undefined;
  },

  stopped: control.isStopped,

  async mnist(): Promise<number[]> {
    return (await digits()).slice(0, 4) as number[];
  },
};
