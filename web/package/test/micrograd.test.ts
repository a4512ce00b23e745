import { expect, it } from "vitest";
import { ArgumentError } from "../src/index";
import { MLP, seed, sum, Value } from "../src/micrograd/index";

it("has the numbers of micrograd's own example", () => {
  const a = new Value(-4);
  const b = new Value(2);
  let c = a.add(b);
  let d = a.mul(b).add(b.pow(3));
  c = c.add(c.add(1));
  c = c.add(c.add(1).sub(a));
  d = d.add(d.mul(2).add(b.add(a).relu()));
  d = d.add(d.mul(3).add(b.sub(a).relu()));
  const e = c.sub(d);
  const f = e.pow(2);
  const g = f.div(2).add(new Value(10).div(f));
  g.backward();
  expect(g.data).toBeCloseTo(24.7041, 4);
  expect(a.grad).toBeCloseTo(138.8338, 4);
  expect(b.grad).toBeCloseTo(645.5773, 4);
});

it("has the slopes of tanh, exp and powers", () => {
  const f = (x: Value) => x.tanh().neg().add(2).div(x.exp().sub(3)).add(x.pow(3)).add(x.pow(0));
  const x = new Value(0.5);
  const y = f(x);
  y.backward();
  const slope = (f(new Value(0.5 + 1e-6)).data - y.data) / 1e-6;
  expect(x.grad).toBeCloseTo(slope, 4);
});

it("makes the moons' network: 337 parameters, the same for a seed", () => {
  const network = (start: number) => {
    seed(start);
    return new MLP(2, [16, 16, 1]);
  };
  const model = network(1);
  expect(model.parameters()).toHaveLength(337);
  const weights = model.parameters().map(({ data }) => data);
  expect(
    network(1)
      .parameters()
      .map(({ data }) => data),
  ).toEqual(weights);
  expect(
    network(2)
      .parameters()
      .map(({ data }) => data),
  ).not.toEqual(weights);
  expect(Math.max(...weights.map(Math.abs))).toBeLessThanOrEqual(1);
  expect(Math.abs(weights.reduce((a, b) => a + b)) / 337).toBeLessThan(0.1);
});

it("adds gradients up until they are set to 0", () => {
  const model = new MLP(2, [3, 1]);
  const once = () => sum(model.forward([1, -2])).backward();
  once();
  const first = model.parameters().map(({ grad }) => grad);
  once();
  expect(model.parameters().map(({ grad }) => grad)).toEqual(first.map((grad) => 2 * grad));
  model.zeroGrad();
  expect(model.parameters().every(({ grad }) => grad === 0)).toBe(true);
});

it("refuses what is no number", () => {
  expect(() => new Value("2" as unknown as number)).toThrow(ArgumentError);
  expect(() => new Value(2).add({} as Value)).toThrow(/add/);
  expect(() => new MLP(2, [1]).forward([1])).toThrow(/1 inputs/);
});
