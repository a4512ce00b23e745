import { beforeAll, describe, expect, test } from "vitest";
import {
  ArgumentError,
  checkpoint,
  DataError,
  gradcheck,
  hvp,
  init,
  jit,
  jvp,
  ShapeError,
  Tensor,
  tensor,
  vjp,
} from "../dist/index.js";

beforeAll(() => init({ device: "cpu" }));

const lists = (tensors: Tensor[]) => Promise.all(tensors.map((t) => t.tolist()));
const product = (x: Tensor, y: Tensor) => x.square().mul(y);
const failure = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
};

describe("products", () => {
  const inputs = () => [tensor([1, 2]), tensor([3, 4])];

  test("vjp weighs the gradients", async () => {
    const [y, gradients] = vjp(product, inputs(), tensor([1, 10]));
    expect(await y.tolist()).toEqual([3, 16]);
    expect(await lists(gradients)).toEqual([
      [6, 160],
      [1, 40],
    ]);
  });

  test("vjp of a scalar; zeros for what it does not depend on", async () => {
    const [y, gradients] = vjp((x) => x.pow(3).sum(), inputs());
    expect(await y.item()).toBe(9);
    expect(await lists(gradients)).toEqual([
      [3, 12],
      [0, 0],
    ]);
  });

  test("jvp moves along tangents", async () => {
    const [y, along] = jvp(product, inputs(), [tensor([1, 0]), tensor([0, 1])]);
    expect([await y.tolist(), await along.tolist()]).toEqual([
      [3, 16],
      [6, 4],
    ]);
  });

  test("hvp multiplies by the Hessian", async () => {
    const [y, products] = hvp((x, y) => product(x, y).sum(), inputs(), [tensor([1, 1]), tensor([0, 1])]);
    expect(await y.item()).toBe(19);
    expect(await lists(products)).toEqual([
      [6, 12],
      [2, 4],
    ]);
  });

  test("they nest, and noGrad around them does not reach in", async () => {
    const slope = (x: Tensor) => vjp((x) => x.pow(3).sum(), [x])[1][0]!;
    const [first, along] = Tensor.noGrad(() => jvp(slope, [tensor([2])], [tensor([1])]));
    expect([await first.tolist(), await along.tolist()]).toEqual([[12], [12]]);
  });

  test("inside a captured step", async () => {
    const step = jit((x: Tensor, v: Tensor) => {
      const [, [curved]] = hvp((x) => x.pow(3).sum(), [x], [v]);
      return { along: jvp((x) => x.square(), [x], [v])[1], curved: curved! };
    });
    for (const at of [1, 2, 3, 4]) {
      const { along, curved } = step(tensor([at]), tensor([5]));
      expect([await along.tolist(), await curved.tolist()]).toEqual([[10 * at], [30 * at]]);
    }
  });
});

describe("gradients of values", () => {
  test("backward and gradient with a gradient to start with", async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    x.square().backward(tensor([1, 10]));
    expect(await x.grad!.tolist()).toEqual([2, 40]);
    const apart = tensor([5]);
    const made = x.square().gradient([x, apart], tensor([1, 1]), true);
    expect(await lists(made)).toEqual([[2, 4], [0]]);
    expect(() => x.square().backward()).toThrow(ShapeError);
    expect(() => x.square().backward(tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => x.sum().gradient([apart])).toThrow(ArgumentError);
  });

  test("a checkpoint changes neither value nor gradient", async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = checkpoint((x) => x.square().square(), [x]);
    y.sum().backward();
    expect([await y.tolist(), await x.grad!.tolist()]).toEqual([
      [1, 16],
      [4, 32],
    ]);
  });
});

