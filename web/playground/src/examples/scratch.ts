import { device, Tensor } from "playgrad";
import {
  dataset,
  plot,
  predictions,
  print,
  steps,
} from "playground";

// Images as rows of 784 numbers, on the device that computes.
const { train, test } = await dataset();
const place = device().name;
const rows = (images: Tensor) =>
  images.float().div(255).reshape(-1, 784);
const images = await rows(train.images).to(place);
const labels = await train.labels.to(place);
const testImages = await rows(test.images).to(place);

// Two layers: 784 → 30 → 10. Weights begin small and random.
const w1 = Tensor.randn(784, 30).mul(0.036).realize();
const b1 = Tensor.zeros(30);
const w2 = Tensor.randn(30, 10).mul(0.18).realize();
const b2 = Tensor.zeros(10);
const parameters = [w1, b1, w2, b2];
for (const p of parameters) p.requiresGrad = true;
const velocity = parameters.map((p) => Tensor.zeros(p.shape));

const forward = (x: Tensor) =>
  x.matmul(w1).add(b1).sigmoid().matmul(w2).add(b2);

function accuracy(): Tensor {
  const right = forward(testImages).argmax(1).eq(test.labels);
  return right.float().mean();
}

const guess = (x: Tensor) => forward(x.reshape(-1, 784));
predictions(test.images, guess, test.labels);

const [rate, momentum, size] = [0.1, 0.9, 64];
const batches = Math.floor(labels.numel / size);
let order = Tensor.randperm(labels.numel).realize();

for await (const step of steps(600)) {
  // Every image once in an epoch, then a new order.
  const at = step % batches;
  if (at === 0) order = Tensor.randperm(labels.numel).realize();
  const batch = order.slice([at * size, (at + 1) * size]);
  const y = labels.index(batch);

  const loss = forward(images.index(batch)).crossEntropy(y);
  const slopes = loss.gradient(parameters);
  parameters.forEach((w, i) => {
    const v = velocity[i]!;
    v.assign(v.mul(momentum).add(slopes[i]!));
    w.assign(w.sub(v.mul(rate)));
  });
  Tensor.realize(loss, ...velocity, ...parameters);

  plot({ loss });
  if (step % 50 === 49) plot({ "test accuracy": accuracy() });
}

print("accuracy on digits it never saw:", accuracy());
