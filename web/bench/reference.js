import { adam, batchNormEps, initialWeights, trainingData } from "./workloads.js";

/** The same training in float64 and plain loops: what every engine's losses are compared with. */

const zeros = (n) => new Float64Array(n);
const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

// Each layer: input `x` of `n` samples of `shape` → its output, the output's shape, and `back`, which takes the
// output's gradient, adds to `grads` and returns the input's gradient.
const forward = {
  linear([inputs, outputs], [weight, bias], x, n, _shape, grads) {
    const y = zeros(n * outputs);
    for (let s = 0; s < n; s += 1)
      for (let o = 0; o < outputs; o += 1) {
        let sum = bias[o];
        for (let i = 0; i < inputs; i += 1) sum += x[s * inputs + i] * weight[o * inputs + i];
        y[s * outputs + o] = sum;
      }
    const back = (dy) => {
      const dx = zeros(x.length);
      for (let s = 0; s < n; s += 1)
        for (let o = 0; o < outputs; o += 1) {
          const d = dy[s * outputs + o];
          grads[1][o] += d;
          for (let i = 0; i < inputs; i += 1) {
            grads[0][o * inputs + i] += d * x[s * inputs + i];
            dx[s * inputs + i] += d * weight[o * inputs + i];
          }
        }
      return dx;
    };
    return { y, shape: [outputs], back };
  },

  conv([inputs, outputs, k], [weight, bias], x, n, [, height, width], grads) {
    const [h, w] = [height - k + 1, width - k + 1];
    const y = zeros(n * outputs * h * w);
    const each = (visit) => {
      for (let s = 0; s < n; s += 1)
        for (let o = 0; o < outputs; o += 1)
          for (let c = 0; c < inputs; c += 1)
            for (let a = 0; a < k; a += 1)
              for (let b = 0; b < k; b += 1)
                for (let row = 0; row < h; row += 1) {
                  const from = ((s * inputs + c) * height + row + a) * width + b;
                  visit(((o * inputs + c) * k + a) * k + b, from, ((s * outputs + o) * h + row) * w);
                }
    };
    for (let i = 0; i < y.length; i += 1) y[i] = bias[Math.floor(i / (h * w)) % outputs];
    each((at, from, to) => {
      for (let i = 0; i < w; i += 1) y[to + i] += weight[at] * x[from + i];
    });
    const back = (dy) => {
      const dx = zeros(x.length);
      for (let i = 0; i < dy.length; i += 1) grads[1][Math.floor(i / (h * w)) % outputs] += dy[i];
      each((at, from, to) => {
        let sum = 0;
        for (let i = 0; i < w; i += 1) {
          sum += x[from + i] * dy[to + i];
          dx[from + i] += weight[at] * dy[to + i];
        }
        grads[0][at] += sum;
      });
      return dx;
    };
    return { y, shape: [outputs, h, w], back };
  },

  pool(_sizes, _weights, x, n, [channels, height, width]) {
    const [h, w] = [height >> 1, width >> 1];
    const y = zeros(n * channels * h * w);
    const chosen = Array.from(y, (_, i) => {
      const [plane, row, column] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
      const corner = (plane * height + 2 * row) * width + 2 * column;
      const window = [corner, corner + 1, corner + width, corner + width + 1];
      return window.reduce((best, at) => (x[at] > x[best] ? at : best));
    });
    chosen.forEach((at, i) => {
      y[i] = x[at];
    });
    const back = (dy) => {
      const dx = zeros(x.length);
      chosen.forEach((at, i) => {
        dx[at] += dy[i];
      });
      return dx;
    };
    return { y, shape: [channels, h, w], back };
  },

  batchNorm([channels], [weight, bias], x, n, shape, grads) {
    const size = shape[1] * shape[2];
    const channel = (i) => Math.floor(i / size) % channels;
    const count = n * size;
    const mean = zeros(channels);
    const variance = zeros(channels);
    x.forEach((v, i) => {
      mean[channel(i)] += v / count;
    });
    x.forEach((v, i) => {
      variance[channel(i)] += (v - mean[channel(i)]) ** 2 / count;
    });
    const scale = variance.map((v) => 1 / Math.sqrt(v + batchNormEps));
    const normal = x.map((v, i) => (v - mean[channel(i)]) * scale[channel(i)]);
    const y = normal.map((v, i) => v * weight[channel(i)] + bias[channel(i)]);
    const back = (dy) => {
      dy.forEach((d, i) => {
        grads[0][channel(i)] += d * normal[i];
        grads[1][channel(i)] += d;
      });
      const [dw, db] = grads;
      return dy.map((d, i) => {
        const c = channel(i);
        return weight[c] * scale[c] * (d - db[c] / count - (normal[i] * dw[c]) / count);
      });
    };
    return { y, shape, back };
  },
};

const pointwise = {
  relu: [(v) => Math.max(v, 0), (y) => Number(y > 0)],
  tanh: [Math.tanh, (y) => 1 - y * y],
  sigmoid: [(v) => 1 / (1 + Math.exp(-v)), (y) => y * (1 - y)],
  flatten: [(v) => v, () => 1],
};

function layerForward([kind, ...sizes], weights, x, n, shape, grads) {
  if (forward[kind]) return forward[kind](sizes, weights, x, n, shape, grads);
  const [value, slope] = pointwise[kind];
  const y = x.map(value);
  const flat = kind === "flatten" ? [product(shape)] : shape;
  return { y, shape: flat, back: (dy) => dy.map((d, i) => d * slope(y[i])) };
}

const losses = {
  mse(out, target) {
    const difference = out.map((v, i) => v - target[i]);
    const value = difference.reduce((sum, d) => sum + d * d, 0) / out.length;
    return [value, difference.map((d) => (2 * d) / out.length)];
  },
  crossEntropy(out, target) {
    const n = target.length;
    const classes = out.length / n;
    const gradient = zeros(out.length);
    let value = 0;
    target.forEach((label, s) => {
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

/** Losses of the first steps of a workload. */
export function referenceLosses(workload) {
  const { layers, input, loss, optimizer, batch, checked } = workload;
  const weights = initialWeights(workload).map((list) => list.map(({ values }) => Float64Array.from(values)));
  const states = weights.map((list) => list.map(() => ({})));
  const data = trainingData(workload);
  return Array.from({ length: checked }, (_, step) => {
    const { x, y } = data[step % data.length];
    const grads = weights.map((list) => list.map((w) => zeros(w.length)));
    const backs = [];
    let [value, shape] = [Float64Array.from(x), input];
    layers.forEach((layer, i) => {
      const made = layerForward(layer, weights[i], value, batch, shape, grads[i]);
      [value, shape] = [made.y, made.shape];
      backs.push(made.back);
    });
    const [lossValue, gradient] = losses[loss](value, y);
    backs.reduceRight((dy, back) => back(dy), gradient);
    weights.forEach((list, i) => {
      list.forEach((w, j) => {
        rules[optimizer.kind](w, grads[i][j], optimizer, states[i][j], step + 1);
      });
    });
    return lossValue;
  });
}
