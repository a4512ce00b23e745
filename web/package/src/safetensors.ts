import { engine } from "./engine.js";
import { DataError } from "./errors.js";
import { idsOf, make, named } from "./handle.js";
import { ask, startReader } from "./reader.js";
import type { Tensor } from "./tensor.js";

const view = (file: ArrayBuffer | Uint8Array) => (file instanceof Uint8Array ? file : new Uint8Array(file));

/**
 * Named tensors as a safetensors file: `saveSafetensors(nn.stateDict(model))`. Computes what is not computed yet.
 * `metadata` is text by name.
 */
export async function saveSafetensors(
  tensors: Record<string, Tensor>,
  metadata: Record<string, string> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const ids = idsOf("saveSafetensors", Object.values(tensors));
  return await engine().saveSafetensors(Object.keys(tensors), ids, Object.entries(metadata).flat());
}

/** The named tensors of a safetensors file. Damaged files throw `DataError`, unknown element types `DTypeError`. */
export const loadSafetensors = (file: ArrayBuffer | Uint8Array): Record<string, Tensor> =>
  named(engine().loadSafetensors(view(file)));

/**
 * The tensors of a `.pt` file that `torch.save` wrote, by the path of names to each (`model.0.weight`). Nothing in
 * it is executed: anything but tensors, numbers, text, lists and dicts throws `DataError` with its name.
 */
export async function loadTorch(file: ArrayBuffer | Uint8Array): Promise<Record<string, Tensor>> {
  await startReader();
  return Object.fromEntries(torchHandles(view(file)).map(([name, id]) => [name, make(id)]));
}

/** @internal */
export function torchHandles(file: Uint8Array): [string, number][] {
  const { fields, parts } = ask<{ tensors: [string, { dtype: string; shape: number[] }][] }>(
    { do: "torch" },
    [file],
  );
  return fields.tensors.map(([name, { dtype, shape }], i) => [
    name,
    engine().fromBytes(parts[i]!, dtype, Int32Array.from(shape)),
  ]);
}

/** Where parts of a file come from: bytes, a `Blob` or `File`, an address, or a file handle of Node. */
export type FileSource =
  | ArrayBuffer
  | Uint8Array
  | Blob
  | URL
  | string
  | {
      stat(): Promise<{ size: number }>;
      read(to: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
    };

interface Source {
  size: number;
  part(start: number, end: number): Uint8Array | Promise<Uint8Array>;
}

async function remote(url: URL | string): Promise<Source> {
  const ask = async (start: number, end: number) => {
    const answer = await fetch(url, { headers: { range: `bytes=${start}-${end - 1}` } });
    if (answer.ok) return answer;
    throw new DataError("openSafetensors", `${url}: ${answer.status}`, "a file", "check the address");
  };
  const part = async (start: number, end: number) => view(await (await ask(start, end)).arrayBuffer());
  const first = await ask(0, 8);
  const size = Number(first.headers.get("content-range")?.split("/")[1]);
  if (first.status === 206 && size > 0) return { size, part };
  return local(view(await first.arrayBuffer()));
}

const local = (bytes: Uint8Array): Source => ({
  size: bytes.length,
  part: (start, end) => bytes.subarray(start, end),
});

async function open(from: FileSource): Promise<Source> {
  if (typeof from === "string" || from instanceof URL) return remote(from);
  if (from instanceof Blob) {
    const part = async (start: number, end: number) => view(await from.slice(start, end).arrayBuffer());
    return { size: from.size, part };
  }
  if ("stat" in from) {
    const part = async (start: number, end: number) => {
      const bytes = new Uint8Array(end - start);
      let at = 0;
      for (let got = 1; at < bytes.length && got > 0; at += got)
        got = (await from.read(bytes, at, bytes.length - at, start + at)).bytesRead;
      return bytes.subarray(0, at);
    };
    return { size: (await from.stat()).size, part };
  }
  return local(view(from));
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** A safetensors file of which only the header has been read: tensors come when they are asked for. */
export class SafetensorsFile {
  readonly #source: Source;
  readonly #start: number;
  readonly #entries: Record<string, Entry>;
  /** What the file says about itself. */
  readonly metadata: Record<string, string>;

  /** @internal */
  constructor(source: Source, start: number, header: Record<string, unknown>) {
    const { __metadata__, ...entries } = header;
    this.#source = source;
    this.#start = start;
    this.#entries = entries as Record<string, Entry>;
    this.metadata = (__metadata__ ?? {}) as Record<string, string>;
  }

  /** The tensors' names. */
  get names(): string[] {
    return Object.keys(this.#entries);
  }

  /** A tensor's shape, without reading it. */
  shape(name: string): number[] {
    return this.#entry(name).shape.slice();
  }

  /** Reads one tensor. */
  async tensor(name: string): Promise<Tensor> {
    const { dtype, shape, data_offsets } = this.#entry(name);
    const [from, to] = data_offsets.map((at) => this.#start + at) as [number, number];
    const bytes = await this.#source.part(from, to);
    return make(engine().safetensorsTensor(name, dtype, Uint32Array.from(shape), bytes));
  }

  /** Reads the tensors of these names, one after another; all unless given. */
  async tensors(names: readonly string[] = this.names): Promise<Record<string, Tensor>> {
    const found: Record<string, Tensor> = {};
    for (const name of names) found[name] = await this.tensor(name);
    return found;
  }

  #entry(name: string): Entry {
    if (Object.hasOwn(this.#entries, name)) return this.#entries[name]!;
    throw new DataError("openSafetensors", `"${name}"`, this.names.join(", "), "name one of these");
  }
}

/** Opens a large safetensors file: reads its header, and each tensor when it is asked for. */
export async function openSafetensors(from: FileSource): Promise<SafetensorsFile> {
  const source = await open(from);
  const size = engine().safetensorsHeader(await source.part(0, Math.min(8, source.size)), source.size);
  const header = await source.part(8, 8 + size);
  engine().checkSafetensors(header, source.size);
  return new SafetensorsFile(source, 8 + size, JSON.parse(new TextDecoder().decode(header)));
}
