import { device, jit, nn, optim, Tensor } from "playgrad";
import { dataset, plot, print, steps } from "playground";
import { drawDigit, predictions, weights } from "playground";

const gpu = device().name === "webgpu";
const { train, test } = await dataset();
const pixels = (images: Tensor) =>
  images.float().div(255).reshape(-1, 1, 28, 28);

class Model {
  layers = new nn.Sequential(
    new nn.Conv2d(1, 32, 5),
    (t) => t.relu(),
    new nn.Conv2d(32, 32, 5),
    (t) => t.relu(),
    new nn.BatchNorm(32),
    (t) => t.maxPool2d(2),
    new nn.Conv2d(32, 64, 3),
    (t) => t.relu(),
    new nn.Conv2d(64, 64, 3),
    (t) => t.relu(),
    new nn.BatchNorm(64),
    (t) => t.maxPool2d(2).flatten(1),
    new nn.Linear(576, 10),
  );

  forward(x: Tensor): Tensor {
    return this.layers.forward(x);
  }
}

const model = new Model();
const optimizer = new optim.Adam(nn.parameters(model));

// 512 digits a step as in the original; fewer on a CPU.
const count = train.labels.numel;
const batch = gpu ? 512 : 32;
const checks = gpu ? 1000 : 100;

const trainStep = jit((x: Tensor, y: Tensor) => {
  const loss = model.forward(x).crossEntropy(y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});

const testImages = pixels(test.images.slice([0, checks]));
const testLabels = test.labels.slice([0, checks]);
const testAccuracy = () => {
  Tensor.training = false;
  const guesses = model.forward(testImages).argmax(1);
  Tensor.training = true;
  return guesses.eq(testLabels).float().mean();
};

predictions(test.images, model, test.labels);
weights(model, "first filters");
drawDigit(model);

Tensor.training = true;
for await (const step of steps(70)) {
  const pick = Tensor.randint([batch], 0, count);
  const x = pixels(train.images.index(pick));
  const loss = trainStep(x, train.labels.index(pick));
  plot({ loss });
  if (step % 10 === 9) plot({ "test accuracy": testAccuracy() });
}

print("accuracy on digits it never saw:", testAccuracy());
