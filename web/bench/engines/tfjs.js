import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import plainUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simdUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threadedUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import { adam, normEps } from "../workloads.js";

setThreadsCount(navigator.hardwareConcurrency);
setWasmPaths({
  "tfjs-backend-wasm.wasm": plainUrl,
  "tfjs-backend-wasm-simd.wasm": simdUrl,
  "tfjs-backend-wasm-threaded-simd.wasm": threadedUrl,
});

/** TensorFlow keeps weights as [in, out] and [k, k, in, out], and images with the channels last. */
function variables([kind], weights, flattened) {
  return weights.map(({ shape, values }) => {
    const initial = tf.tidy(() => {
      const w = tf.tensor(values, shape);
      if (kind === "conv" && shape.length === 4) return tf.transpose(w, [2, 3, 1, 0]);
      if (kind === "embedding" || shape.length !== 2) return w;
      if (!flattened) return tf.transpose(w);
      const [channels, height, width] = flattened;
      const image = tf.transpose(tf.reshape(w, [shape[0], channels, height, width]), [2, 3, 1, 0]);
      return tf.reshape(image, [shape[1], shape[0]]);
    });
    return tf.variable(initial);
  });
}

const linear = (x, weight, bias) =>
  x.rank > 2
    ? tf.reshape(tf.fused.matMul({ a: tf.reshape(x, [-1, x.shape.at(-1)]), b: weight, bias }), [
        ...x.shape.slice(0, -1),
        weight.shape[1],
      ])
    : tf.fused.matMul({ a: x, b: weight, bias });

function layerNorm(x, weight, bias) {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, normEps))), weight), bias);
}

/** The tanh form, which TensorFlow.js does not have by itself. */
function gelu(x) {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** By one-hot rows: the wasm backend lacks the gradient of `gather`, and its `oneHot` makes integers only. */
function embedding(x, table, positions) {
  const rows = tf.cast(tf.oneHot(tf.reshape(x, [-1]), table.shape[0]), "float32");
  return tf.add(tf.reshape(tf.matMul(rows, table), [...x.shape, table.shape[1]]), positions);
}

function attention(x, heads, mask) {
  const [batch, length, width] = x.shape;
  const size = width / 3 / heads;
  const split = tf.transpose(tf.reshape(x, [batch, length, 3, heads, size]), [2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(split);
  const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size)), mask);
  const out = tf.matMul(tf.softmax(scores), v);
  return tf.reshape(tf.transpose(out, [0, 2, 1, 3]), [batch, length, width / 3]);
}

const masks = new Map();

/** 0 where a token may look, a large negative number where it may not. */
function causalMask(length) {
  const values = (i) => (i % length > Math.floor(i / length) ? -1e9 : 0);
  if (!masks.has(length)) {
    const mask = tf.tensor(
      Float32Array.from({ length: length * length }, (_, i) => values(i)),
      [length, length],
    );
    masks.set(length, tf.keep(mask));
  }
  return masks.get(length);
}

function block(heads, w, x) {
  const seen = attention(linear(layerNorm(x, w[0], w[1]), w[2], w[3]), heads, causalMask(x.shape[1]));
  const y = tf.add(x, linear(seen, w[4], w[5]));
  return tf.add(y, linear(gelu(linear(layerNorm(y, w[6], w[7]), w[8], w[9])), w[10], w[11]));
}

function apply([kind, ...sizes], weights, x) {
  const [weight, bias] = weights;
  switch (kind) {
    case "linear":
      return linear(x, weight, bias);
    case "conv":
      return tf.fused.conv2d({ x, filter: weight, strides: 1, pad: "valid", bias });
    case "batchNorm": {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(x, mean, variance, bias, weight, normEps);
    }
    case "layerNorm":
      return layerNorm(x, weight, bias);
    case "embedding":
      return embedding(x, weight, bias);
    case "block":
      return block(sizes[1], weights, x);
    case "pool":
      return tf.maxPool(x, 2, 2, "valid");
    case "flatten":
      return tf.reshape(x, [x.shape[0], -1]);
    case "relu":
      return tf.relu(x);
    case "tanh":
      return tf.tanh(x);
    case "sigmoid":
      return tf.sigmoid(x);
  }
}

