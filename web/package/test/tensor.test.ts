import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import * as playgrad from "../dist/index.js";
import type * as bindings from "../wasm/playgrad.js";

const { init, Tensor, tensor, manualSeed, memory, device, devices, setDevice } = playgrad;

beforeAll(() => init({ device: "cpu" }));

describe("making tensors", () => {
  test("from numbers, nested arrays, booleans and typed arrays", async () => {
    expect(await tensor(3).tolist()).toBe(3);
    const nested = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([nested.shape, nested.dtype, nested.ndim, nested.numel]).toEqual([[2, 3], "float32", 2, 6]);
    expect(await nested.data()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(await tensor([true, false]).tolist()).toEqual([true, false]);
    expect(tensor(new Int32Array(4), { shape: [2, 2] }).dtype).toBe("int32");
    expect(await tensor(new Uint8Array([1, 255])).tolist()).toEqual([1, 255]);
    expect(await tensor([1.9, 2], { dtype: "i32" }).tolist()).toEqual([1, 2]);
    expect(tensor([]).shape).toEqual([0]);
  });

  test("a typed array's part of a larger buffer is taken alone", async () => {
    const buffer = new Float32Array([0, 1, 2, 3, 4]);
    expect(await tensor(buffer.subarray(1, 3)).tolist()).toEqual([1, 2]);
  });

  test("filled, counted and random ones", async () => {
    expect(await Tensor.zeros(2, 2).tolist()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await Tensor.ones([3]).tolist()).toEqual([1, 1, 1]);
    expect(await Tensor.full([2], 7, { dtype: "int32" }).tolist()).toEqual([7, 7]);
    expect(await Tensor.arange(4).tolist()).toEqual([0, 1, 2, 3]);
    expect(await Tensor.arange(1, 2, 0.25).tolist()).toEqual([1, 1.25, 1.5, 1.75]);
    expect(await Tensor.linspace(0, 1, 3).tolist()).toEqual([0, 0.5, 1]);
    expect(await Tensor.eye(2).tolist()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    manualSeed(42);
    const first = await Tensor.randn(100).tolist();
    manualSeed(42);
    expect(await Tensor.randn(100).tolist()).toEqual(first);
    const dice = await Tensor.randint([1000], 1, 7).data();
    expect([Math.min(...dice), Math.max(...dice)]).toEqual([1, 6]);
  });
});

describe("computing", () => {
  const x = () =>
    tensor([
      [1, 2],
      [3, 4],
    ]);

  test("operands broadcast; numbers take part", async () => {
    expect(
      await x()
        .add(tensor([10, 20]))
        .tolist(),
    ).toEqual([
      [11, 22],
      [13, 24],
    ]);
    expect(await x().mul(2).sub(1).div(2).tolist()).toEqual([
      [0.5, 1.5],
      [2.5, 3.5],
    ]);
    expect(await x().gt(2).where(x(), 0).tolist()).toEqual([
      [0, 0],
      [3, 4],
    ]);
    expect(await tensor([-7, 7]).mod(3).tolist()).toEqual([2, 1]);
    expect(await tensor([1, 2], { dtype: "int32" }).add(1).dtype).toBe("int32");
  });

  test("every elementwise method without arguments runs", async () => {
    const names = [
      "neg",
      "exp",
      "exp2",
      "log",
      "log2",
      "sqrt",
      "rsqrt",
      "reciprocal",
      "sin",
      "cos",
      "tanh",
      "sigmoid",
    ];
    const more = [
      "relu",
      "gelu",
      "silu",
      "elu",
      "softplus",
      "leakyRelu",
      "abs",
      "sign",
      "square",
      "floor",
      "ceil",
    ];
    for (const name of [...names, ...more, "round", "trunc"] as "neg"[]) {
      const values = await tensor([0.5, 1, 2]).contiguous()[name]().data();
      expect(values.every(Number.isFinite), name).toBe(true);
    }
    expect((await tensor([0.5]).tanh().item()).toFixed(6)).toBe(Math.tanh(0.5).toFixed(6));
    expect(await tensor([-2, 0.5, 9]).clip(0, 1).tolist()).toEqual([0, 0.5, 1]);
    expect(await tensor([0, 2]).logicalNot().tolist()).toEqual([true, false]);
  });

  test("reductions", async () => {
    expect(await x().sum().item()).toBe(10);
    expect(await x().sum(0).tolist()).toEqual([4, 6]);
    expect(await x().mean(-1, { keepdim: true }).tolist()).toEqual([[1.5], [3.5]]);
    expect(await x().max([0, 1]).item()).toBe(4);
    expect(await x().prod(1).tolist()).toEqual([2, 12]);
    expect(await x().var().item()).toBeCloseTo(5 / 3, 5);
    expect(await x().std(null, { correction: 0 }).item()).toBeCloseTo(Math.sqrt(1.25), 5);
    expect(await x().argmax(1).tolist()).toEqual([1, 1]);
    expect(await x().softmax().sum(1).tolist()).toEqual([1, 1]);
    expect(await x().logsumexp().item()).toBeCloseTo(4.4401897, 4);
  });

  test("a product summed at once needs no room for its elements", async () => {
    const [n, inner] = [1024, 1024];
    const product = Tensor.ones([n, 1, inner]).mul(Tensor.ones([1, n, inner]));
    expect(product.numel * 4).toBe(2 ** 32);
    const sums = await product.sum(2).data();
    expect([sums.length, Math.min(...sums.subarray(0, 100)), sums[n * n - 1]]).toEqual([n * n, 1024, 1024]);
    expect(() => product.realize()).toThrow(/bytes/);
  });

  test("zero has no sign once its absolute value is taken", async () => {
    expect(Array.from(await tensor([0, -2]).abs().data(), (x) => 1 / x)).toEqual([Infinity, 0.5]);
  });

  test("movement", async () => {
    const a = Tensor.arange(6).reshape(2, -1);
    expect(a.T.shape).toEqual([3, 2]);
    expect(await a.permute(1, 0).tolist()).toEqual(await a.transpose(0, 1).tolist());
    expect(await a.slice(null, [1, null]).tolist()).toEqual([
      [1, 2],
      [4, 5],
    ]);
    expect(await a.slice(-1, [null, null, -1]).tolist()).toEqual([5, 4, 3]);
    expect(await a.flip(0).tolist()).toEqual([
      [3, 4, 5],
      [0, 1, 2],
    ]);
    expect(
      a.pad([
        [1, 0],
        [0, 2],
      ]).shape,
    ).toEqual([3, 5]);
    expect(a.unsqueeze(0).squeeze().flatten().shape).toEqual([6]);
    expect(Tensor.cat([a, a], 1).shape).toEqual([2, 6]);
    expect(Tensor.stack([a, a]).shape).toEqual([2, 2, 3]);
    expect(a.repeat(2, 2).shape).toEqual([4, 6]);
    expect(
      await a
        .index(tensor([1, 1, 0], { dtype: "int32" }))
        .slice(null, 0)
        .tolist(),
    ).toEqual([3, 3, 0]);
    expect(await a.gather(1, tensor([[2], [0]], { dtype: "int32" })).tolist()).toEqual([[2], [3]]);
  });

  test("what networks are made of", async () => {
    expect(await x().matmul(x()).tolist()).toEqual([
      [7, 10],
      [15, 22],
    ]);
    const image = Tensor.arange(16).float().reshape(1, 1, 4, 4);
    expect(await image.maxPool2d().flatten().tolist()).toEqual([5, 7, 13, 15]);
    expect(await image.avgPool2d(2).flatten().tolist()).toEqual([2.5, 4.5, 10.5, 12.5]);
    expect(image.conv2d(Tensor.ones(3, 1, 3, 3), null, { padding: 1, stride: 2 }).shape).toEqual([
      1, 3, 2, 2,
    ]);
    expect(await tensor([1, 0], { dtype: "int32" }).oneHot(2).tolist()).toEqual([
      [0, 1],
      [1, 0],
    ]);
    const logits = tensor([[2, 1, 0]]);
    const byClass = await logits.crossEntropy(tensor([0], { dtype: "int32" })).item();
    expect(byClass).toBeCloseTo(0.4076059, 5);
    expect(await logits.crossEntropy(tensor([[1, 0, 0]])).item()).toBeCloseTo(byClass, 5);
    expect(
      await tensor([1, 2])
        .mse(tensor([0, 0]))
        .item(),
    ).toBe(2.5);
    expect(
      await tensor([0.5])
        .binaryCrossEntropy(tensor([1]))
        .item(),
    ).toBeCloseTo(Math.LN2, 5);
  });

  test("dropout acts only in training", async () => {
    expect(await Tensor.ones(100).dropout(0.5).sum().item()).toBe(100);
    Tensor.training = true;
    const dropped = await Tensor.ones(1000).dropout(0.5).data();
    Tensor.training = false;
    expect(new Set(dropped)).toEqual(new Set([0, 2]));
  });
});

describe("gradients", () => {
  test("backward fills grad, zero keeps adding", async () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    x.square().sum().backward();
    expect(await x.grad!.tolist()).toEqual([2, 4, 6]);
    x.square().sum().backward();
    expect(await x.grad!.tolist()).toEqual([4, 8, 12]);
  });

  test("gradients differentiate again", async () => {
    const x = tensor(2, { requiresGrad: true });
    const [first] = Tensor.grad(x.pow(3), [x]);
    const [second] = Tensor.grad(first!, [x]);
    expect(await first!.item()).toBeCloseTo(12, 4);
    expect(await second!.item()).toBeCloseTo(12, 4);
  });

  test("noGrad and detach cut the history, also when the work throws", () => {
    const x = tensor([1], { requiresGrad: true });
    expect(() =>
      Tensor.noGrad(() => x.mul(2))
        .sum()
        .backward(),
    ).toThrow(playgrad.ArgumentError);
    expect(() => x.detach().sum().backward()).toThrow(playgrad.ArgumentError);
    expect(() =>
      Tensor.noGrad(() => {
        throw new RangeError("mine");
      }),
    ).toThrow(RangeError);
    x.mul(2).sum().backward();
    expect(x.grad!.shape).toEqual([1]);
  });

  test("assign leaves what was made before", async () => {
    const x = tensor([1, 2]);
    const doubled = x.mul(2);
    x.assign(tensor([5, 5]));
    expect(await doubled.tolist()).toEqual([2, 4]);
    expect(await x.tolist()).toEqual([5, 5]);
  });
});

describe("reading", () => {
  test("text is NumPy's", async () => {
    expect(await tensor([[1, 2.5]]).toText()).toBe("[[1.  2.5]]");
    expect(String(tensor([[1, 2.5]]))).toBe("Tensor(float32 [1, 2])");
  });

  test("item wants one element", async () => {
    await expect(tensor([1, 2]).item()).rejects.toThrow(/item: got .*expected .*one element/);
  });

  test("a value read is the one at the time of the call", async () => {
    const x = tensor([1]).mul(1);
    const reading = x.data();
    x.assign(tensor([2]));
    expect(await reading).toEqual(new Float32Array([1]));
  });
});

describe("memory", () => {
  test("dispose twice does no harm; using a disposed tensor is an error", () => {
    const before = memory().tensors;
    {
      using x = Tensor.ones(4);
      const y = x.add(1);
      x.dispose();
      y.dispose();
      expect(() => x.add(1)).toThrow(/disposed/);
    }
    expect(memory().tensors).toBe(before);
  });
});

describe("devices", () => {
  test("each is listed, with a reason where it is missing", async () => {
    const [webgpu, cpu] = await devices();
    expect(cpu).toMatchObject({ name: "cpu", available: true });
    expect(webgpu!.available || webgpu!.reason.length > 10).toBe(true);
    expect(device().name).toBe("cpu");
    expect(tensor([1]).device).toBe("cpu");
    expect(() => setDevice("tpu" as "cpu")).toThrow(playgrad.DeviceError);
  });
});

describe("starting", () => {
  const run = async (code: string) => {
    const entry = new URL("../dist/index.js", import.meta.url).href;
    const script = `import * as p from ${JSON.stringify(entry)}; try { ${code} } catch (e) { console.log(e.name, e.message) }`;
    const args = ["--input-type=module", "--eval", script];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  };

  test("a call before init says what to write", async () => {
    expect(await run("p.tensor([1])")).toMatch(/DeviceError.*await init\(\)/);
  });

  test("an engine that is not there or no wasm is an error, and init can be tried again", async () => {
    const missing =
      'await p.init({ wasm: new URL("file:///nowhere/engine.wasm") }).catch((e) => console.log(e.message));';
    const wrong = "await p.init({ wasm: new Uint8Array([1, 2, 3]) }).catch((e) => console.log(e.message));";
    const output = await run(`${missing} ${wrong} console.log((await p.init()).name)`);
    expect(output).toMatch(/nowhere.*engine\.wasm[\s\S]*engine\.wasm[\s\S]*cpu/);
  });

  test("bytes and a compiled module will do", async () => {
    const read = 'const b = process.getBuiltinModule("fs").readFileSync("wasm/playgrad_bg.wasm");';
    const start = (what: string) =>
      run(`${read} await p.init({ wasm: ${what}, device: "cpu" }); console.log(p.device().name)`);
    expect(await start("b")).toBe("cpu\n");
    expect(await start("new WebAssembly.Module(b)")).toBe("cpu\n");
  });

  test("webgpu before it is opened says how", () => {
    expect(() => setDevice("webgpu")).toThrow(/devices\(\)|Node|webgpu/);
  });
});

describe("mistakes", () => {
  const x = () => Tensor.ones(4, 2);
  const cases: [string, () => unknown, new (...args: never[]) => Error, RegExp][] = [
    ["shapes", () => x().matmul(Tensor.ones(3)), playgrad.ShapeError, /matmul.*\[4, 2\].*\[3\]/],
    ["broadcast", () => x().add(Tensor.ones(3)), playgrad.ShapeError, /add/],
    ["reshape", () => x().reshape(3, -1), playgrad.ShapeError, /reshape/],
    ["a size of 2.5", () => x().reshape(2.5), playgrad.ShapeError, /2\.5/],
    ["a negative size", () => Tensor.zeros(-1), playgrad.ShapeError, /zeros/],
    ["an axis", () => x().sum(2), playgrad.ShapeError, /sum/],
    ["ragged rows", () => tensor([[1, 2], [3]]), playgrad.ShapeError, /array of 1.*array of 2/],
    ["text", () => tensor("abc" as never), playgrad.ArgumentError, /string/],
    ["a dtype", () => x().cast("float99" as "f32"), playgrad.DTypeError, /float99.*float32/],
    ["a plain array", () => x().add([1, 2] as never), playgrad.ArgumentError, /add.*array.*tensor\(/],
    ["too large", () => Tensor.zeros(100000, 100000), playgrad.PlaygradError, /100000/],
    ["a loss that is no scalar", () => x().backward(), playgrad.PlaygradError, /backward/],
  ];
  test.each(cases)("%s", (_, work, type, message) => {
    expect(work).toThrow(type);
    expect(work).toThrow(message);
    expect(work).toThrow(playgrad.PlaygradError);
  });

  test("carry op, got, expected and fix, and start at the caller's line", () => {
    try {
      x().matmul(Tensor.ones(3));
    } catch (error) {
      if (!(error instanceof playgrad.ShapeError)) throw error;
      expect(error.op).toBe("matmul");
      for (const part of [error.got, error.expected, error.fix]) expect(error.message).toContain(part);
      expect(error.stack).toContain("tensor.test.ts");
      expect(error.stack).not.toContain("wasm");
      return;
    }
    expect.unreachable();
  });

  test("NaN and infinity pass through", async () => {
    expect(await tensor([Number.NaN, Infinity, -Infinity]).mul(1).tolist()).toEqual([
      Number.NaN,
      Infinity,
      -Infinity,
    ]);
  });

  test("a fault of the engine says so, and the engine goes on", async () => {
    // Nothing public makes the engine fail, so the test goes behind the declarations.
    const { engine } = (await import("../dist/engine.js" as string)) as { engine: () => typeof bindings };
    for (let i = 0; i < 3; i++) {
      expect(() => engine().call(100_000, 0, 0)).toThrow(playgrad.InternalError);
      expect(await tensor([1]).add(1).tolist()).toEqual([2]);
    }
  });

  test("more than memory holds is refused, and the engine goes on", async () => {
    expect(() => Tensor.ones(60000, 60000)).toThrow(/60000/);
    const large = Tensor.ones(40000, 40000).add(tensor([1]));
    await expect(large.data()).rejects.toThrow(playgrad.DeviceError);
    expect(await tensor([1]).add(1).tolist()).toEqual([2]);
  });
});
