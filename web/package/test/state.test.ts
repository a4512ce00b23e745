import { readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  init,
  loadSafetensors,
  loadTorch,
  nn,
  openSafetensors,
  saveSafetensors,
  Tensor,
  tensor,
} from "../dist/index.js";

beforeAll(() => init({ device: "cpu" }));

interface File {
  name: string;
  base64: string;
  error?: string;
  holds?: Record<string, { dtype: string; shape: number[]; values: (number | boolean)[] }>;
}
const read = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../../../tests/reference", name), "utf8"));
const files: { torch: File[]; safetensors: File[] } = read("files.json");

async function check(loaded: Record<string, Tensor>, holds: File["holds"] = {}): Promise<void> {
  expect(Object.keys(loaded).sort()).toEqual(Object.keys(holds).sort());
  for (const [name, { dtype, shape, values }] of Object.entries(holds)) {
    const found = loaded[name]!;
    expect([name, found.dtype, found.shape]).toEqual([name, dtype, shape]);
    const numbers = Array.from((await found.reshape(-1).tolist()) as number[], Number);
    expect(numbers).toEqual(values.map((value) => expect.closeTo(Number(value), 3)));
  }
}

const loaders = { torch: loadTorch, safetensors: loadSafetensors };
const kinds = Object.entries(files) as ["torch" | "safetensors", File[]][];
describe("files of others", () => {
  test.each(kinds.flatMap(([kind, rows]) => rows.map((row) => [kind, row.name, row] as const)))(
    "%s: %s",
    async (kind, _, { base64, error, holds }) => {
      const bytes = new Uint8Array(Buffer.from(base64, "base64"));
      const loaded = async () => loaders[kind](bytes);
      if (error === undefined) await check(await loaded(), holds);
      else await expect(loaded()).rejects.toThrow(error);
    },
  );
});

describe("a file read tensor by tensor", () => {
  const server = createServer((request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    const body = served.subarray(Number(from), Number(to) + 1);
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/${served.length}` });
    response.end(body);
    asked += body.length;
  });
  let served = new Uint8Array();
  let asked = 0;
  const folder = join(tmpdir(), `playgrad-${process.pid}.safetensors`);
  beforeAll(async () => {
    const large = tensor(Array.from({ length: 5000 }, (_, i) => i));
    served = await saveSafetensors({ large, small: tensor([[1], [2]]) }, { note: "é" });
    writeFileSync(folder, served);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  });
  afterAll(() => server.close());

  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/m.safetensors`;
  const sources = {
    bytes: () => served,
    blob: () => new Blob([served]),
    address,
    "an address without ranges": () =>
      `data:application/octet-stream;base64,${Buffer.from(served).toString("base64")}`,
    "file handle": () => open(folder),
  };
  test.each(Object.entries(sources))("from %s", async (_, source) => {
    const from = await source();
    const file = await openSafetensors(from);
    expect([file.names.sort(), file.metadata, file.shape("small")]).toEqual([
      ["large", "small"],
      { note: "é" },
      [2, 1],
    ]);
    expect(await (await file.tensor("small")).tolist()).toEqual([[1], [2]]);
    expect((await (await file.tensors()).large!.data())[4999]).toBe(4999);
    await expect(file.tensor("other")).rejects.toThrow(/"other".*small/);
    if (typeof from === "object" && "close" in from) await from.close();
  });

  test("an address gives only what is asked for", async () => {
    asked = 0;
    await (await openSafetensors(address())).tensor("small");
    expect(asked).toBeLessThan(400);
  });

  test("damaged headers are refused", async () => {
    await expect(openSafetensors(served.slice(0, 5))).rejects.toThrow(/openSafetensors/);
    await expect(openSafetensors(served.slice(0, 900))).rejects.toThrow(/openSafetensors/);
    await expect(openSafetensors(new Uint8Array(64).fill(255))).rejects.toThrow(/a header of/);
  });
});

describe("layers", () => {
  interface Row {
    layer: string;
    // biome-ignore lint/suspicious/noExplicitAny: each layer has its own.
    args: Record<string, any>;
    train: boolean;
    state: Record<string, Values>;
    x: Values;
    out: Values;
  }
  interface Values {
    shape: number[];
    values: number[];
  }
  const of = ({ shape, values }: Values) =>
    tensor(values, values.every(Number.isInteger) && values.length > 0 ? { dtype: "int32" } : {}).reshape(
      shape,
    );

  const make = ({ layer, args }: Row): { forward(x: Tensor): Tensor } => {
    const { channels, kernel, sizes, shape, output_padding, track, ...rest } = args;
    switch (layer) {
      case "Linear":
        return new nn.Linear(sizes[0], sizes[1], rest);
      case "Conv2d":
        return new nn.Conv2d(channels[0], channels[1], kernel, rest);
      case "ConvTranspose2d":
        return new nn.ConvTranspose2d(channels[0], channels[1], kernel, {
          ...rest,
          outputPadding: output_padding,
        });
      case "BatchNorm":
        return new nn.BatchNorm2d(channels, { ...rest, trackRunningStats: track });
      case "GroupNorm":
        return new nn.GroupNorm(args.groups, channels, rest);
      case "LayerNorm":
        return new nn.LayerNorm(shape, rest);
      case "LayerNorm2d":
        return new nn.LayerNorm2d(shape, rest);
      case "RMSNorm":
        return new nn.RMSNorm(args.size, rest);
      case "Embedding":
        return new nn.Embedding(sizes[0], sizes[1]);
      default:
        return new nn.Flatten();
    }
  };
  const rows: Row[] = read("layers.json").layers;
  test.each(rows.map((row) => [row.layer, JSON.stringify(row.args), row] as const))(
    "%s %s gives what PyTorch gives",
    async (_, __, row) => {
      const layer = make(row);
      nn.loadStateDict(
        layer,
        Object.fromEntries(Object.entries(row.state).map(([name, v]) => [name, of(v)])),
      );
      Tensor.training = row.train;
      const out = layer.forward(of(row.x));
      Tensor.training = false;
      expect(out.shape).toEqual(row.out.shape);
      expect(Array.from(await out.data())).toEqual(row.out.values.map((v) => expect.closeTo(v, 3)));
    },
  );

  test("one axis, and padding that fits a stride", () => {
    expect(
      new nn.Conv1d(2, 3, 3, { padding: "same" }).forward(
        tensor([
          [
            [1, 2],
            [3, 4],
          ],
        ]),
      ).shape,
    ).toEqual([1, 3, 2]);
    expect(new nn.ConvTranspose1d(1, 2, 2, { stride: 2 }).forward(tensor([[[1, 2]]])).shape).toEqual([
      1, 2, 4,
    ]);
    expect(
      new nn.InstanceNorm(2).forward(
        tensor([
          [
            [1, 2],
            [3, 5],
          ],
        ]),
      ).shape,
    ).toEqual([1, 2, 2]);
    expect(() => new nn.Conv2d(1, 1, 3, { padding: "same", stride: 2 })).toThrow(/stride of 1/);
  });
});
