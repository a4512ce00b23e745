import type { DeviceInfo } from "playgrad";

export type DeviceChoice = "auto" | "webgpu" | "cpu";

export type Language = "typescript" | "python";

export type DataSource = ({ kind: "digits" } | { kind: "mnist"; files: File[] }) & {
  /** A trained model, or weights, for programs that ask for a file. */
  model?: File;
};

export type ErrorKind = "syntax" | "runtime" | "engine" | "kernel" | "device" | "data" | "load";

export interface ProgramError {
  kind: ErrorKind;
  name: string;
  message: string;
  op?: string;
  got?: string;
  expected?: string;
  fix?: string;
  line?: number;
  column?: number;
}

export interface SliderSpec {
  name: string;
  min: number;
  max: number;
  step: number;
  value: number;
}

export interface TextSpec {
  name: string;
  rows: number;
  value: string;
}

export interface Point {
  step: number;
  /** Milliseconds since the run started. */
  time: number;
  values: Record<string, number>;
}

export interface BoundaryView {
  kind: "boundary";
  id: string;
  /** `size * size * channels` outputs, row 0 at the smallest y. */
  grid: Float32Array;
  size: number;
  channels: number;
  range: [xLow: number, xHigh: number, yLow: number, yHigh: number];
  points: Float32Array;
  classes: Int32Array;
  correct: number;
}

export interface WeightsView {
  kind: "weights";
  id: string;
  label: string;
  tiles: Float32Array;
  count: number;
  total: number;
  height: number;
  width: number;
  scale: number;
}

export interface PredictionsView {
  kind: "predictions";
  id: string;
  pixels: Float32Array;
  height: number;
  width: number;
  predicted: Int32Array;
  labels: Int32Array;
}

export interface TensorView {
  kind: "tensor";
  id: string;
  label: string;
  shape: number[];
  dtype: string;
  text: string;
  /** Present for matrices small enough to draw, or `count` of them; `names` of their rows and columns. */
  heat?: { values: Float32Array; count: number; rows: number; columns: number; names: string[] };
}

export interface DrawView {
  kind: "draw";
  id: string;
}

export interface DatasetView {
  kind: "data";
  id: string;
  source: DataSource["kind"];
  train: number;
  test: number;
}

export interface FileView {
  kind: "file";
  id: string;
}

export interface GraphNode {
  label: string;
  /** What it is made by; empty for what is given. */
  op: string;
  /** Places of its inputs among the nodes. */
  inputs: number[];
  /** Of scalars. */
  data?: number;
  grad?: number;
  /** How much it moves when each input moves a little. */
  slopes?: number[];
  /** Of tensors: shape, and values where there are few. */
  shape?: string;
  text?: string;
}

export interface GraphView {
  kind: "graph";
  id: string;
  label: string;
  /** Each behind its inputs; the last is the result. */
  nodes: GraphNode[];
  /** The graph has more nodes than are drawn. */
  more: boolean;
}

/** In the program's own units, y upwards; a rectangle's x and y are its lower left corner. */
export type Shape =
  | readonly ["line", x1: number, y1: number, x2: number, y2: number, color?: string, width?: number]
  | readonly ["rect", x: number, y: number, width: number, height: number, color?: string]
  | readonly ["circle", x: number, y: number, radius: number, color?: string]
  | readonly ["text", x: number, y: number, words: string, color?: string];

export interface SceneView {
  kind: "scene";
  id: string;
  label: string;
  range: readonly [xLow: number, xHigh: number, yLow: number, yHigh: number];
  shapes: readonly Shape[];
}

export interface ImagesView {
  kind: "images";
  id: string;
  label: string;
  /** Grey in 0 … 1, `count` images of each row one after another. */
  rows: readonly { name: string; pixels: Float32Array }[];
  count: number;
  height: number;
  width: number;
}

export type View =
  | BoundaryView
  | WeightsView
  | PredictionsView
  | TensorView
  | DrawView
  | DatasetView
  | FileView
  | GraphView
  | SceneView
  | ImagesView;

export type LogLevel = "log" | "info" | "warn" | "error";

export interface RunRequest {
  language: Language;
  code: string;
  device: DeviceChoice;
  seed: number;
  /** Steps a second; Infinity for as fast as possible. */
  speed: number;
  paused: boolean;
  sliders: Record<string, number>;
  texts: Record<string, string>;
  source: DataSource;
}

export type RunState = "running" | "paused" | "done" | "stopped" | "failed";

/** What a worker needs to start Python, fetched once for all of them. */
export interface PythonParts {
  wasm: WebAssembly.Module;
  script: ArrayBuffer;
  library: ArrayBuffer;
  packages: ArrayBuffer;
  snapshot: PythonSnapshot | null;
}

/** The interpreter's memory once it has started; `key` names what it was made from. */
export interface PythonSnapshot {
  key: string;
  memory: ArrayBuffer;
}

export type ToWorker =
  | { type: "init"; wasm: WebAssembly.Module | null; device: DeviceChoice; language: Language }
  /** `interrupt` is shared memory: 2 in its first byte raises KeyboardInterrupt, 1 in the second says that Stop was pressed. */
  | { type: "python"; parts: PythonParts; interrupt: Uint8Array | null }
  | ({ type: "run" } & RunRequest)
  | { type: "pause" }
  | { type: "resume" }
  | { type: "step" }
  | { type: "stop" }
  | { type: "speed"; speed: number }
  | { type: "slider"; name: string; value: number }
  | { type: "text"; name: string; value: string }
  | { type: "hidden"; ids: string[] }
  | { type: "save"; name: string }
  | { type: "digit"; id: string; pixels: Float32Array };

export interface Progress {
  step: number;
  total: number;
  stepsPerSecond: number;
  bytes: number;
}

export type FromWorker =
  | { type: "ready"; device: DeviceInfo; names: Record<string, string[]> }
  | { type: "devices"; devices: DeviceInfo[] }
  /** Python is being loaded: `what` in words, done at fraction 1. */
  | { type: "python"; fraction: number; what: string }
  /** Of the Python that has just started; null: the one that was given does not work. */
  | { type: "snapshot"; snapshot: PythonSnapshot | null }
  | { type: "broken"; error: ProgramError }
  | { type: "device"; device: DeviceInfo }
  | { type: "started" }
  | { type: "state"; state: RunState; ms: number }
  | { type: "progress"; progress: Progress }
  /** `plotted`: how many values each series was given so far, of which the points are a part. */
  | { type: "points"; points: Point[]; plotted: Record<string, number> }
  | { type: "view"; view: View }
  | { type: "probabilities"; id: string; values: Float32Array }
  /** Those whose weights can be asked for. */
  | { type: "models"; names: string[] }
  | { type: "weights"; name: string; file: Uint8Array<ArrayBuffer>; tensors: number; numbers: number }
  | { type: "unsaved"; name: string; reason: string }
  | { type: "slider"; slider: SliderSpec }
  | { type: "text"; input: TextSpec }
  /** `replace`: the line takes the place of the last one, which was not finished. */
  | { type: "log"; level: LogLevel; text: string; replace?: boolean }
  | { type: "error"; error: ProgramError };
