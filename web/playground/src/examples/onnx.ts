import { nn, optim, Tensor } from "playgrad";
import * as onnx from "playgrad/onnx";
import {
  dataset,
  modelFile,
  plot,
  print,
  steps,
} from "playground";
import { drawDigit, predictions } from "playground";

const { train, test } = await dataset();
const images = test.images.slice([0, 500]);
const labels = test.labels.slice([0, 500]);
const pixels = (images: Tensor) =>
  images.float().div(255).reshape(-1, 1, 28, 28);

// 1. Somebody trains a small network…
const net = new nn.Sequential(
  new nn.Conv2d(1, 8, 5),
  (t) => t.relu().maxPool2d(4).flatten(1),
  new nn.Linear(288, 10),
);

type Model = (x: Tensor) => Tensor;
async function learn(model: Model, weights: Tensor[], n: number) {
  const optimizer = new optim.Adam(weights, { lr: 0.005 });
  for await (const _ of steps(n)) {
    const pick = Tensor.randint([64], 0, train.labels.numel);
    const x = pixels(train.images.index(pick));
    const y = train.labels.index(pick);
    const loss = model(x).crossEntropy(y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    plot({ loss });
  }
}
await learn((x) => net.forward(x), nn.parameters(net), 60);

// 2. …and saves it as a file that other programs read.
const x = pixels(images);
const file = await onnx.save(net, [x], { batch: true });
print(`the file: ${(file.length / 1024).toFixed(1)} KB`);

// 3. Here it is read again, or a file of yours.
const model = await onnx.load(modelFile() ?? file);
print("operators:", JSON.stringify(model.operators));
const right = () => model(x).argmax(1).eq(labels).float().mean();
const apart = model(x).sub(net.forward(x)).abs().max();
print("furthest from the original:", apart);
print("right before:", right());
predictions(images, model, labels);
drawDigit(model);

// 4. Its weights are ordinary tensors: it learns on.
await learn(model, nn.parameters(model), 60);
print("right after:", right());
