import { beforeAll, describe, expect, test } from "vitest";
import { customKernel, gradcheck, opcheck } from "../dist/custom/index.js";
import { ArgumentError, DeviceError, init, jit, memory, optim, Tensor, tensor } from "../dist/index.js";

beforeAll(() => init({ device: "cpu" }));

const muladd = () =>
  customKernel({
    name: "muladd",
    inputs: ["a", "b", "c"],
    wgsl: "out[i] = a[i] * b[i] + c[i];",
    cpu: ([a, b, c], out) => {
      for (let i = 0; i < out.length; i++) out[i] = a[i] * b[i] + c[i];
    },
    backward: (g, [a, b]) => [g.mul(b), g.mul(a), g],
  });
const rows = () =>
  customKernel({
    name: "rows",
    inputs: ["x", "n"],
    shape: (x) => [x[0]],
    dtype: "int32",
    cpu: ([x, n], out, [[count, width], , [size]]) => {
      for (let i = 0; i < count; i++) for (let j = 0; j < width; j++) out[i] += x[i * width + j] * n[i];
      out[0] = size;
    },
  });
const failure = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
};

describe("a custom kernel", () => {
  test("is an operation like any other", async () => {
    const kernel = muladd();
    const [a, b] = [tensor([1, 2, 3]), tensor([4, 5, 6])];
    const y = kernel(a.mul(2), b, Tensor.ones([3])).sub(1);
    const [ga, gb] = y.square().sum().gradient([a, b]);
    expect(await y.tolist()).toEqual([8, 20, 36]);
    expect(await ga!.tolist()).toEqual([128, 400, 864]);
    expect(await gb!.tolist()).toEqual([32, 160, 432]);
  });

  test("knows shapes and element types", async () => {
    const y = rows()(
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { dtype: "int32" },
      ),
      tensor([1, 2], { dtype: "int32" }),
    );
    expect([y.shape, y.dtype]).toEqual([[2], "int32"]);
    expect((await y.data())[0]).toBe(2);
  });

  test("is recorded by jit, and trains", async () => {
    const kernel = muladd();
    const w = tensor([0, 0], { requiresGrad: true });
    const zero = Tensor.zeros([2]);
    const optimizer = new optim.SGD([w], { lr: 0.1 });
    const step = jit((x: Tensor) => {
      const loss = kernel(w, x, zero).sub(x.mul(3)).square().sum();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    for (let i = 0; i < 40; i++) step(tensor([1, 2]));
    for (const value of (await w.tolist()) as number[]) expect(value).toBeCloseTo(3, 2);
  });

  test("holds no memory when it is gone", async () => {
    const x = tensor([1, 2]).realize();
    const before = memory().bytes;
    for (let i = 0; i < 20; i++) {
      const y = muladd()(x, x, x);
      await y.data();
      y.dispose();
    }
    expect(memory().bytes).toBeLessThanOrEqual(before + 4096);
  });

  test("tells mistakes", async () => {
    const x = tensor([1, 2]);
    expect(
      await failure(() => muladd()(...([x] as Tensor[] as never as [Tensor, Tensor, Tensor]))),
    ).toBeInstanceOf(ArgumentError);
    expect(await failure(() => customKernel({ name: "k", inputs: ["out"] }))).toBeInstanceOf(ArgumentError);
    const gpuOnly = customKernel({ name: "k", inputs: ["x"], wgsl: "out[i] = x[i];" });
    expect(await failure(() => gpuOnly(x).data())).toBeInstanceOf(DeviceError);
    const constant = customKernel({ name: "k", inputs: ["x"], cpu: (_, out) => out.fill(1) });
    expect(String(await failure(() => constant(x).sum().gradient([x])))).toContain("no gradient");
    const own = new Error("mine");
    const throws = customKernel({
      name: "k",
      inputs: ["x"],
      cpu: () => {
        throw own;
      },
    });
    expect(await failure(() => throws(x).data())).toBe(own);
    const computes = customKernel({ name: "k", inputs: ["x"], cpu: () => void x.add(1).realize() });
    expect(String(await failure(() => computes(x).data()))).toContain("computes tensors");
    expect(await x.add(1).tolist()).toEqual([2, 3]);
  });
});

describe("opcheck", () => {
  const x = () => [1, 2, 3].map((i) => tensor([[i, 2, 3]]));
  const found = async (options: object) => {
    const kernel = customKernel({ name: "k", inputs: ["a", "b", "c"], ...options });
    const { ok, checks } = await opcheck(kernel, x());
    expect(ok).toBe(false);
    return checks
      .filter((check) => !check.ok)
      .map((check) => check.found)
      .join("; ");
  };

  test("finds nothing in a kernel that is right", async () => {
    const report = await opcheck(muladd(), x());
    expect(String(report)).toBe(
      [
        "opcheck muladd on cpu (cpu function)",
        "✓ gives float32 [1, 3]",
        "✓ writes its output, all of it, and nothing else",
        "✓ leaves its inputs as they are",
        "✓ gives the same again",
        "✓ its cpu function stays inside its arrays",
        "✓ backward gives gradients that fit",
      ].join("\n"),
    );
  });

  test("finds what is not written", async () => {
    const cpu = (_: unknown, out: number[]) => out.fill(1, 0, 2);
    expect(await found({ cpu })).toContain("element [0, 2] was never written");
  });

  test("finds an index outside", async () => {
    const cpu = (_: unknown, out: number[]) => {
      for (let i = 0; i <= 3; i++) out[i] = 1;
    };
    expect(await found({ cpu })).toContain("element 3 of out");
  });

  test("finds an input that was changed", async () => {
    const cpu = ([, b]: number[][], out: number[]) => {
      out.fill(1);
      b![0]! += 1;
    };
    expect(await found({ cpu })).toContain("b has changed");
  });

  test("finds chance", async () => {
    const cpu = (_: unknown, out: number[]) => out.fill(Math.random());
    expect(await found({ cpu })).toContain("two runs differ");
  });

  test("finds gradients of another shape", async () => {
    const cpu = (_: unknown, out: number[]) => out.fill(1);
    const backward = (g: Tensor) => [g, g, g.sum()];
    expect(await found({ cpu, backward })).toContain("a gradient of shape []");
  });
});

test("gradcheck says which gradient is wrong", async () => {
  const x = [1, 2, 3].map((i) => tensor([i, 2]));
  const right = await gradcheck(muladd(), x);
  expect(String(right)).toBe("gradcheck on cpu\n✓ 6 gradients are the slopes that differences give");
  const wrong = { ...muladd().options, backward: (g: Tensor, [a]: readonly Tensor[]) => [g, g.mul(a!), g] };
  const report = await gradcheck(customKernel(wrong), x);
  expect(report.ok).toBe(false);
  expect(String(report)).toMatch(/✗ .*gradient [\d.]+ at \[\d\] of input 0/);
});
