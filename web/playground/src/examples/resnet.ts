import { device, jit, nn, optim, Tensor } from "playgrad";
import { dataset, drawDigit, plot } from "playground";
import { predictions, print, steps } from "playground";

const { train, test } = await dataset();
const pixels = (images: Tensor) =>
  images.float().div(255).reshape(-1, 1, 28, 28);
const relu = (t: Tensor) => t.relu();

function conv(from: number, to: number, size = 3, stride = 1) {
  const options = { stride, padding: size >> 1, bias: false };
  const layer = new nn.Conv2d(from, to, size, options);
  return new nn.Sequential(layer, new nn.BatchNorm(to));
}

class Block {
  long: nn.Sequential;
  short = new nn.Sequential();
  constructor(from: number, to: number, stride: number) {
    const first = conv(from, to, 3, stride);
    this.long = new nn.Sequential(first, relu, conv(to, to));
    // Where the shape changes, the short way has to change it too.
    if (from !== to) this.short = conv(from, to, 1, stride);
  }

  forward(x: Tensor): Tensor {
    return this.long.forward(x).add(this.short.forward(x)).relu();
  }
}

const model = new nn.Sequential(
  conv(1, 16, 5, 2),
  relu,
  new Block(16, 16, 1),
  new Block(16, 32, 2),
  new Block(32, 64, 2),
  (t) => t.mean([2, 3]),
  new nn.Linear(64, 10),
);
const weights = nn.parameters(model);
const optimizer = new optim.Adam(weights, { lr: 0.003 });
const trainStep = jit((x: Tensor, y: Tensor) => {
  const loss = model.forward(x).crossEntropy(y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});

const testImages = pixels(test.images.slice([0, 500]));
const testLabels = test.labels.slice([0, 500]);
const testAccuracy = () => {
  Tensor.training = false;
  const guesses = model.forward(testImages).argmax(1);
  Tensor.training = true;
  return guesses.eq(testLabels).float().mean();
};
predictions(test.images, model, test.labels);
drawDigit(model);

const batch = device().name === "webgpu" ? 256 : 32;
Tensor.training = true;
for await (const step of steps(100)) {
  const pick = Tensor.randint([batch], 0, train.labels.numel);
  const x = pixels(train.images.index(pick));
  const loss = trainStep(x, train.labels.index(pick));
  plot({ loss });
  if (step % 25 === 24) plot({ "test accuracy": testAccuracy() });
}
print("accuracy on digits it never saw:", testAccuracy());
