import type { DataSource } from "../protocol";
import { text } from "../text/en";
import { openCache } from "./cache";

/** The four MNIST files: downloaded on a click and cached. Their contents are the engine's to check. */

const fileNames = [
  "train-images-idx3-ubyte.gz",
  "train-labels-idx1-ubyte.gz",
  "t10k-images-idx3-ubyte.gz",
  "t10k-labels-idx1-ubyte.gz",
] as const;

const mirrors = [
  "https://raw.githubusercontent.com/fgnt/mnist/master/",
  "https://cdn.jsdelivr.net/gh/fgnt/mnist@master/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

const cacheName = "playgrad-mnist";
const expectedBytes = 11_594_722;

export type OnProgress = (fraction: number, what: string) => void;

async function fetchFile(url: string, onBytes: (count: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { mode: "cors", credentials: "omit" });
  if (!response.ok || !response.body) throw new Error(`${response.status} ${response.statusText}`.trim());
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of response.body) {
    chunks.push(chunk);
    onBytes(chunk.length);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

export async function downloadMnist(onProgress: OnProgress): Promise<DataSource> {
  const cache = await openCache(cacheName);
  let reason: unknown;
  for (const mirror of mirrors) {
    let bytes = 0;
    const count = (name: string) => (more: number) => {
      bytes += more;
      onProgress(Math.min(1, bytes / expectedBytes), name);
    };
    try {
      const files: File[] = [];
      for (const name of fileNames) {
        const known = await cache?.match(`./mnist/${name}`);
        const content = known
          ? new Uint8Array(await known.arrayBuffer())
          : await fetchFile(mirror + name, count(name));
        if (known) count(name)(content.length);
        else await cache?.put(`./mnist/${name}`, new Response(content));
        files.push(new File([content], name));
      }
      return { kind: "mnist", files };
    } catch (error) {
      reason = error;
    }
  }
  throw new Error(text.data.failed(reason instanceof Error ? reason.message : String(reason)));
}
