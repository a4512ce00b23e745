// What Python costs: training steps of the same MNIST MLP (784-128-10, batch 128) in Python and in JavaScript, in one
// process, in turns. Prints the fastest and the median turn of each and their ratio. Arguments: turns (20), device (cpu).
import { data, jit, manualSeed, nn, optim, Tensor } from "playgrad";
import { python } from "./node.mjs";

const [turns = "20", device = "cpu"] = process.argv.slice(2);
const STEPS = { jit: 25, plain: 10 };

const py = await python({ device });
py.runPython(`
from tinygrad import Tensor, TinyJit
from tinygrad.nn import Linear, datasets, optim, state

X, Y, _, _ = datasets.mnist()
X = X.flatten(1).float().div(255).realize()


class Model:
    def __init__(self):
        self.l1, self.l2 = Linear(784, 128), Linear(128, 10)

    def __call__(self, x):
        return self.l2(self.l1(x).relu())


def bench(captured):
    Tensor.manual_seed(1)
    model = Model()
    opt = optim.Adam(state.get_parameters(model), lr=1e-3)

    @Tensor.train()
    def step(x, y):
        opt.zero_grad()
        loss = model(x).sparse_categorical_crossentropy(y).backward()
        opt.step()
        return loss

    if captured:
        step = TinyJit(step)
    x, y = X[:128].realize(), Y[:128].realize()

    def steps(n):
        for _ in range(n):
            loss = step(x, y)
        return loss.item()

    return steps
`);
const inPython = py.globals.get("bench");

const set = data.digits({ n: 2000 });
const X = set.images.flatten(1).float().div(255).realize();
const Y = set.labels.cast("uint8").realize();

function inJavaScript(captured) {
  manualSeed(1);
  const l1 = new nn.Linear(784, 128);
  const l2 = new nn.Linear(128, 10);
  const opt = new optim.Adam(nn.parameters([l1, l2]), { lr: 1e-3 });
  const train = (x, y) => {
    Tensor.training = true;
    opt.zeroGrad();
    const loss = l2.forward(l1.forward(x).relu()).sparseCategoricalCrossentropy(y);
    loss.backward();
    opt.step();
    Tensor.training = false;
    return loss;
  };
  const step = captured ? jit(train) : train;
  const x = X.slice([0, 128]).realize();
  const y = Y.slice([0, 128]).realize();
  return (n) => {
    let loss;
    for (let i = 0; i < n; i += 1) loss = step(x, y);
    return loss.item();
  };
}

/** The fastest turn and the one in the middle. */
function marks(list) {
  const rising = list.toSorted((a, b) => a - b);
  return [rising[0], rising[rising.length >> 1]];
}

for (const kind of ["jit", "plain"]) {
  const sides = { python: inPython(kind === "jit"), javascript: inJavaScript(kind === "jit") };
  const times = { python: [], javascript: [] };
  for (const steps of Object.values(sides)) await steps(STEPS[kind]);
  for (let turn = 0; turn < Number(turns); turn += 1) {
    const order = Object.entries(sides);
    for (const [name, steps] of turn % 2 ? order : order.toReversed()) {
      const start = performance.now();
      await steps(STEPS[kind]);
      times[name].push((performance.now() - start) / STEPS[kind]);
    }
  }
  const [python, javascript] = [marks(times.python), marks(times.javascript)];
  ["fastest", "median"].forEach((mark, i) => {
    const [p, j] = [python[i], javascript[i]];
    const ratio = (p / j).toFixed(2);
    console.log(
      `${kind}, ${mark}: Python ${p.toFixed(3)} ms, JavaScript ${j.toFixed(3)} ms a step: ${ratio}×`,
    );
  });
}
process.exit();
