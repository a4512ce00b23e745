// Python and JavaScript train alike: the same losses from the same seed on the same device.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { data, jit, manualSeed, nn, optim, Tensor, tensor } from "playgrad";
import { python } from "../node.mjs";

const py = await python();
py.runPython(readFileSync(join(import.meta.dirname, "programs/losses.py"), "utf8"), {
  filename: "losses.py",
});
const inPython = py.globals.get("losses");

const { images, labels } = data.digits({ n: 2000 });

function xor() {
  const corners = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const model = new nn.Sequential(
    new nn.Linear(2, 8),
    (x) => x.tanh(),
    new nn.Linear(8, 1),
    (x) => x.sigmoid(),
  );
  const different = tensor([[0], [1], [1], [0]]);
  return [model, () => model.forward(corners).sub(different).square().mean()];
}

function digits(model, prepare) {
  const loss = () => {
    const samples = Tensor.randint([32], 0, images.shape[0]);
    const x = prepare(images.at(samples).float().div(255).unsqueeze(1));
    return model.forward(x).sparseCategoricalCrossentropy(labels.at(samples));
  };
  return [model, loss];
}

const mlp = () =>
  digits(new nn.Sequential(new nn.Linear(784, 32), (x) => x.relu(), new nn.Linear(32, 10)), (x) =>
    x.flatten(1),
  );

const cnn = () =>
  digits(
    new nn.Sequential(
      new nn.Conv2d(1, 4, 5, { stride: 2 }),
      new nn.BatchNorm(4),
      (x) => x.relu(),
      (x) => x.maxPool2d(),
      new nn.Conv2d(4, 8, 3, { padding: "same", bias: false }),
      (x) => x.relu(),
      (x) => x.flatten(1).dropout(0.25),
      new nn.Linear(8 * 36, 10),
    ),
    (x) => x,
  );

const optimizers = {
  Adam: (params) => new optim.Adam(params, { lr: 0.01 }),
  SGD: (params) => new optim.SGD(params, { lr: 0.1, momentum: 0.9, weightDecay: 1e-3, nesterov: true }),
};

async function inJavaScript(task, optimizer, captured, steps) {
  manualSeed(7);
  const [model, forward] = task();
  const opt = optimizers[optimizer](nn.parameters(model));
  const train = () => {
    Tensor.training = true;
    opt.zeroGrad();
    const loss = forward();
    loss.backward();
    opt.step();
    Tensor.training = false;
    return loss;
  };
  const step = captured ? jit(train) : train;
  const losses = [];
  for (let i = 0; i < steps; i += 1) losses.push(await step().item());
  return losses;
}

for (const [task, steps, least] of [
  [xor, 40, 0.02],
  [mlp, 15, 0.5],
  [cnn, 12, 0.5],
]) {
  for (const optimizer of Object.keys(optimizers)) {
    for (const captured of [false, true]) {
      const how = captured ? "captured" : "plain";
      test(`${task.name} with ${optimizer}, ${how}: the losses of ${steps} steps`, async () => {
        const wanted = await inJavaScript(task, optimizer, captured, steps);
        const got = inPython(task.name, optimizer, captured, steps).toJs();
        assert.ok(wanted[0] - wanted.at(-1) > least, `it learns: ${wanted}`);
        wanted.forEach((loss, i) => {
          assert.ok(Math.abs(got[i] - loss) <= 1e-5, `step ${i}: ${got[i]} in Python, ${loss} in JavaScript`);
        });
      });
    }
  }
}
