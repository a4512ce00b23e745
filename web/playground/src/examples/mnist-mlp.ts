import { nn, optim, Tensor } from "playgrad";
import { dataset, plot, print, steps } from "playground";
import { drawDigit, predictions, weights } from "playground";

const { train, test } = await dataset();
const pixels = (images: Tensor) =>
  images.float().div(255).reshape(-1, 784);

const model = new nn.Sequential(
  new nn.Linear(784, 128),
  (t) => t.relu(),
  new nn.Linear(128, 10),
);
const parameters = nn.parameters(model);
const optimizer = new optim.Adam(parameters, { lr: 0.002 });

const batch = 128;
const count = train.labels.numel;
const testImages = pixels(test.images);
const testAccuracy = () => {
  const guesses = model.forward(testImages).argmax(1);
  return guesses.eq(test.labels).float().mean();
};

predictions(test.images, model, test.labels);
weights(model);
drawDigit(model);

for await (const step of steps(900)) {
  const pick = Tensor.randint([batch], 0, count);
  const x = pixels(train.images.index(pick));
  const y = train.labels.index(pick);

  const loss = model.forward(x).crossEntropy(y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();

  plot({ loss });
  if (step % 50 === 49) plot({ "test accuracy": testAccuracy() });
}

print("accuracy on digits it never saw:", testAccuracy());
