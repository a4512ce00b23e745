import { layerForward } from "./reference-layers.js";
import { adam, initialWeights, makeData, normEps } from "./workloads.js";

/** The same work in float64 and plain loops: what every engine's results are compared with. */

const zeros = (n) => new Float64Array(n);

const losses = {
  mse(out, target) {
    const difference = out.map((v, i) => v - target[i]);
    const value = difference.reduce((sum, d) => sum + d * d, 0) / out.length;
    return [value, difference.map((d) => (2 * d) / out.length)];
  },
  crossEntropy(out, target) {
    const n = target.filter((label) => label >= 0).length;
    const classes = out.length / target.length;
    const gradient = zeros(out.length);
    let value = 0;
    target.forEach((label, s) => {
      if (label < 0) return;
      const row = out.subarray(s * classes, (s + 1) * classes);
      const top = Math.max(...row);
      const total = row.reduce((sum, v) => sum + Math.exp(v - top), 0);
      value += (Math.log(total) + top - row[label]) / n;
      row.forEach((v, c) => {
        gradient[s * classes + c] = (Math.exp(v - top) / total - Number(c === label)) / n;
      });
    });
    return [value, gradient];
  },
};

const rules = {
  sgd: (w, g, { lr }) => {
    for (let i = 0; i < w.length; i += 1) w[i] -= lr * g[i];
  },
  adam: (w, g, { lr }, state, t) => {
    const { beta1, beta2, eps } = adam;
    state.m ??= zeros(w.length);
    state.v ??= zeros(w.length);
    for (let i = 0; i < w.length; i += 1) {
      state.m[i] = beta1 * state.m[i] + (1 - beta1) * g[i];
      state.v[i] = beta2 * state.v[i] + (1 - beta2) * g[i] ** 2;
      const spread = Math.sqrt(state.v[i] / (1 - beta2 ** t)) + eps;
      w[i] -= (lr * state.m[i]) / (1 - beta1 ** t) / spread;
    }
  },
};

const doubles = (one) =>
  initialWeights(one).map((list) => list.map(({ values }) => Float64Array.from(values)));

/** The layers one after another; `backs` are in the same order. */
function pass({ layers, input, batch }, weights, x, grads) {
  const backs = [];
  let [value, shape] = [Float64Array.from(x), input];
  layers.forEach((layer, i) => {
    const made = layerForward(layer, weights[i], value, batch, shape, grads[i]);
    [value, shape] = [made.y, made.shape];
    backs.push(made.back);
  });
  return { value, backs };
}

function train(one) {
  const { loss, optimizer, checked } = one;
  const weights = doubles(one);
  const states = weights.map((list) => list.map(() => ({})));
  const data = makeData(one);
  return Array.from({ length: checked }, (_, step) => {
    const { x, y } = data[step % data.length];
    const grads = weights.map((list) => list.map((w) => zeros(w.length)));
    const { value, backs } = pass(one, weights, x, grads);
    const [lossValue, gradient] = losses[loss](value, y);
    if (step === checked - 1) return [lossValue];
    backs.reduceRight((dy, back) => back(dy), gradient);
    weights.forEach((list, i) => {
      list.forEach((w, j) => {
        rules[optimizer.kind](w, grads[i][j], optimizer, states[i][j], step + 1);
      });
    });
    return [lossValue];
  });
}

function infer(one) {
  const weights = doubles(one);
  return makeData(one)
    .slice(0, one.checked)
    .map(({ x }) => Array.from(pass(one, weights, x, weights).value));
}

// A row of the result depends on that row of the input alone, so the last row says it for all.
const rowOperations = {
  matmul: (row, { weight }) =>
    row.map((_, column) => row.reduce((sum, v, k) => sum + v * weight[k * row.length + column], 0)),
  elementwise: (row) => row.map((v) => Math.max(v * 1.5 - 0.25, 0) * 0.5 + v * 0.25 + 0.125),
  softmax: (row) => {
    const top = Math.max(...row);
    const total = row.reduce((sum, v) => sum + Math.exp(v - top), 0);
    return row.map((v) => Math.exp(v - top) / total);
  },
  layernorm: (row, { weight, bias }) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
    return row.map((v, i) => ((v - mean) / Math.sqrt(variance + normEps)) * weight[i] + bias[i]);
  },
};

function operation(one) {
  const [data] = makeData(one);
  let row = Array.from(data.x.slice(-one.shape[1]));
  return Array.from({ length: one.checked }, () => {
    row = rowOperations[one.op](row, data);
    return row;
  });
}

const kinds = { train, infer, op: operation };

/** Results of the first steps of a workload. */
export const reference = (one) => kinds[one.kind](one);
