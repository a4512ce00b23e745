import { Points } from "../wasm/playgrad.js";
import { bytesOf } from "./dtype.js";
import { engine } from "./engine.js";
import { DataError } from "./errors.js";
import { make } from "./handle.js";
import { integer } from "./shape.js";
import type { Tensor } from "./tensor.js";

/** Points in the plane and their classes. */
export interface PointSet {
  /** `float32 [n, 2]`. */
  x: Tensor;
  /** `int32 [n]`; for `xor` `float32 [4, 1]`. */
  y: Tensor;
}

/** Grey images and their classes. */
export interface ImageSet {
  /** `uint8 [n, 28, 28]`, 0 black to 255 white. */
  images: Tensor;
  /** `int32 [n]`. */
  labels: Tensor;
}

/** A set to learn from and one to be judged by. */
export interface Split {
  train: ImageSet;
  test: ImageSet;
}

const points = (kind: Points, n: number, noise: number, seed: number, classes: number): PointSet => {
  const [x, y] = engine().points(kind, integer("points", "n", n, 1), noise, seed, classes);
  return { x: make(x!), y: make(y!) };
};

const images = (ids: Uint32Array, at = 0): ImageSet => ({
  images: make(ids[at]!),
  labels: make(ids[at + 1]!),
});

/** The four corners of the square; 1 where the two inputs differ. */
export function xor(): PointSet {
  return points(Points.Xor, 4, 0, 0, 2);
}

/** Two interleaved half circles. */
export function moons({ n = 200, noise = 0.1, seed = 0 } = {}): PointSet {
  return points(Points.Moons, n, noise, seed, 2);
}

/** Arms that wind around the centre, one per class. */
export function spirals({ n = 300, classes = 3, noise = 0.1, seed = 0 } = {}): PointSet {
  return points(Points.Spirals, n, noise, seed, integer("spirals", "classes", classes, 1));
}

/** Generated 28 × 28 digits: strokes, distorted; the same for the same seed. Not MNIST. */
export function digits({ n = 1000, seed = 0 } = {}): ImageSet {
  return images(engine().digits(integer("digits", "n", n, 1), seed));
}

/** One IDX file, gzip or not, as a `uint8` tensor. Damaged files throw `DataError`. */
export function parseIdx(bytes: ArrayBuffer | Uint8Array, name = "file"): Tensor {
  return make(engine().parseIdx(name, bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)));
}

/** A file with a name: what a file input and a drop give. */
export type NamedFile = Pick<File, "name" | "arrayBuffer">;

/** Where MNIST's four IDX files are: one of the three. */
export interface MnistSource {
  /** Folder on the web. */
  url?: string;
  /** Files a person chose or dropped. */
  files?: Iterable<NamedFile>;
  /** Folder on disk, in Node. */
  dir?: string;
}

/** How far reading is. `total` is 0 while unknown. */
export interface Progress {
  file: string;
  loaded: number;
  total: number;
}

const FILES = [
  "train-images-idx3-ubyte.gz",
  "train-labels-idx1-ubyte.gz",
  "t10k-images-idx3-ubyte.gz",
  "t10k-labels-idx1-ubyte.gz",
];

type Read = { name: string; bytes: Uint8Array };

/** MNIST from its four IDX `.gz` files. A missing, damaged or foreign file throws `DataError`. */
export async function mnist(
  source: MnistSource,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Split> {
  const read = await files(source, onProgress);
  const names = read.map(({ name }) => name);
  const sizes = Uint32Array.from(read, ({ bytes }) => bytes.length);
  const all = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const { bytes } of read) {
    all.set(bytes, at);
    at += bytes.length;
  }
  const ids = engine().mnist(names, sizes, all);
  return { train: images(ids), test: images(ids, 2) };
}

async function files(source: MnistSource, onProgress: (progress: Progress) => void): Promise<Read[]> {
  if (source.files) {
    const read = async (file: NamedFile): Promise<Read> => {
      const bytes = new Uint8Array(await file.arrayBuffer());
      onProgress({ file: file.name, loaded: bytes.length, total: bytes.length });
      return { name: file.name, bytes };
    };
    return Promise.all(Array.from(source.files, read));
  }
  if (source.dir !== undefined) return fromDir(source.dir, onProgress);
  if (source.url !== undefined) {
    const base = source.url.endsWith("/") ? source.url : `${source.url}/`;
    return Promise.all(FILES.map((name) => download(base, name, onProgress)));
  }
  throw new DataError(
    "mnist",
    "no source",
    "{ url }, { files } or { dir }",
    'write data.mnist({ url: "…" })',
  );
}

async function fromDir(dir: string, onProgress: (progress: Progress) => void): Promise<Read[]> {
  const fs = globalThis.process?.getBuiltinModule?.("node:fs");
  if (!fs)
    throw new DataError("mnist", "dir in a browser", "{ url } or { files }", "folders are only for Node");
  return Promise.all(
    FILES.map(async (name) => {
      const bytes = await fs.promises.readFile(`${dir}/${name}`).catch((error: Error) => {
        throw new DataError("mnist", error.message, `${name} in ${dir}`, "put MNIST's four .gz files there");
      });
      onProgress({ file: name, loaded: bytes.length, total: bytes.length });
      return { name, bytes: bytesOf(bytes) };
    }),
  );
}

async function download(base: string, name: string, onProgress: (progress: Progress) => void): Promise<Read> {
  const url = base + name;
  const fail = (got: string) =>
    new DataError(
      "mnist",
      got,
      `MNIST's file at ${url}`,
      "check the address and that its host allows other pages (CORS)",
    );
  const response = await fetch(url).catch((error: Error) => {
    throw fail(error.message);
  });
  if (!response.ok || !response.body) throw fail(`status ${response.status}`);
  const total = Number(response.headers.get("content-length") ?? 0);
  const parts: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    parts.push(chunk.value);
    loaded += chunk.value.length;
    onProgress({ file: name, loaded, total });
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { name, bytes };
}
