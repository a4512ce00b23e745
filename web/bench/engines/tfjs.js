import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import plainUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simdUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threadedUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import { adam, batchNormEps } from "../workloads.js";

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
      if (kind !== "linear" || shape.length !== 2) return w;
      if (!flattened) return tf.transpose(w);
      const [channels, height, width] = flattened;
      const image = tf.transpose(tf.reshape(w, [shape[0], channels, height, width]), [2, 3, 1, 0]);
      return tf.reshape(image, [shape[1], shape[0]]);
    });
    return tf.variable(initial);
  });
}

function apply([kind], [weight, bias], x) {
  switch (kind) {
    case "linear":
      return tf.fused.matMul({ a: x, b: weight, bias });
    case "conv":
      return tf.fused.conv2d({ x, filter: weight, strides: 1, pad: "valid", bias });
    case "batchNorm": {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(x, mean, variance, bias, weight, batchNormEps);
    }
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

export async function create(device, _captured, { layers, input, loss, optimizer, batch }, weights, batches) {
  if (!(await tf.setBackend(device))) throw new Error(`tfjs has no ${device} here`);
  await tf.ready();
  const params = layers.map((layer, i) =>
    variables(layer, weights[i], layers[i - 1]?.[0] === "flatten" && layers[i - 1].slice(1)),
  );
  const shape = input.length === 3 ? [batch, input[1], input[2], input[0]] : [batch, ...input];
  const data = batches.map(({ x, y }) => ({
    x: tf.tensor(x, shape),
    y: loss === "mse" ? tf.tensor(y, [batch, 1]) : tf.oneHot(tf.tensor1d(y, "int32"), 10),
  }));
  const lossOf = loss === "mse" ? tf.losses.meanSquaredError : tf.losses.softmaxCrossEntropy;
  const opt =
    optimizer.kind === "adam"
      ? tf.train.adam(optimizer.lr, adam.beta1, adam.beta2, adam.eps)
      : tf.train.sgd(optimizer.lr);
  const forward = (x) => layers.reduce((value, layer, i) => apply(layer, params[i], value), x);
  let last;
  return {
    step(i) {
      const { x, y } = data[i % data.length];
      last?.dispose();
      last = opt.minimize(() => lossOf(y, forward(x)), true);
    },
    loss: async () => (await last.data())[0],
    settle: () => params[0][1].data(),
  };
}
