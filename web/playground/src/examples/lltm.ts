import { nn, optim, Tensor } from "playgrad";
import {
  customKernel,
  gradcheck,
  opcheck,
} from "playgrad/custom";
import type { Elements } from "playgrad/custom";
import { plot, print, steps } from "playground";

// Each i is a cell. Its gates stand n apart in a row of 3 · n.
const open = `
  let n = cell_shape[1];
  let at = (i / n) * 3u * n + i % n;
  let enters = 1.0 / (1.0 + exp(-gates[at]));
  let leaves = 1.0 / (1.0 + exp(-gates[at + n]));
  let x = gates[at + 2u * n];
  let fresh = select(exp(x) - 1.0, x, x > 0.0);`;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
function opened(gates: Elements, i: number, n: number): Elements {
  const at = Math.floor(i / n) * 3 * n + (i % n);
  const x = gates[at + 2 * n];
  const elu = x > 0 ? [x, 1] : [Math.exp(x) - 1, Math.exp(x)];
  return [sigmoid(gates[at]), sigmoid(gates[at + n]), ...elu];
}

// The way back: gradients of a row of gates, then of its cells.
const back = customKernel({
  name: "lltm_back",
  inputs: ["g", "gates", "cell"],
  shape: (_g, _gates, [rows, n]) => [rows, 4 * n],
  threads: (_g, _gates, [rows, n]) => rows * n,
  wgsl: `${open}
  let t = tanh(cell[i] + fresh * enters);
  let now = g[i] * leaves * (1.0 - t * t) + g[cell_size + i];
  let to = (i / n) * 4u * n + i % n;
  out[to] = now * fresh * enters * (1.0 - enters);
  out[to + n] = g[i] * t * leaves * (1.0 - leaves);
  out[to + 2u * n] = now * enters * select(exp(x), 1.0, x > 0.0);
  out[to + 3u * n] = now;`,
  cpu: ([g, gates, cell], out, [, , [rows, n]]) => {
    for (let i = 0; i < rows * n; i++) {
      const [enters, leaves, fresh, slope] = opened(gates, i, n);
      const t = Math.tanh(cell[i] + fresh * enters);
      const now = g[i] * leaves * (1 - t * t) + g[rows * n + i];
      const to = Math.floor(i / n) * 4 * n + (i % n);
      out[to] = now * fresh * enters * (1 - enters);
      out[to + n] = g[i] * t * leaves * (1 - leaves);
      out[to + 2 * n] = now * enters * slope;
      out[to + 3 * n] = now;
    }
  },
});

// The way there: what leaves the cells, and what stays in them.
const lltm = customKernel({
  name: "lltm",
  inputs: ["gates", "cell"],
  shape: (_gates, [rows, n]) => [2, rows, n],
  threads: (_gates, [rows, n]) => rows * n,
  wgsl: `${open}
  let now = cell[i] + fresh * enters;
  out[i] = tanh(now) * leaves;
  out[cell_size + i] = now;`,
  cpu: ([gates, cell], out, [, [rows, n]]) => {
    for (let i = 0; i < rows * n; i++) {
      const [enters, leaves, fresh] = opened(gates, i, n);
      const now = cell[i] + fresh * enters;
      out[i] = Math.tanh(now) * leaves;
      out[rows * n + i] = now;
    }
  },
  backward: (g, [gates, cell]) => {
    const both = back(g, gates, cell);
    const n = cell.shape[1]!;
    const part = (a: number, b: number) =>
      both.slice(null, [a, b]);
    return [part(0, 3 * n), part(3 * n, 4 * n)];
  },
});

// The same of tensors: a kernel or more for each line.
function composed(gates: Tensor, cell: Tensor): Tensor {
  const [enters, leaves, fresh] = gates.chunk(3, 1);
  const now = fresh!.elu().mul(enters!.sigmoid()).add(cell);
  return Tensor.stack([now.tanh().mul(leaves!.sigmoid()), now]);
}

const given = [Tensor.randn([2, 9]), Tensor.randn([2, 3])];
print(await opcheck(back, [Tensor.randn([2, 2, 3]), ...given]));
print(await opcheck(lltm, given));
print(await gradcheck(lltm, given));

// A task for a memory: one of six numbers is marked. Which was it?
const [rows, length, n] = [16, 6, 8];
const toGates = new nn.Linear(2 + n, 3 * n);
const read = new nn.Linear(n, 1);
const optimizer = new optim.Adam(nn.parameters([toGates, read]), {
  lr: 0.02,
});

function guess(story: Tensor, cells: typeof composed): Tensor {
  let [out, cell] = [
    Tensor.zeros(rows, n),
    Tensor.zeros(rows, n),
  ];
  for (let t = 0; t < length; t++) {
    const seen = Tensor.cat([story.slice(null, t), out], 1);
    const both = cells(toGates.forward(seen), cell);
    [out, cell] = [both.slice(0), both.slice(1)];
  }
  return read.forward(out).squeeze(1);
}

function learn(cells: typeof composed): Tensor {
  const values = Tensor.rand(rows, length).mul(2).sub(1);
  const mark = Tensor.randint([rows], 0, length).oneHot(length);
  const story = Tensor.stack([values, mark], 2);
  const wanted = values.mul(mark).sum(1);

  const loss = guess(story, cells).mse(wanted);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
}

// By turns: both learn the same, and each takes its time.
for await (const step of steps(300)) {
  const own = step % 2 === 0;
  const start = performance.now();
  const loss = await learn(own ? lltm : composed).item();
  const time = performance.now() - start;
  plot({ loss, [own ? "kernel" : "composed"]: time });
}
