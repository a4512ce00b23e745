import { beforeAll, describe, expect, test } from "vitest";
import {
  data,
  init,
  jit,
  loadSafetensors,
  manualSeed,
  nn,
  optim,
  PlaygradError,
  saveSafetensors,
  Tensor,
  tensor,
} from "../dist/index.js";

beforeAll(() => init({ device: "cpu" }));

const mlp = () =>
  new nn.Sequential(
    new nn.Linear(2, 8),
    (t) => t.tanh(),
    new nn.Linear(8, 1),
    (t) => t.sigmoid(),
  );

describe("training", () => {
  const optimizers = {
    SGD: (params: Tensor[]) => new optim.SGD(params, { lr: 1, momentum: 0.9, nesterov: true }),
    Adam: (params: Tensor[]) => new optim.Adam(params, { lr: 0.05 }),
    AdamW: (params: Tensor[]) => new optim.AdamW(params, { lr: 0.05, weightDecay: 0.001 }),
  };
  test.each(Object.entries(optimizers))("%s learns XOR", async (_, make) => {
    manualSeed(1);
    const { x, y } = data.xor();
    const model = mlp();
    const optimizer = make(nn.parameters(model));
    let loss = tensor(1);
    for (let i = 0; i < 400; i++) {
      loss = model.forward(x).mse(y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
    }
    expect(await loss.item()).toBeLessThan(0.01);
  });

  test("the learning rate can change on the way", async () => {
    const w = tensor([1], { requiresGrad: true });
    const optimizer = new optim.SGD([w], { lr: 0.5 });
    expect(optimizer.lr).toBe(0.5);
    for (const lr of [0.5, 0.25]) {
      optimizer.lr = lr;
      optimizer.zeroGrad();
      w.sum().backward();
      optimizer.step();
    }
    expect(await w.tolist()).toEqual([0.25]);
  });

  test("a step without gradients and an optimizer without parameters are errors", () => {
    const optimizer = new optim.Adam([tensor([1], { requiresGrad: true })]);
    expect(() => optimizer.step()).toThrow(/backward/);
    expect(() => new optim.Adam([])).toThrow(PlaygradError);
  });
});

describe("jit", () => {
  test("a captured step trains as the plain one does, with fewer graph nodes made", async () => {
    const run = async (wrap: <A extends unknown[], R>(f: (...args: A) => R) => (...args: A) => R) => {
      manualSeed(3);
      const { x, y } = data.xor();
      const model = mlp();
      const optimizer = new optim.Adam(nn.parameters(model), { lr: 0.05 });
      const step = wrap((inputs: Tensor, targets: Tensor) => {
        const loss = model.forward(inputs).mse(targets);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      });
      const losses: number[] = [];
      for (let i = 0; i < 20; i++) losses.push(await step(x, y).item());
      return losses;
    };
    const plain = await run((f) => f);
    const captured = await run(jit);
    captured.forEach((loss, i) => {
      expect(loss).toBeCloseTo(plain[i]!, 5);
    });
  });

  test("new arguments give new results; new shapes record anew; trees come back as they were", async () => {
    const f = jit((x: Tensor, scale: number) => ({ doubled: x.mul(2 * scale), rows: [x.sum()] }));
    for (const x of [tensor([1, 2]), tensor([3, 4]), tensor([5, 6]), tensor([1, 2, 3]), tensor([7, 8])]) {
      const { doubled, rows } = f(x, 1);
      expect(await doubled.tolist()).toEqual(await x.mul(2).tolist());
      expect(await rows[0]!.item()).toBe(await x.sum().item());
    }
    expect(await f(tensor([1, 1]), 10).doubled.tolist()).toEqual([20, 20]);
  });

  test("many steps in one call give what single calls give, the losses as one list", async () => {
    const losses = async (counts: number[]) => {
      manualSeed(3);
      const { x, y } = data.xor();
      const model = mlp();
      const optimizer = new optim.Adam(nn.parameters(model), { lr: 0.05 });
      const step = jit((inputs: Tensor, targets: Tensor) => {
        const loss = model.forward(inputs).mse(targets);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return { loss, bias: nn.parameters(model)[1]! };
      });
      const all: number[] = [];
      for (const count of counts) {
        const { loss, bias } = step.run(count, x, y);
        expect(loss.shape).toEqual([count]);
        expect(bias.shape).toEqual([8]);
        all.push(...(await loss.data()));
      }
      return all;
    };
    const singles = await losses(Array<number>(30).fill(1));
    expect(await losses([30])).toEqual(singles);
    expect(await losses([1, 1, 8, 20])).toEqual(singles);
    expect(singles.at(-1)).toBeLessThan(singles[0]!);
  });

  test("no steps at all are refused", () => {
    const f = jit((x: Tensor) => x.add(1));
    expect(() => f.run(0, tensor([1]))).toThrow(/whole number from 1/);
  });

  test("random numbers differ from replay to replay", async () => {
    const f = jit((x: Tensor) => x.add(Tensor.rand(4)));
    const seen = new Set<number>();
    for (let i = 0; i < 6; i++) seen.add((await f(Tensor.zeros(4).contiguous()).data())[0]!);
    expect(seen.size).toBe(6);
  });

  test("a step that throws leaves no recording behind", async () => {
    let calls = 0;
    const f = jit((x: Tensor) => {
      if (++calls === 2) throw new RangeError("mine");
      return x.add(1);
    });
    await f(tensor([1])).data();
    expect(() => f(tensor([1]))).toThrow(RangeError);
    expect(await f(tensor([1])).tolist()).toEqual([2]);
    expect(await f(tensor([2])).tolist()).toEqual([3]);
  });

  test("an async step is refused", async () => {
    const f = jit(async (x: Tensor) => (await x.data())[0]);
    await f(tensor([1]));
    expect(() => f(tensor([1]))).toThrow(/async/);
  });
});

describe("layers", () => {
  test("shapes and names", () => {
    const model = {
      conv: new nn.Conv2d(3, 8, 3, { padding: 1, stride: [2, 1] }),
      norms: [new nn.BatchNorm(8), new nn.LayerNorm([4, 8])],
      embed: new nn.Embedding(10, 4),
    };
    expect(model.conv.forward(Tensor.ones(2, 3, 8, 8)).shape).toEqual([2, 8, 4, 8]);
    expect(model.norms[1]!.forward(Tensor.ones(2, 4, 8)).shape).toEqual([2, 4, 8]);
    expect(model.embed.forward(tensor([[1, 2, 3]], { dtype: "int32" })).shape).toEqual([1, 3, 4]);
    expect(Object.keys(nn.stateDict(model))).toEqual([
      ...["conv.weight", "conv.bias"],
      ...["norms.0.weight", "norms.0.bias", "norms.0.running_mean", "norms.0.running_var"],
      ...["norms.0.num_batches_tracked", "norms.1.weight", "norms.1.bias", "embed.weight"],
    ]);
    expect(nn.parameters(model).length).toBe(7);
  });

  test("batch norm learns its statistics in training", async () => {
    const norm = new nn.BatchNorm(1);
    Tensor.training = true;
    const out = norm.forward(tensor([[0], [2]]));
    expect((await out.data()).map(Math.round)).toEqual(new Float32Array([-1, 1]));
    Tensor.training = false;
    expect(await norm.running_mean.item()).toBeCloseTo(0.1, 5);
    expect(await norm.running_var.item()).toBeCloseTo(1.1, 5);
  });

  test("a Sequential of something else is an error", () => {
    expect(() => new nn.Sequential("relu" as never)).toThrow(/Sequential.*string as layer 0/);
  });
});

describe("saving", () => {
  test("a state goes through a file", async () => {
    const [a, b] = [mlp(), mlp()];
    const file = await saveSafetensors(nn.stateDict(a));
    nn.loadStateDict(b, loadSafetensors(file));
    const x = Tensor.randn(3, 2);
    expect(await b.forward(x).tolist()).toEqual(await a.forward(x).tolist());
    expect(nn.parameters(b).length).toBe(4);
  });

  test("missing and unexpected names are listed; a truncated file is an error", async () => {
    const state = { ...nn.stateDict(mlp()), extra: tensor([1]) };
    delete (state as Record<string, Tensor>)["layers.0.bias"];
    expect(() => nn.loadStateDict(mlp(), state)).toThrow(
      /missing keys \[layers\.0\.bias\], unexpected keys \[extra\]/,
    );
    const file = await saveSafetensors(nn.stateDict(mlp()));
    expect(() => loadSafetensors(file.slice(0, 40))).toThrow(/loadSafetensors/);
  });
});

describe("data", () => {
  test("points and digits", async () => {
    expect(data.moons({ n: 50 }).x.shape).toEqual([50, 2]);
    const { x, y } = data.spirals({ n: 60, classes: 3, seed: 1 });
    expect([x.shape, y.dtype, await y.max().item()]).toEqual([[60, 2], "int32", 2]);
    const { images, labels } = data.digits({ n: 20, seed: 7 });
    expect([images.shape, images.dtype, labels.shape]).toEqual([[20, 28, 28], "uint8", [20]]);
  });

  const idx = (sizes: number[], fill: (i: number) => number) =>
    new Uint8Array([
      ...[0, 0, 8, sizes.length],
      ...sizes.flatMap((size) => [0, 0, 0, size]),
      ...Array.from({ length: sizes.reduce((a, b) => a * b) }, (_, i) => fill(i)),
    ]);
  const files = () => {
    const images = idx([3, 28, 28], (i) => i % 256);
    const labels = idx([3], (i) => i);
    const named = { "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels };
    return Object.entries({
      ...named,
      "t10k-images-idx3-ubyte": images,
      "t10k-labels-idx1-ubyte": labels,
    }).map(([name, bytes]) => new File([bytes], name));
  };

  test("MNIST from dropped files, with progress", async () => {
    const seen: string[] = [];
    const { train, test } = await data.mnist({ files: files() }, ({ file }) => seen.push(file));
    expect([train.images.shape, await test.labels.tolist(), seen.length]).toEqual([
      [3, 28, 28],
      [0, 1, 2],
      4,
    ]);
  });

  test("missing, damaged and unreachable files are clear errors", async () => {
    await expect(data.mnist({ files: files().slice(1) })).rejects.toThrow(/train-images/);
    await expect(data.mnist({ dir: "no/such/folder" })).rejects.toThrow(/no\/such\/folder/);
    await expect(data.mnist({ url: "http://127.0.0.1:9/mnist" })).rejects.toThrow(/127\.0\.0\.1/);
    await expect(data.mnist({})).rejects.toThrow(/url/);
    expect(() => data.parseIdx(new Uint8Array([0x1f, 0x8b, 8, 0]))).toThrow(/gzip/);
    expect(data.parseIdx(idx([2, 2], (i) => i)).shape).toEqual([2, 2]);
  });
});
