import asyncUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import plainUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { normEps } from "../workloads.js";
import { onnxModel } from "./onnx.js";

const runtimes = {
  wasm: { load: () => import("onnxruntime-web/wasm"), wasm: plainUrl },
  webgpu: { load: () => import("onnxruntime-web/webgpu"), wasm: asyncUrl },
};

function layerNode([kind, ...sizes], weights) {
  switch (kind) {
    case "linear":
      return { op: "Gemm", weights, attributes: { transB: 1 } };
    case "conv":
      return { op: "Conv", weights, attributes: { kernel_shape: [sizes[2], sizes[2]] } };
    case "pool":
      return { op: "MaxPool", attributes: { kernel_shape: [2, 2], strides: [2, 2] } };
    case "flatten":
      return { op: "Flatten", attributes: { axis: 1 } };
    case "relu":
      return { op: "Relu" };
    default:
      throw new Error(`no ONNX node for ${kind}`);
  }
}

/** A model of nodes one after another. */
function chain(list, input, output) {
  const constants = {};
  const nodes = list.map(({ op, weights = [], attributes, inputs }, i) => {
    const names = weights.map((weight, j) => {
      constants[`w${i}_${j}`] = weight;
      return `w${i}_${j}`;
    });
    const from = inputs ?? [i === 0 ? "x" : `t${i - 1}`];
    return { op, inputs: [...from, ...names], outputs: [i === list.length - 1 ? "y" : `t${i}`], attributes };
  });
  return onnxModel({ nodes, constants, input, output });
}

const scalar = (value) => [{ shape: [], values: Float32Array.of(value) }];

const operations = {
  matmul: ({ weight }, [, n]) => [{ op: "MatMul", weights: [{ shape: [n, n], values: weight }] }],
  elementwise: () => [
    { op: "Mul", weights: scalar(1.5) },
    { op: "Sub", weights: scalar(0.25) },
    { op: "Relu" },
    { op: "Mul", weights: scalar(0.5) },
    { op: "Mul", inputs: ["x"], weights: scalar(0.25) },
    { op: "Add", inputs: ["t3", "t4"] },
    { op: "Add", weights: scalar(0.125) },
  ],
  softmax: () => [{ op: "Softmax", attributes: { axis: -1 } }],
  layernorm: ({ weight, bias }, [, n]) => [
    {
      op: "LayerNormalization",
      weights: [weight, bias].map((values) => ({ shape: [n], values })),
      attributes: { axis: -1, epsilon: normEps },
    },
  ],
};

function lastRow([rows, n]) {
  const whole = (value) => ({ shape: [1], values: BigInt64Array.of(BigInt(value)) });
  const weights = [whole(rows - 1), whole(rows), whole(0)];
  return chain([{ op: "Slice", weights }], [rows, n], [1, n]);
}

async function operation({ ort, open }, { op, shape }, _weights, [data]) {
  const session = await open(chain(operations[op](data, shape), shape, shape), "gpu-buffer");
  const row = await open(lastRow(shape), "cpu");
  let last = new ort.Tensor("float32", data.x, shape);
  return {
    async step() {
      const { y } = await session.run({ x: last });
      last.dispose();
      last = y;
    },
    values: async () => (await row.run({ x: last })).y.data,
  };
}

async function infer({ ort, open }, { layers, input, batch }, weights, batches) {
  const nodes = layers.map((layer, i) => layerNode(layer, weights[i]));
  const shape = [batch, ...input];
  const session = await open(chain(nodes, shape, [batch, 10]), "cpu");
  let last;
  return {
    async step(i) {
      last = (await session.run({ x: new ort.Tensor("float32", batches[i % batches.length].x, shape) })).y;
    },
    values: async () => last.data,
  };
}

export async function create(device, _mode, one, weights, data) {
  if (one.kind === "train") throw new Error("ONNX Runtime Web does not train");
  const runtime = runtimes[device];
  const ort = await runtime.load();
  ort.env.wasm.wasmPaths = { wasm: runtime.wasm };
  ort.env.wasm.numThreads = navigator.hardwareConcurrency;
  ort.env.logLevel = "error";
  const open = (model, place) =>
    ort.InferenceSession.create(model, {
      executionProviders: [device],
      preferredOutputLocation: device === "webgpu" ? place : "cpu",
    });
  const made = await (one.kind === "op" ? operation : infer)({ ort, open }, one, weights, data);
  return { ...made, about: () => (device === "wasm" ? { threads: ort.env.wasm.numThreads } : {}) };
}