describe("a gradient of one's own", () => {
  const step = (x: Tensor) =>
    x
      .gt(0)
      .float()
      .customGrad([x], (g, y, [x]) => [g.mul(y).add(x!)]);

  test("takes the gradient, the output and the inputs", async () => {
    const x = tensor([-1, 2], { requiresGrad: true });
    step(x).mul(3).sum().backward();
    expect(await x.grad!.tolist()).toEqual([-1, 5]);
  });

  test("null is no gradient, and captured steps keep it", async () => {
    const slope = jit((x: Tensor, y: Tensor) => {
      const out = x.mul(y).customGrad([x, y], (g) => [g.mul(7), null]);
      return out.sum().gradient([x, y], null, true);
    });
    for (const at of [1, 2, 3])
      expect(await lists(slope(tensor([at, 1]), tensor([2, 2])))).toEqual([
        [7, 7],
        [0, 0],
      ]);
  });

  test("another number or shape of gradients is told when they are asked for", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const asked = (rule: (g: Tensor) => Tensor[]) => () => {
      const y = x.exp().customGrad([x], rule);
      y.sum().backward();
    };
    expect(asked(() => [])).toThrow(/customGrad: got 0 gradients/);
    expect(asked((g) => [g.sum()])).toThrow(ShapeError);
    expect(asked(() => [1 as never])).toThrow(/customGrad: got number 1, expected a tensor/);
  });
});

describe("gradcheck", () => {
  const x = () => tensor([0.3, -0.7, 1.1], { dtype: "float64" });

  test("passes right gradients and gives the worst element", async () => {
    const { input, gradient, byDifferences } = await gradcheck((x) => x.sin().mul(x), [x()]);
    expect(input).toBe(0);
    expect(Math.abs(gradient - byDifferences)).toBeLessThan(1e-5);
    await gradcheck((x) => x.exp(), [tensor([0.5, 1])]);
  });

  test("finds a wrong one, and takes tolerances", async () => {
    const wrong = (x: Tensor) => x.exp().customGrad([x], (g, y) => [g.mul(y).mul(1.01)]);
    await expect(gradcheck(wrong, [x()])).rejects.toThrow(DataError);
    await expect(gradcheck(wrong, [x()])).rejects.toThrow(/gradcheck: got gradient .* of input 0/);
    await gradcheck(wrong, [x()], { rtol: 0.1 });
  });
});

describe("mistakes in a function", () => {
  const mine = new RangeError("mine");
  const throws = (): never => {
    throw mine;
  };
  const x = () => tensor([1, 2], { requiresGrad: true });
  const custom = (x: Tensor) => x.exp().customGrad([x], throws);
  const fails: [string, () => unknown][] = [
    ["vjp", () => vjp(throws, [x()])],
    ["jvp", () => jvp(throws, [x()], [x()])],
    ["hvp", () => hvp(throws, [x()], [x()])],
    ["checkpoint", () => checkpoint(throws, [x()])],
    ["a vjp within a vjp", () => vjp(() => vjp(throws, [x()])[0], [x()])],
    ["customGrad in backward", () => custom(x()).sum().backward()],
    [
      "customGrad in gradient",
      () => {
        const at = x();
        custom(at).sum().gradient([at]);
      },
    ],
  ];

  test.each(fails)("%s throws what it threw, and all goes on", async (_, work) => {
    expect(failure(work)).toBe(mine);
    expect(await vjp((x) => x.sum(), [x()])[1][0]!.tolist()).toEqual([1, 1]);
  });

  test("gradcheck rejects with it", async () => {
    await expect(gradcheck(throws, [x()])).rejects.toBe(mine);
  });

  test("in a captured step too", async () => {
    let wrong = true;
    const step = jit((x: Tensor) => vjp((x) => (wrong ? throws() : x.square().sum()), [x])[1][0]!);
    expect(failure(() => step(x()))).toBe(mine);
    expect(failure(() => step(x()))).toBe(mine);
    wrong = false;
    for (let i = 0; i < 3; i++) expect(await step(x()).tolist()).toEqual([2, 4]);
  });

  test("no tensor, and an error of the engine, whose stack leads into the function", () => {
    expect(() => vjp(() => 1 as never, [x()])).toThrow(/vjp: got number 1, expected a tensor/);
    expect(() => vjp((x) => x.sum(), x() as never)).toThrow(/vjp: got Tensor\(.*expected a list of tensors/);
    const inner = (x: Tensor) => x.matmul(Tensor.ones(3, 3)).sum();
    const error = failure(() => vjp(inner, [x()])) as Error;
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.stack).toMatch(/inner/);
  });

  test("directions that do not fit", () => {
    expect(() => jvp((x) => x, [x()], [])).toThrow(ArgumentError);
    expect(() => hvp((x) => x.sum(), [x()], [tensor([1])])).toThrow(ShapeError);
    expect(() => vjp((x) => x, [x()])).toThrow(ShapeError);
  });
});
