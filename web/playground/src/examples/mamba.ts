import { device, jit, nn, optim, Tensor } from "playgrad";
import { Mamba } from "playgrad/mamba";
import { plot, print, save, show, steps } from "playground";

// A story of 12 tokens hides 3 symbols in noise. Then the model
// is asked 3 times, and answers with the symbols in their order.
const symbols = 8;
const [noise, ask] = [8, 9];
const [length, hidden] = [12, 3];
const batch = device().name === "webgpu" ? 128 : 32;

function stories(n: number): [Tensor, Tensor] {
  const told = Tensor.randint([n, hidden], 0, symbols);
  const drawn = Tensor.rand(n, length).topk(hidden)[1]!;
  const places = drawn.sort(1)[0]!;
  const empty = Tensor.full([n, length], noise).int();
  const asked = Tensor.full([n, hidden], ask).int();
  return [
    Tensor.cat([empty.scatter(1, places, told), asked], 1),
    told,
  ];
}

const model = new Mamba({
  dModel: 32,
  nLayer: 2,
  vocabSize: symbols + 2,
});
save(model); // its weights: Export menu
const optimizer = new optim.Adam(nn.parameters(model), {
  lr: 0.01,
});

const answers = (x: Tensor) =>
  model.forward(x).slice(null, [length, null], [0, symbols]);

const trainStep = jit((x: Tensor, told: Tensor) => {
  const loss = answers(x)
    .reshape(-1, symbols)
    .crossEntropy(told.flatten());
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});

const [testX, testTold] = stories(500);
const accuracy = () =>
  answers(testX).argmax(-1).eq(testTold).float().mean();
const one = testX.slice([0, 1]);

for await (const step of steps(300)) {
  const loss = trainStep(...stories(batch));
  plot({ loss });
  if (step % 25 === 24) {
    plot({ accuracy: accuracy() });
    show(model.stepSizes(one).at(-1)!.squeeze(0), "step sizes");
  }
}

print("one story:", one);
print("its answers:", answers(one).argmax(-1));
print("symbols right in 500 new stories:", accuracy());
