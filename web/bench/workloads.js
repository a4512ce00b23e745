/** What is measured: the same layers, weights and data for every engine. */

const cnn = [
  ...[["conv", 1, 24, 5], ["pool"], ["relu"]],
  ...[["conv", 24, 32, 3], ["pool"], ["relu"]],
  ...[["flatten", 32, 5, 5], ["linear", 800, 128], ["relu"], ["linear", 128, 10]],
];

const xor = {
  kind: "train",
  title: "XOR: 2-8-1, tanh, sigmoid, Adam, batch 4",
  input: [2],
  layers: [["linear", 2, 8], ["tanh"], ["linear", 8, 1], ["sigmoid"]],
  loss: "mse",
  optimizer: { kind: "adam", lr: 0.05 },
  batch: 4,
  batches: 1,
  checked: 50,
};

const rows = { kind: "op", shape: [4096, 1024], checked: 4, small: { shape: [64, 1024] } };
const matmul = (n) => ({
  kind: "op",
  op: "matmul",
  title: `Matrix product ${n} × ${n}, float32`,
  shape: [n, n],
  checked: 4,
  small: { shape: [n / 8, n / 8] },
});

const all = {
  xor,
  xor_read: { ...xor, title: `${xor.title}; the loss read every step`, readEveryStep: true },
  mlp: {
    kind: "train",
    title: "MLP: 784-256-128-10, relu, Adam, batch 1,000",
    input: [784],
    layers: [["linear", 784, 256], ["relu"], ["linear", 256, 128], ["relu"], ["linear", 128, 10]],
    loss: "crossEntropy",
    optimizer: { kind: "adam", lr: 0.001 },
    batch: 1000,
    batches: 2,
    checked: 2,
    small: { batch: 50, checked: 4 },
  },
  mlp128: {
    kind: "train",
    title: "MLP: 784-128-10, relu, SGD, batch 128",
    input: [784],
    layers: [["linear", 784, 128], ["relu"], ["linear", 128, 10]],
    loss: "crossEntropy",
    optimizer: { kind: "sgd", lr: 0.05 },
    batch: 128,
    batches: 4,
    checked: 5,
  },
  cnn: {
    kind: "train",
    title: "CNN: conv 5×5×24, pool, conv 3×3×32, pool, 800-128-10, Adam, batch 250",
    input: [1, 28, 28],
    layers: cnn,
    loss: "crossEntropy",
    optimizer: { kind: "adam", lr: 0.001 },
    batch: 250,
    batches: 2,
    checked: 2,
    small: { batch: 16, checked: 4 },
  },
  beautiful_mnist: {
    kind: "train",
    title: "beautiful_mnist: 4 convolutions, 2 batch norms, Adam, batch 512",
    input: [1, 28, 28],
    layers: [
      ...[["conv", 1, 32, 5], ["relu"], ["conv", 32, 32, 5], ["relu"], ["batchNorm", 32], ["pool"]],
      ...[["conv", 32, 64, 3], ["relu"], ["conv", 64, 64, 3], ["relu"], ["batchNorm", 64], ["pool"]],
      ...[
        ["flatten", 64, 3, 3],
        ["linear", 576, 10],
      ],
    ],
    loss: "crossEntropy",
    optimizer: { kind: "adam", lr: 0.001 },
    batch: 512,
    batches: 1,
    checked: 1,
    small: { batch: 8, checked: 4 },
    checkSmall: true,
  },
  gpt_nano: {
    kind: "train",
    title: "gpt-nano: 3 layers, 3 heads, 48 wide, 64 tokens, Adam, batch 32",
    input: [64],
    tokens: 64,
    layers: [
      ["embedding", 64, 48, 64],
      ...[1, 2, 3].map(() => ["block", 48, 3]),
      ["layerNorm", 48],
      ["linear", 48, 64],
    ],
    loss: "crossEntropy",
    optimizer: { kind: "adam", lr: 0.0005 },
    batch: 32,
    batches: 2,
    checked: 2,
    small: { batch: 2, checked: 4 },
  },
  gpt_sort: {
    kind: "train",
    title: "minGPT's sort: gpt-nano, 11 tokens of 3, the last 6 learned, no dropout, Adam, batch 64",
    input: [11],
    tokens: 3,
    sorted: 6,
    layers: [
      ["embedding", 3, 48, 11],
      ...[1, 2, 3].map(() => ["block", 48, 3]),
      ["layerNorm", 48],
      ["linear", 48, 3],
    ],
    loss: "crossEntropy",
    optimizer: { kind: "adam", lr: 0.0005 },
    batch: 64,
    batches: 2,
    checked: 4,
    small: { batch: 4 },
  },
  ...Object.fromEntries([256, 512, 1024, 2048].map((n) => [`matmul${n}`, matmul(n)])),
  elementwise: { ...rows, op: "elementwise", title: "Five elementwise operations on 4M floats" },
  softmax: { ...rows, op: "softmax", title: "softmax of [4096, 1024]" },
  layernorm: { ...rows, op: "layernorm", title: "layernorm of [4096, 1024]" },
  cnn_infer: {
    kind: "infer",
    title: "CNN inference, one picture in, ten numbers out",
    input: [1, 28, 28],
    layers: cnn,
    batch: 1,
    batches: 4,
    checked: 4,
    readEveryStep: true,
  },
};

export const workloadNames = Object.keys(all);

/** A workload by name; `small` for a quick check, `batch` for another batch size. */
export function workload(name, { small = false, batch } = {}) {
  const one = { name, ...all[name] };
  return { ...one, ...(small ? one.small : {}), ...(batch && one.kind === "train" ? { batch } : {}) };
}

