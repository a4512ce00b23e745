import { data, type Tensor, tensor } from "playgrad";
import { MLP, seed, sum } from "playgrad/micrograd";
import { boundary, plot, print, steps } from "playground";

const moons = data.moons({ n: 100, noise: 0.1, seed: 1 });
const points = (await moons.x.tolist()) as number[][];
const classes = (await moons.y.tolist()) as number[];
const sides = classes.map((c) => 2 * c - 1);

seed(1337);
const model = new MLP(2, [16, 16, 1]);
const parameters = model.parameters();
print(parameters.length, "numbers to learn");

// The same weights as tensors: they colour the plane faster.
function onTensors(x: Tensor): Tensor {
  for (const { neurons } of model.layers) {
    const w = neurons.map((n) => n.w.map((v) => v.data));
    const b = neurons.map((n) => n.b.data);
    x = x.matmul(tensor(w).transpose()).add(tensor(b));
    if (neurons[0]!.relu) x = x.relu();
  }
  return x;
}
boundary(onTensors, { x: moons.x, y: tensor(sides) });

for await (const k of steps(100)) {
  const scores = points.map((point) => model.forward(point)[0]!);
  const losses = scores.map((s, i) =>
    s.mul(-sides[i]!).add(1).relu(),
  );
  const squares = parameters.map((p) => p.mul(p));
  const penalty = sum(squares).mul(1e-4);
  const loss = sum(losses).div(losses.length).add(penalty);

  model.zeroGrad();
  loss.backward();
  const rate = 1 - (0.9 * k) / 100;
  for (const p of parameters) p.data -= rate * p.grad;

  const right = scores.filter((s, i) => s.data * sides[i]! > 0);
  const accuracy = right.length / scores.length;
  plot({ loss: loss.data, accuracy });
  if (k % 10 === 9)
    print(k + 1, "loss", loss.data, "right", accuracy);
}
