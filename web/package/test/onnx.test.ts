import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import { DataError, data, init, jit, nn, optim, Tensor, tensor } from "playgrad";
import * as onnx from "playgrad/onnx";
import { beforeAll, expect, test } from "vitest";

const folder = join(import.meta.dirname, "../../../tests/onnx/fixtures");
const file = (name: string) => readFileSync(join(folder, name));

interface Values {
  shape: number[];
  values: number[];
}

const fixture = (name: string) => JSON.parse(file(`${name}.json`).toString()) as Record<"x" | "y", Values>;
const made = ({ shape, values }: Values) => tensor(values).reshape(shape);

/** The largest difference, beside values of about 1. */
async function apart(got: Tensor, expected: ArrayLike<number>): Promise<number> {
  const values = await got.data<Float32Array>();
  expect(values.length).toBe(expected.length);
  return values.reduce((worst, x, i) => Math.max(worst, Math.abs(x - expected[i]!)), 0);
}

beforeAll(async () => {
  await init({ device: "cpu" });
});

test.each(["mnist", "resnet"])("%s gives what onnxruntime gives", async (name) => {
  const { x, y } = fixture(name);
  const model = await onnx.load(file(`${name}.onnx`));
  expect(model.inputs).toEqual([{ name: "x", dtype: "float32", shape: x.shape }]);
  const out = model({ x: made(x) });
  expect(out.shape).toEqual(y.shape);
  expect(await apart(out, y.values)).toBeLessThan(1e-4);
  expect(await apart(model(made(x)), y.values)).toBeLessThan(1e-4);
  expect(await apart(await model.run(made(x)), y.values)).toBeLessThan(1e-4);
});

test("an imported model learns, also in a captured step", async () => {
  const { x } = fixture("mnist");
  const model = await onnx.load(file("mnist.onnx"));
  const weights = nn.parameters(model);
  expect(weights.length).toBe(Object.keys(model.weights).length);
  const optimizer = new optim.Adam(weights, { lr: 0.003 });
  const image = made(x);
  const label = tensor([3], { dtype: "int32" });
  const step = jit((input: Tensor) => {
    optimizer.zeroGrad();
    const loss = model(input).crossEntropy(label);
    loss.backward();
    optimizer.step();
    return loss;
  });
  const losses: number[] = [];
  for (let i = 0; i < 20; i += 1) losses.push(await step(image).item());
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 4);
});

test("wrong inputs and damaged files are errors that say what is wrong", async () => {
  const model = await onnx.load(file("mnist.onnx"));
  const image = Tensor.zeros([1, 1, 28, 28]);
  expect(() => model()).toThrow(/onnx: got 0 inputs, expected 1: x/);
  expect(() => model({ y: image })).toThrow(/got the input "y", expected x/);
  expect(() => model(Tensor.zeros([1, 28, 28]))).toThrow(/onnx input "x": got shape \[1, 28, 28\]/);
  expect(() => model(image.cast("int32"))).toThrow(/got int32, expected float32.*cast/);
  for (const end of [0, 7, 100, 9000]) {
    await expect(onnx.load(file("mnist.onnx").subarray(0, end))).rejects.toThrow(DataError);
  }
  await expect(onnx.load(3 as never)).rejects.toThrow(/onnx\.load: got number/);
});

/** What onnxruntime's WebAssembly makes of a file. */
async function runtime(saved: Uint8Array, inputs: Record<string, Tensor>): Promise<ArrayLike<number>> {
  const session = await InferenceSession.create(saved, { executionProviders: ["wasm"] });
  const feeds: Record<string, OrtTensor> = {};
  for (const [name, t] of Object.entries(inputs))
    feeds[name] = new OrtTensor(t.dtype as "float32", (await t.data()) as Float32Array, t.shape);
  const { [session.outputNames[0]!]: y } = await session.run(feeds);
  return y!.data as Float32Array;
}

class Net {
  conv = new nn.Conv2d(1, 4, 3, { padding: 1 });
  norm = new nn.BatchNorm(4);
  out = new nn.Linear(4 * 14 * 14, 10);
  forward(x: Tensor): Tensor {
    const h = this.norm.forward(this.conv.forward(x)).relu().maxPool2d(2).dropout(0.5);
    return this.out.forward(h.flatten(1));
  }
}

class Block {
  embedding = new nn.Embedding(11, 16);
  norm = new nn.LayerNorm(16);
  qkv = new nn.Linear(16, 48);
  out = new nn.Linear(16, 11);
  forward(ids: Tensor): Tensor {
    const x = this.embedding.forward(ids);
    const [q, k, v] = this.qkv
      .forward(this.norm.forward(x))
      .reshape([2, 6, 3, 2, 8])
      .permute([2, 0, 3, 1, 4])
      .split(1)
      .map((part) => part.squeeze(0)) as [Tensor, Tensor, Tensor];
    const mixed = q.scaledDotProductAttention(k, v, null, 0, true);
    return this.out.forward(x.add(mixed.transpose(1, 2).reshape([2, 6, 16])).gelu()).softmax(-1);
  }
}

const models: Record<string, [() => onnx.Saved, () => Tensor]> = {
  "a CNN": [() => new Net(), () => data.digits({ n: 3 }).images.reshape([3, 1, 28, 28]).float().div(255)],
  "an attention block": [
    () => new Block(),
    () => tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1], { dtype: "int32" }).reshape([2, 6]),
  ],
  "a recurrent layer": [
    () => {
      const cell = new nn.LSTMCell(5, 7);
      return Object.assign(
        (x: Tensor) => {
          let state: [Tensor, Tensor] | undefined;
          for (const at of x.split(1, 1)) state = cell.forward(at.squeeze(1), state);
          return state![0];
        },
        { cell },
      );
    },
    () => Tensor.rand(2, 4, 5),
  ],
  "a plain function": [() => (x: Tensor) => x.sin().cumsum(1).matmul(Tensor.eye(3)), () => Tensor.rand(4, 3)],
};

test.each(Object.entries(models))(
  "%s is saved, and gives the same everywhere",
  async (_, [make, example]) => {
    const model = make();
    const x = example().realize();
    const saved = await onnx.save(model, [x]);
    const expected = await ((typeof model === "function" ? model(x) : model.forward(x)) as Tensor).data();
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.01);
    const imported = await onnx.load(saved);
    expect(await apart(imported(x), expected as Float32Array)).toBeLessThan(1e-4);
    const theirs = await runtime(saved, { x0: x });
    expect(await apart(tensor(Float32Array.from(theirs)), expected as Float32Array)).toBeLessThan(1e-4);
    const names = Object.keys(nn.stateDict(model)).filter((name) => !name.endsWith("num_batches_tracked"));
    expect(Object.keys(imported.weights).filter((name) => !name.startsWith("constant_"))).toEqual(names);
  },
);

test("a batch is left open where the model allows it", async () => {
  const saved = await onnx.save(new Net(), [Tensor.rand(2, 1, 28, 28)], { batch: true, outputs: ["scores"] });
  const model = await onnx.load(saved);
  expect([model.inputs[0]!.shape, model.outputs]).toEqual([
    ["batch", 1, 28, 28],
    [{ name: "scores", dtype: "float32", shape: ["batch", 10] }],
  ]);
  const x = Tensor.rand(5, 1, 28, 28).realize();
  const theirs = await runtime(saved, { x0: x });
  expect(await apart(model(x), theirs)).toBeLessThan(1e-4);
  const mean = (t: Tensor) => t.sub(t.mean(0));
  await expect(onnx.save(mean, [x], { batch: true })).rejects.toThrow(/another number of examples/);
});
