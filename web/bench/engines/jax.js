import { defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { adam, batchNormEps } from "../workloads.js";

// Every function takes ownership of its arguments; `.ref` keeps one for another use.

/** JAX keeps the weights of a linear layer as [in, out]. */
function parameters([kind], weights) {
  return weights.map(({ shape: [outputs, inputs, ...kernel], values }) => {
    if (kind === "linear" && inputs) {
      const transposed = values.map((_, i) => values[(i % outputs) * inputs + Math.floor(i / outputs)]);
      return np.array(transposed).reshape([inputs, outputs]);
    }
    if (kind === "linear") return np.array(values);
    return np.array(values).reshape(inputs ? [outputs, inputs, ...kernel] : [outputs, 1, 1]);
  });
}

function apply([kind], [weight, bias], x) {
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
        .div(np.sqrt(variance.add(batchNormEps)))
        .mul(weight)
        .add(bias);
    }
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

export async function create(device, _captured, { layers, input, loss, optimizer, batch }, weights, batches) {
  const found = await init(device);
  if (!found.includes(device)) throw new Error(`jax-js has no ${device} here`);
  defaultDevice(device);
  const nested = layers.map((layer, i) => parameters(layer, weights[i]));
  let params = nested.flat();
  const places = nested.map((_, i) => nested.slice(0, i).flat().length);
  const data = batches.map(({ x, y }) => ({
    x: np.array(x).reshape([batch, ...input]),
    y: loss === "mse" ? np.array(y).reshape([batch, 1]) : np.array(y),
  }));
  const lossOf = (weightsOf, x, y) => {
    const out = layers.reduce((value, layer, i) => {
      const count = nested[i].length;
      return apply(layer, weightsOf.slice(places[i], places[i] + count), value);
    }, x);
    if (loss === "mse") return np.mean(np.square(out.sub(y)));
    return nn
      .logSoftmax(out)
      .mul(nn.oneHot(y, 10))
      .sum()
      .mul(-1 / batch);
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
    loss: async () => (await last.ref.data())[0],
    settle: () => params[1].ref.data(),
  };
}