export const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
export const normEps = 1e-5;

/** Random numbers in [0, 1), the same everywhere. */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

const linear = (inputs, outputs) => [[outputs, inputs], [outputs]];
const norm = (size) => [
  { shape: [size], fill: 1 },
  { shape: [size], fill: 0 },
];

/** A layer's weights, PyTorch's layout: `[out, in]`, `[out, in, k, k]`; a number fills, else they are random. */
function shapes([kind, ...sizes]) {
  switch (kind) {
    case "linear":
      return linear(...sizes);
    case "conv":
      return [[sizes[1], sizes[0], sizes[2], sizes[2]], [sizes[1]]];
    case "batchNorm":
    case "layerNorm":
      return norm(sizes[0]);
    case "embedding":
      return [
        [sizes[0], sizes[1]],
        [sizes[2], sizes[1]],
      ];
    case "block": {
      const [d] = sizes;
      return [
        ...[...norm(d), ...linear(d, 3 * d), ...linear(d, d)],
        ...[...norm(d), ...linear(d, 4 * d), ...linear(4 * d, d)],
      ];
    }
    default:
      return [];
  }
}

/** Initial weights of each layer: `{ shape, values }`; random ones uniform in ±1/√fan-in. */
export function initialWeights({ layers = [] }) {
  const next = random(1);
  return layers.map((layer) => {
    let bound = 0;
    return shapes(layer).map((one) => {
      const { shape, fill } = Array.isArray(one) ? { shape: one } : one;
      if (shape.length > 1) bound = 1 / Math.sqrt(product(shape.slice(1)));
      const value = fill === undefined ? () => (next() * 2 - 1) * bound : () => fill;
      return { shape, values: Float32Array.from({ length: product(shape) }, value) };
    });
  });
}

/** Batches of `{ x, y }`, or `{ x, weight, bias }` of an operation. */
export function makeData(one) {
  if (one.kind === "op") return [operands(one)];
  if (one.loss === "mse")
    return [{ x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), y: Float32Array.of(0, 1, 1, 0) }];
  if (one.sorted) return lists(one);
  return one.tokens ? tokens(one) : pictures(one);
}

function operands({ op, shape }) {
  const next = random(3);
  const [, n] = shape;
  const uniform = (length, bound) => Float32Array.from({ length }, () => (next() * 2 - 1) * bound);
  const x = uniform(product(shape), 2);
  // Products of such a matrix neither grow nor shrink, however many there are.
  if (op === "matmul") return { x, weight: uniform(n * n, Math.sqrt(3 / n)) };
  return { x, weight: uniform(n, 1), bias: uniform(n, 1) };
}

/** Noisy copies of ten random pictures with their numbers. */
function pictures({ input, batch, batches }) {
  const next = random(2);
  const size = product(input);
  const originals = Array.from({ length: 10 }, () =>
    Float32Array.from({ length: size }, () => (next() < 0.2 ? 1 : 0)),
  );
  return Array.from({ length: batches }, () => {
    const y = Int32Array.from({ length: batch }, () => Math.floor(next() * 10));
    const x = Float32Array.from({ length: batch * size }, (_, i) => {
      const picture = originals[y[Math.floor(i / size)]];
      return picture[i % size] * 0.6 + next() * 0.4;
    });
    return { x, y };
  });
}

/** Sequences in which most tokens follow from the one before. */
function tokens({ input: [length], tokens: count, batch, batches }) {
  const next = random(2);
  const any = () => Math.floor(next() * count);
  return Array.from({ length: batches }, () => {
    const x = new Int32Array(batch * length);
    const y = new Int32Array(batch * length);
    for (let s = 0; s < batch; s += 1) {
      let token = any();
      for (let i = s * length; i < (s + 1) * length; i += 1) {
        x[i] = token;
        token = next() < 0.1 ? any() : (token * 5 + 1) % count;
        y[i] = token;
      }
    }
    return { x, y };
  });
}

/** Lists of `sorted` tokens, each followed by itself in order: the target is the next token, -1 within the list. */
function lists({ sorted: size, tokens: count, batch, batches }) {
  const next = random(2);
  return Array.from({ length: batches }, () => {
    const all = Array.from({ length: batch }, () => {
      const list = Array.from({ length: size }, () => Math.floor(next() * count));
      return [...list, ...list.toSorted()];
    });
    return {
      x: Int32Array.from(all.flatMap((both) => both.slice(0, -1))),
      y: Int32Array.from(all.flatMap((both) => both.slice(1).map((v, i) => (i < size - 1 ? -1 : v)))),
    };
  });
}

/** Arithmetic of one step: products and sums of the forward pass, and twice that for the gradients. */
export function flopsOf(one) {
  if (one.kind === "op") return one.op === "matmul" ? 2 * one.shape[0] * one.shape[1] ** 2 : undefined;
  let [height, width] = one.input.slice(1);
  let multiplications = 0;
  const tokens = one.tokens ? one.input[0] : 1;
  for (const [kind, a, b, c] of one.layers) {
    if (kind === "linear") multiplications += a * b * tokens;
    if (kind === "block") multiplications += tokens * (12 * a * a + 2 * tokens * a);
    if (kind === "pool") [height, width] = [height >> 1, width >> 1];
    if (kind === "conv") {
      [height, width] = [height - c + 1, width - c + 1];
      multiplications += a * b * c * c * height * width;
    }
  }
  return multiplications * 2 * (one.kind === "train" ? 3 : 1) * one.batch;
}

/** Bytes a step must at least read and write, where that is what limits it. */
export function bytesOf(one) {
  return one.kind === "op" && one.op !== "matmul" ? 8 * product(one.shape) : undefined;
}
