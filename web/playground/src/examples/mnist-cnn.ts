import { device, nn, optim, Tensor } from "playgrad";
import { dataset, plot, print, steps } from "playground";
import { drawDigit, predictions, weights } from "playground";

const gpu = device().name === "webgpu";
const { train, test } = await dataset();
const pixels = (images: Tensor) =>
  images.float().div(255).reshape(-1, 1, 28, 28);

const model = new nn.Sequential(
  new nn.Conv2d(1, 24, 5),
  (t) => t.relu().maxPool2d(2),
  new nn.Conv2d(24, 32, 3),
  (t) => t.relu().maxPool2d(2).flatten(1),
  new nn.Linear(800, 128),
  (t) => t.relu(),
  new nn.Linear(128, 10),
);
const parameters = nn.parameters(model);
const optimizer = new optim.Adam(parameters, { lr: 0.002 });

const batch = 64;
const count = train.labels.numel;
const checks = gpu ? 1000 : 250;
const testImages = pixels(test.images.slice([0, checks]));
const testLabels = test.labels.slice([0, checks]);
const testAccuracy = () => {
  const guesses = model.forward(testImages).argmax(1);
  return guesses.eq(testLabels).float().mean();
};

predictions(test.images, model, test.labels);
weights(model, "first filters");
drawDigit(model);

for await (const step of steps(120)) {
  const pick = Tensor.randint([batch], 0, count);
  const x = pixels(train.images.index(pick));
  const y = train.labels.index(pick);

  const loss = model.forward(x).crossEntropy(y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();

  plot({ loss });
  if (step % 20 === 19) plot({ "test accuracy": testAccuracy() });
}

print("accuracy on digits it never saw:", testAccuracy());
