import { device, jit, nn, optim, Tensor } from "playgrad";
import { dataset, images, plot } from "playground";
import { print, save, steps } from "playground";

const gpu = device().name === "webgpu";
const { train, test } = await dataset();
const pixels = (t: Tensor) => t.float().div(255).reshape(-1, 784);

// Grey noise on every pixel, and the picture stays in 0 … 1.
const spoil = (clean: Tensor) =>
  clean.add(Tensor.randnLike(clean).mul(0.5)).clip(0, 1);

// 784 numbers through a narrow place of 48, and back to 784.
const model = new nn.Sequential(
  new nn.Linear(784, 192),
  (t) => t.relu(),
  new nn.Linear(192, 48),
  (t) => t.relu(),
  new nn.Linear(48, 192),
  (t) => t.relu(),
  new nn.Linear(192, 784),
  (t) => t.sigmoid(),
);
const optimizer = new optim.Adam(nn.parameters(model), {
  lr: 0.002,
});
save(model); // its weights: Export menu

const batch = gpu ? 256 : 64;
const count = train.labels.numel;
const trainStep = jit((clean: Tensor) => {
  const loss = model.forward(spoil(clean)).mse(clean);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});

const clean = pixels(test.images.slice([0, 500]));
const noisy = spoil(clean).realize();
const nothing = noisy.mse(clean);
const cleaned = () => model.forward(noisy);

for await (const step of steps(600)) {
  const pick = Tensor.randint([batch], 0, count);
  const loss = trainStep(pixels(train.images.index(pick)));
  plot({ loss });
  if (step % 50 === 49) {
    plot({ "test loss": cleaned().mse(clean) });
    images({ noisy, cleaned: cleaned(), clean });
  }
}

print("loss of doing nothing:", nothing);
print("loss of the network:", cleaned().mse(clean));
