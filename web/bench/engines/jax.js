import { defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { adam, normEps } from "../workloads.js";

// Every function takes ownership of its arguments; `.ref` keeps one for another use.

/** JAX keeps the weights of a linear layer as [in, out]. */
function matrix({ shape: [outputs, inputs], values }) {
  const transposed = values.map((_, i) => values[(i % outputs) * inputs + Math.floor(i / outputs)]);
  return np.array(transposed).reshape([inputs, outputs]);
}

function parameters([kind], weights) {
  return weights.map((weight) => {
    const { shape, values } = weight;
    if (shape.length === 2 && kind !== "embedding") return matrix(weight);
    const channels = (kind === "conv" || kind === "batchNorm") && shape.length === 1;
    return np.array(values).reshape(channels ? [shape[0], 1, 1] : shape);
  });
}

const layerNorm = (x, weight, bias) => nn.standardize(x, -1, { epsilon: normEps }).mul(weight).add(bias);

function block(heads, weights, x) {
  const [norm1, shift1, attend, attendBias, project, projectBias] = weights;
  const [norm2, shift2, grow, growBias, shrink, shrinkBias] = weights.slice(6);
  const [batch, length, width] = x.shape;
  const qkv = np.dot(layerNorm(x.ref, norm1, shift1), attend).add(attendBias);
  const [q, k, v] = np.split(qkv, 3, -1).map((part) => part.reshape([batch, length, heads, width / heads]));
  const seen = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([batch, length, width]);
  const y = x.add(np.dot(seen, project).add(projectBias));
  const hidden = nn.gelu(np.dot(layerNorm(y.ref, norm2, shift2), grow).add(growBias), { approximate: true });
  return y.add(np.dot(hidden, shrink).add(shrinkBias));
}

function apply([kind, ...sizes], weights, x) {
  const [weight, bias] = weights;
  switch (kind) {
    case "linear":
      return np.dot(x, weight).add(bias);
    case "conv":
      return lax.convGeneralDilated(x, weight, [1, 1], "VALID").add(bias);
    case "batchNorm": {
      const over = { keepdims: true };
      const centred = x.ref.sub(np.mean(x, [0, 2, 3], over));
      const variance = np.mean(np.square(centred.ref), [0, 2, 3], over);
      return centred
        .div(np.sqrt(variance.add(normEps)))
        .mul(weight)
        .add(bias);
    }
    case "layerNorm":
      return layerNorm(x, weight, bias);
    case "embedding":
      return np.dot(nn.oneHot(x, sizes[0]), weight).add(bias);
    case "block":
      return block(sizes[1], weights, x);
    case "pool":
      return lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
    case "flatten":
      return x.reshape([x.shape[0], -1]);
    case "tanh":
      return np.tanh(x);
    default:
      return nn[kind](x);
  }
}

const operations = {
  matmul: (x, weight) => np.matmul(x, weight),
  elementwise: (x) => nn.relu(x.ref.mul(1.5).sub(0.25)).mul(0.5).add(x.mul(0.25)).add(0.125),
  softmax: (x) => nn.softmax(x, -1),
  layernorm: (x, weight, bias) => layerNorm(x, weight, bias),
};

function sgd(lr) {
  return {
    init: () => [],
    update: (params, grads, state) => [params.map((p, i) => p.sub(grads[i].mul(lr))), state],
  };
}

/** State: both moments, and the products of the betas so far. */
function adamRule(lr) {
  const { beta1, beta2, eps } = adam;
  return {
    init: (params) => [
      params.map((p) => np.zeros(p.shape)),
      params.map((p) => np.zeros(p.shape)),
      [np.array(1), np.array(1)],
    ],
    update(params, grads, [m, v, [power1, power2]]) {
      const first = m.map((old, i) => old.mul(beta1).add(grads[i].ref.mul(1 - beta1)));
      const second = v.map((old, i) => old.mul(beta2).add(np.square(grads[i]).mul(1 - beta2)));
      const p1 = power1.mul(beta1);
      const p2 = power2.mul(beta2);
      const next = params.map((p, i) => {
        const mean = first[i].ref.div(np.subtract(1, p1.ref));
        const spread = np.sqrt(second[i].ref.div(np.subtract(1, p2.ref)));
        return p.sub(mean.div(spread.add(eps)).mul(lr));
      });
      return [next, [first, second, [p1, p2]]];
    },
  };
}

function prepare({ layers }, weights) {
  const nested = layers.map((layer, i) => parameters(layer, weights[i]));
  const places = nested.map((_, i) => nested.slice(0, i).flat().length);
  const forward = (all, x) =>
    layers.reduce(
      (value, layer, i) => apply(layer, all.slice(places[i], places[i] + nested[i].length), value),
      x,
    );
  return { params: nested.flat(), forward };
}

/** Rows of 0 where the target is -1. */
function oneHot(targets, classes) {
  const rows = Array.from(targets, (target) =>
    Array.from({ length: classes }, (_, i) => Number(i === target)),
  );
  return np.array(Float32Array.from(rows.flat())).reshape([targets.length, classes]);
}

function train(one, weights, batches) {
  const { input, tokens, loss, optimizer, batch } = one;
  const prepared = prepare(one, weights);
  let { params } = prepared;
  const classes = tokens ?? 10;
  const data = batches.map(({ x, y }) => ({
    x: np.array(x).reshape([batch, ...input]),
    y: loss === "mse" ? np.array(y).reshape([batch, 1]) : oneHot(y, classes),
  }));
  const counted = batches[0].y.filter((target) => target >= 0).length;
  const lossOf = (all, x, y) => {
    const out = prepared.forward(all, x);
    if (loss === "mse") return np.mean(np.square(out.sub(y)));
    return nn
      .logSoftmax(out.reshape([y.shape[0], classes]))
      .mul(y)
      .sum()
      .mul(-1 / counted);
  };
  const rule = optimizer.kind === "adam" ? adamRule(optimizer.lr) : sgd(optimizer.lr);
  let state = rule.init(params);
  const trainStep = jit((old, oldState, x, y) => {
    const [value, grads] = valueAndGrad(lossOf)(tree.ref(old), x, y);
    const [next, nextState] = rule.update(old, grads, oldState);
    return [next, nextState, value];
  });
  let last;
  return {
    step(i) {
      const { x, y } = data[i % data.length];
      last?.dispose();
      [params, state, last] = trainStep(params, state, x.ref, y.ref);
    },
    values: () => last.ref.data(),
    settle: () => params[1].ref.data(),
  };
}

function infer(one, weights, batches) {
  const { params, forward } = prepare(one, weights);
  const run = jit(forward);
  let last;
  return {
    step(i) {
      const { x } = batches[i % batches.length];
      last?.dispose();
      last = run(tree.ref(params), np.array(x).reshape([one.batch, ...one.input]));
    },
    values: () => last.ref.data(),
  };
}

function operation({ op, shape }, _weights, [{ x, weight, bias }]) {
  const [rows, n] = shape;
  const rest = op === "matmul" ? [np.array(weight).reshape([n, n])] : [weight, bias].map((v) => np.array(v));
  const run = jit((value, ...others) => operations[op](value, ...others));
  let last = np.array(x).reshape(shape);
  const used = op === "matmul" || op === "layernorm" ? rest : [];
  return {
    step() {
      last = run(last, ...used.map((v) => v.ref));
    },
    values: () => last.ref.slice([rows - 1]).data(),
  };
}

const kinds = { train, infer, op: operation };

export async function create(device, _mode, one, weights, data) {
  const found = await init(device);
  if (!found.includes(device)) throw new Error(`jax-js has no ${device} here`);
  defaultDevice(device);
  return kinds[one.kind](one, weights, data);
}
