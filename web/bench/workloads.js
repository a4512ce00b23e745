/** What is trained: layers, loss, optimizer and batch, the same for every engine. */

const xor = {
  title: "XOR 2-8-1, tanh, sigmoid, MSE, Adam, batch 4",
  input: [2],
  layers: [["linear", 2, 8], ["tanh"], ["linear", 8, 1], ["sigmoid"]],
  loss: "mse",
  optimizer: { kind: "adam", lr: 0.05 },
  batch: 4,
  batches: 1,
  checked: 50,
};

export const workloads = {
  xor,
  xor_read: { ...xor, title: `${xor.title}, the loss read every step`, readEveryStep: true },
  mlp128: {
    title: "MLP 784-128-10, relu, SGD, batch 128",
    input: [784],
    layers: [["linear", 784, 128], ["relu"], ["linear", 128, 10]],
    loss: "crossEntropy",
    optimizer: { kind: "sgd", lr: 0.05 },
    batch: 128,
    batches: 4,
    checked: 5,
  },
  cnn64: {
    title: "CNN conv 5×5×24, pool, relu, conv 3×3×32, pool, relu, 800-128-10, SGD, batch 64",
    input: [1, 28, 28],
    layers: [
      ...[["conv", 1, 24, 5], ["pool"], ["relu"]],
      ...[["conv", 24, 32, 3], ["pool"], ["relu"]],
      ...[["flatten", 32, 5, 5], ["linear", 800, 128], ["relu"], ["linear", 128, 10]],
    ],
    loss: "crossEntropy",
    optimizer: { kind: "sgd", lr: 0.05 },
    batch: 64,
    batches: 4,
    checked: 2,
  },
  beautiful_mnist: {
    title: "beautiful_mnist: 4 convolutions, 2 batch norms, Adam, batch 8",
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
    batch: 8,
    batches: 2,
    checked: 1,
  },
};

export const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
export const batchNormEps = 1e-5;

function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

/** Shapes of a layer's weights, PyTorch's layout: `[out, in]`, `[out, in, k, k]`. */
function shapes([kind, ...sizes]) {
  if (kind === "linear") return [[sizes[1], sizes[0]], [sizes[1]]];
  if (kind === "conv") return [[sizes[1], sizes[0], sizes[2], sizes[2]], [sizes[1]]];
  if (kind === "batchNorm") return [[sizes[0]], [sizes[0]]];
  return [];
}

/** Initial weights of each layer: `{ shape, values }`, uniform in ±1/√fan-in; batch norm starts at 1 and 0. */
export function initialWeights({ layers }) {
  const next = random(1);
  return layers.map((layer) => {
    const all = shapes(layer);
    const bound = all.length ? 1 / Math.sqrt(product(all[0].slice(1))) : 0;
    return all.map((shape, index) => {
      const fill = layer[0] === "batchNorm" ? () => 1 - index : () => (next() * 2 - 1) * bound;
      return { shape, values: Float32Array.from({ length: product(shape) }, fill) };
    });
  });
}

/** Batches of `{ x, y }`: noisy copies of ten random pictures with their numbers, or the four cases of XOR. */
export function trainingData({ input, loss, batch, batches }) {
  if (loss === "mse") return [{ x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), y: Float32Array.of(0, 1, 1, 0) }];
  const next = random(2);
  const size = product(input);
  const pictures = Array.from({ length: 10 }, () =>
    Float32Array.from({ length: size }, () => (next() < 0.2 ? 1 : 0)),
  );
  return Array.from({ length: batches }, () => {
    const y = Int32Array.from({ length: batch }, () => Math.floor(next() * 10));
    const x = Float32Array.from({ length: batch * size }, (_, i) => {
      const picture = pictures[y[Math.floor(i / size)]];
      return picture[i % size] * 0.6 + next() * 0.4;
    });
    return { x, y };
  });
}
