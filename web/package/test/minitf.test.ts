import { beforeAll, beforeEach, expect, it } from "vitest";
import { data, init, manualSeed, Tensor } from "../src/index";
import {
  add,
  constant,
  divide,
  GradientDescentOptimizer,
  Graph,
  log,
  matmul,
  multiply,
  type Node,
  negative,
  placeholder,
  reduceMean,
  reduceSum,
  registerGradient,
  relu,
  Session,
  sigmoid,
  softmax,
  square,
  subtract,
  Variable,
} from "../src/minitf/index";

beforeAll(() => init({ device: "cpu" }));
beforeEach(() => {
  manualSeed(1);
  new Graph().asDefault();
});

const crossEntropy = (guess: Node, classes: Node) =>
  negative(reduceSum(reduceSum(multiply(classes, log(guess)), 1)));

it("computes what is asked for, with what is fed", async () => {
  const x = placeholder("x");
  const doubled = multiply(x, constant(2));
  const y = add(matmul(constant([[1, 2]]), doubled), constant([0.5]));
  const session = new Session();
  const [first, both] = session.run([doubled, y], new Map([[x, [[1], [3]]]]));
  expect(await first?.tolist()).toEqual([[2], [6]]);
  expect(await both?.tolist()).toEqual([[14.5]]);
  expect(await session.run(subtract(divide(constant(6), constant(4)), constant(1))).item()).toBe(0.5);
  expect(await session.run(reduceMean(square(relu(constant([-1, 3]))))).item()).toBe(4.5);
  expect(await y.value?.tolist()).toEqual([[14.5]]);
});

it("finds a line", async () => {
  const [x, y] = [placeholder("x"), placeholder("y")];
  const [slope, start] = [new Variable(0, "slope"), new Variable(0, "start")];
  const loss = reduceMean(square(subtract(add(multiply(slope, x), start), y)));
  const train = new GradientDescentOptimizer(0.1).minimize(loss);
  const session = new Session();
  const feed: [Node, number[]][] = [
    [x, [-1, 0, 1, 2]],
    [y, [-1.2, 0.9, 3.1, 5.2]],
  ];
  for (let i = 0; i < 100; i++) session.run(train, feed);
  expect(await slope.value?.item()).toBeCloseTo(2.14, 3);
  expect(await start.value?.item()).toBeCloseTo(0.93, 3);
});

it("gives the loss from before the step", async () => {
  const w = new Variable(3, "w");
  const loss = square(w);
  const train = new GradientDescentOptimizer(0.5).minimize(loss);
  const session = new Session();
  const [, before] = session.run([train, loss]);
  expect(await before?.item()).toBe(9);
  expect(await session.run(loss).item()).toBe(0);
});

it("steps what each loss of a run depends on, twice where two do", async () => {
  const [a, b] = [new Variable(3, "a"), new Variable(5, "b")];
  const optimizer = new GradientDescentOptimizer(0.25);
  const [ofA, ofB] = [square(a), square(b)];
  const trainA = optimizer.minimize(ofA);
  const session = new Session();
  session.run([trainA, optimizer.minimize(ofB)]);
  expect([await a.value?.item(), await b.value?.item()]).toEqual([1.5, 2.5]);
  session.run([trainA, optimizer.minimize(add(ofA, ofB))]);
  expect([await a.value?.item(), await b.value?.item()]).toEqual([0, 1.25]);
});

it("trains a perceptron to part two clouds", async () => {
  const red = Tensor.randn(50, 2).sub(2);
  const blue = Tensor.randn(50, 2).add(2);
  const x = placeholder("x");
  const classes = placeholder("classes");
  const w = new Variable(Tensor.randn(2, 2), "W");
  const b = new Variable(Tensor.randn(2), "b");
  const guess = softmax(add(matmul(x, w), b));
  const loss = crossEntropy(guess, classes);
  const train = new GradientDescentOptimizer(0.01).minimize(loss);
  const session = new Session();
  const both = Tensor.cat([blue, red], 0).realize();
  const hot = Array.from({ length: 100 }, (_, i) => (i < 50 ? [1, 0] : [0, 1]));
  const feed: [Node, Tensor | number[][]][] = [
    [x, both],
    [classes, hot],
  ];
  for (let i = 0; i < 100; i++) session.run(train, feed);
  const answers = (await session.run(guess, feed).argmax(-1).tolist()) as number[];
  expect(answers.filter((answer, i) => answer === (i < 50 ? 0 : 1)).length).toBeGreaterThanOrEqual(98);
});

it("trains an MLP on XOR, and its gradients are the engine's", async () => {
  const { x: points, y: wanted } = data.xor();
  const [x, y] = [placeholder("x"), placeholder("y")];
  const w1 = new Variable(Tensor.uniform([2, 8], -1, 1).realize());
  const w2 = new Variable(Tensor.uniform([8, 1], -1, 1).realize());
  const b1 = new Variable(Tensor.zeros(8));
  const guess = sigmoid(matmul(sigmoid(add(matmul(x, w1), b1)), w2));
  const loss = reduceMean(square(subtract(guess, y)));
  const train = new GradientDescentOptimizer(5).minimize(loss);
  const session = new Session();
  const feed: [Node, Tensor][] = [
    [x, points],
    [y, wanted],
  ];
  const start = w2.value as Tensor;
  const hidden = points
    .matmul(w1.value as Tensor)
    .add(b1.value as Tensor)
    .sigmoid();
  const slope = hidden.matmul(start).sigmoid().mse(wanted).gradient([start])[0] as Tensor;
  session.run(train, feed);
  const moved = start.sub(w2.value as Tensor).div(5);
  expect(await moved.sub(slope).abs().max().item()).toBeLessThan(1e-6);
  for (let i = 0; i < 1500; i++) session.run(train, feed);
  expect(await session.run(loss, feed).item()).toBeLessThan(0.01);
});

it("takes a gradient of one's own", async () => {
  const w = new Variable(3);
  const train = new GradientDescentOptimizer(1).minimize(square(w));
  const session = new Session();
  registerGradient("square", (op, gradient) => gradient.mul(op.inputs[0] as Tensor));
  session.run(train);
  expect(await w.value?.item()).toBe(0);
  registerGradient("square", () => []);
  expect(() => session.run(train)).toThrow(/0 gradients for 1 inputs/);
  registerGradient("square", null);
  expect(() => registerGradient("squre", () => [])).toThrow(/one of add/);
});

it("refuses what is not fed, not a node, or of another graph", () => {
  const x = placeholder("x");
  const session = new Session();
  expect(() => session.run(add(x, constant(1)))).toThrow(/no value for the placeholder "x"/);
  expect(() => session.run("x" as unknown as Node)).toThrow(/got "x", expected a node/);
  expect(() => add(x, 2 as unknown as Node)).toThrow(/add: got a number/);
  new Graph().asDefault();
  const y = placeholder("y");
  expect(() => session.run(y)).toThrow(/placeholder "y" of another graph/);
  expect(() => session.run(x, [[y, 1]])).toThrow(/of another graph/);
  expect(() => add(x, y)).toThrow(/add: got placeholder "y" of another graph/);
});