const operations = {
  matmul: (x, weight) => tf.matMul(x, weight),
  elementwise: (x) =>
    tf.add(tf.add(tf.mul(tf.relu(tf.sub(tf.mul(x, 1.5), 0.25)), 0.5), tf.mul(x, 0.25)), 0.125),
  softmax: (x) => tf.softmax(x),
  layernorm: layerNorm,
};

function prepare({ layers, input, batch }, weights) {
  const params = layers.map((layer, i) =>
    variables(layer, weights[i], layers[i - 1]?.[0] === "flatten" && layers[i - 1].slice(1)),
  );
  const shape = input.length === 3 ? [batch, input[1], input[2], input[0]] : [batch, ...input];
  const forward = (x) => layers.reduce((value, layer, i) => apply(layer, params[i], value), x);
  return { params, shape, forward };
}

function train(one, weights, batches) {
  const { loss, tokens, optimizer, batch } = one;
  const { params, shape, forward } = prepare(one, weights);
  const classes = tokens ?? 10;
  const data = batches.map(({ x, y }) => ({
    x: tf.tensor(x, shape, tokens ? "int32" : "float32"),
    y: loss === "mse" ? tf.tensor(y, [batch, 1]) : tf.oneHot(tf.tensor1d(y, "int32"), classes),
  }));
  const counts = Float32Array.from(batches[0].y, (target) => Number(target >= 0));
  const shares = tf.div(
    tf.tensor1d(counts),
    counts.reduce((a, b) => a + b),
  );
  const masked = (y, out) => tf.losses.softmaxCrossEntropy(y, out, shares, 0, tf.Reduction.SUM);
  const crossEntropy = one.sorted ? masked : tf.losses.softmaxCrossEntropy;
  const lossOf = loss === "mse" ? tf.losses.meanSquaredError : crossEntropy;
  const opt =
    optimizer.kind === "adam"
      ? tf.train.adam(optimizer.lr, adam.beta1, adam.beta2, adam.eps)
      : tf.train.sgd(optimizer.lr);
  const logits = (x) => (tokens ? tf.reshape(forward(x), [-1, classes]) : forward(x));
  let last;
  return {
    step(i) {
      const { x, y } = data[i % data.length];
      last?.dispose();
      last = opt.minimize(() => lossOf(y, logits(x)), true);
    },
    values: () => last.data(),
    settle: () => params[0][1].data(),
  };
}

function infer(one, weights, batches) {
  const { shape, forward } = prepare(one, weights);
  let last;
  return {
    step(i) {
      const { x } = batches[i % batches.length];
      last?.dispose();
      last = tf.tidy(() => forward(tf.tensor(x, shape)));
    },
    values: () => last.data(),
  };
}

function operation({ op, shape }, _weights, [{ x, weight, bias }]) {
  const [rows, n] = shape;
  const rest = op === "matmul" ? [tf.tensor(weight, [n, n])] : [weight, bias].map((v) => v && tf.tensor(v));
  let last = tf.tensor(x, shape);
  return {
    step() {
      const next = tf.tidy(() => operations[op](last, ...rest));
      last.dispose();
      last = next;
    },
    async values() {
      const row = tf.slice(last, [rows - 1, 0], [1, n]);
      const values = await row.data();
      row.dispose();
      return values;
    },
  };
}

const kinds = { train, infer, op: operation };

export async function create(device, _mode, one, weights, data) {
  if (!(await tf.setBackend(device))) throw new Error(`tfjs has no ${device} here`);
  await tf.ready();
  const made = kinds[one.kind](one, weights, data);
  return { ...made, about: () => (device === "wasm" ? { threads: getThreadsCount() } : {}) };
}
