import { data, nn, optim } from "playgrad";
import { boundary, plot, print } from "playground";
import { slider, steps } from "playground";

const { x, y } = data.moons({ n: 200, noise: 0.12, seed: 7 });
const target = y.float().reshape(-1, 1);

const model = new nn.Sequential(
  new nn.Linear(2, 16),
  (t) => t.relu(),
  new nn.Linear(16, 16),
  (t) => t.relu(),
  new nn.Linear(16, 1),
  (t) => t.sigmoid(),
);
const optimizer = new optim.Adam(nn.parameters(model));

const range = { min: 0.001, max: 0.1, value: 0.01 };

boundary(model, { x, y });

for await (const step of steps(500)) {
  optimizer.lr = slider("learning rate", range);

  const guess = model.forward(x);
  const loss = guess.binaryCrossEntropy(target);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();

  const right = guess.gt(0.5).float().eq(target);
  const accuracy = right.float().mean();
  plot({ loss, accuracy });
  if (step % 100 === 0) print(step, "accuracy", accuracy);
}
