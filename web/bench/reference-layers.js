import { normEps, product } from "./workloads.js";

/** Layers and their gradients in float64 and plain loops. */

const zeros = (n) => new Float64Array(n);

// Each layer: input `x` of `n` samples of `shape` → its output, the output's shape, and `back`, which takes the
// output's gradient, adds to `grads` and returns the input's gradient.
export const forward = {
  linear([inputs, outputs], [weight, bias], x, _n, shape, grads) {
    const rows = x.length / inputs;
    const y = zeros(rows * outputs);
    for (let s = 0; s < rows; s += 1)
      for (let o = 0; o < outputs; o += 1) {
        let sum = bias[o];
        for (let i = 0; i < inputs; i += 1) sum += x[s * inputs + i] * weight[o * inputs + i];
        y[s * outputs + o] = sum;
      }
    const back = (dy) => {
      const dx = zeros(x.length);
      for (let s = 0; s < rows; s += 1)
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
    return { y, shape: [...shape.slice(0, -1), outputs], back };
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
    const scale = variance.map((v) => 1 / Math.sqrt(v + normEps));
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

  layerNorm([size], [weight, bias], x, _n, shape, grads) {
    const rows = x.length / size;
    const y = zeros(x.length);
    const normal = zeros(x.length);
    const scale = zeros(rows);
    for (let r = 0; r < rows; r += 1) {
      const row = x.subarray(r * size, (r + 1) * size);
      const mean = row.reduce((a, b) => a + b) / size;
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
      scale[r] = 1 / Math.sqrt(variance + normEps);
      row.forEach((v, i) => {
        normal[r * size + i] = (v - mean) * scale[r];
        y[r * size + i] = normal[r * size + i] * weight[i] + bias[i];
      });
    }
    const back = (dy) => {
      const dx = zeros(x.length);
      for (let r = 0; r < rows; r += 1) {
        let [sum, along] = [0, 0];
        for (let i = 0; i < size; i += 1) {
          const at = r * size + i;
          grads[0][i] += dy[at] * normal[at];
          grads[1][i] += dy[at];
          sum += dy[at] * weight[i];
          along += dy[at] * weight[i] * normal[at];
        }
        for (let i = 0; i < size; i += 1) {
          const at = r * size + i;
          dx[at] = scale[r] * (dy[at] * weight[i] - sum / size - (normal[at] * along) / size);
        }
      }
      return dx;
    };
    return { y, shape, back };
  },

  embedding([, width, length], [table, positions], x, n, _shape, grads) {
    const y = zeros(n * length * width);
    for (let at = 0; at < y.length; at += 1) {
      const [token, i] = [Math.floor(at / width), at % width];
      y[at] = table[x[token] * width + i] + positions[(token % length) * width + i];
    }
    const back = (dy) => {
      dy.forEach((d, at) => {
        const [token, i] = [Math.floor(at / width), at % width];
        grads[0][x[token] * width + i] += d;
        grads[1][(token % length) * width + i] += d;
      });
      return zeros(x.length);
    };
    return { y, shape: [length, width], back };
  },

  block([width, heads], weights, x, n, shape, grads) {
    const run = (layer, from, input, of) =>
      layerForward(layer, weights.slice(from, from + 2), input, n, of, grads.slice(from, from + 2));
    const plus = (a, b) => a.map((v, i) => v + b[i]);
    const norm1 = run(["layerNorm", width], 0, x, shape);
    const attend = run(["linear", width, 3 * width], 2, norm1.y, shape);
    const seen = attention(attend.y, n, shape[0], width, heads);
    const project = run(["linear", width, width], 4, seen.y, shape);
    const middle = plus(x, project.y);
    const norm2 = run(["layerNorm", width], 6, middle, shape);
    const grow = run(["linear", width, 4 * width], 8, norm2.y, shape);
    const curve = run(["gelu"], 0, grow.y, grow.shape);
    const shrink = run(["linear", 4 * width, width], 10, curve.y, curve.shape);
    const back = (dy) => {
      const inner = plus(dy, norm2.back(grow.back(curve.back(shrink.back(dy)))));
      return plus(inner, norm1.back(attend.back(seen.back(project.back(inner)))));
    };
    return { y: plus(middle, shrink.y), shape, back };
  },
};

/** Causal attention over `[n, length, 3 · width]`: queries, keys and values beside each other, head by head. */
function attention(x, n, length, width, heads) {
  const size = width / heads;
  const y = zeros(n * length * width);
  const shares = zeros(n * heads * length * length);
  const place = (s, i, part, h) => (s * length + i) * 3 * width + part * width + h * size;
  const dot = (a, from, b, to) => {
    let sum = 0;
    for (let k = 0; k < size; k += 1) sum += a[from + k] * b[to + k];
    return sum;
  };
  const each = (visit) => {
    for (let s = 0; s < n; s += 1)
      for (let h = 0; h < heads; h += 1)
        for (let i = 0; i < length; i += 1) {
          const row = shares.subarray(((s * heads + h) * length + i) * length);
          visit(s, h, i, row.subarray(0, i + 1), (s * length + i) * width + h * size);
        }
  };
  each((s, h, i, row, out) => {
    row.forEach((_, j) => {
      row[j] = dot(x, place(s, i, 0, h), x, place(s, j, 1, h)) / Math.sqrt(size);
    });
    const top = row.reduce((a, b) => Math.max(a, b));
    const total = row.reduce((sum, v) => sum + Math.exp(v - top), 0);
    row.forEach((v, j) => {
      row[j] = Math.exp(v - top) / total;
      for (let k = 0; k < size; k += 1) y[out + k] += row[j] * x[place(s, j, 2, h) + k];
    });
  });
  const back = (dy) => {
    const dx = zeros(x.length);
    each((s, h, i, row, out) => {
      const slopes = row.map((_, j) => dot(dy, out, x, place(s, j, 2, h)));
      const mean = row.reduce((sum, share, j) => sum + share * slopes[j], 0);
      row.forEach((share, j) => {
        const d = (share * (slopes[j] - mean)) / Math.sqrt(size);
        const [q, key, v] = [place(s, i, 0, h), place(s, j, 1, h), place(s, j, 2, h)];
        for (let k = 0; k < size; k += 1) {
          dx[v + k] += share * dy[out + k];
          dx[q + k] += d * x[key + k];
          dx[key + k] += d * x[q + k];
        }
      });
    });
    return dx;
  };
  return { y, back };
}

const root = Math.sqrt(2 / Math.PI);
const geluInner = (v) => Math.tanh(root * (v + 0.044715 * v ** 3));

const pointwise = {
  gelu: [
    (v) => 0.5 * v * (1 + geluInner(v)),
    (_y, v) => {
      const t = geluInner(v);
      return 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * root * (1 + 3 * 0.044715 * v * v);
    },
  ],
  relu: [(v) => Math.max(v, 0), (y) => Number(y > 0)],
  tanh: [Math.tanh, (y) => 1 - y * y],
  sigmoid: [(v) => 1 / (1 + Math.exp(-v)), (y) => y * (1 - y)],
  flatten: [(v) => v, () => 1],
};

export function layerForward([kind, ...sizes], weights, x, n, shape, grads) {
  if (forward[kind]) return forward[kind](sizes, weights, x, n, shape, grads);
  const [value, slope] = pointwise[kind];
  const y = x.map(value);
  const flat = kind === "flatten" ? [product(shape)] : shape;
  return { y, shape: flat, back: (dy) => dy.map((d, i) => d * slope(y[i], x[i])) };
}
