import { counters, device as deviceInfo, init, jit, nn, optim, Tensor, tensor } from "playgrad";

const parameter = ({ shape, values }) => tensor(values, { shape, requiresGrad: true });
const withWeights = (layer, weight, bias) => Object.assign(layer, { weight, bias });

class Embedding {
  constructor(table, positions) {
    Object.assign(this, { table, positions });
  }
  forward(x) {
    return this.table.index(x).add(this.positions);
  }
}

class Block {
  constructor(width, heads, weights) {
    const part = (i, layer) => withWeights(layer, weights[i], weights[i + 1]);
    this.heads = heads;
    this.norm1 = part(0, new nn.LayerNorm(width));
    this.attend = part(2, new nn.Linear(width, 3 * width));
    this.project = part(4, new nn.Linear(width, width));
    this.norm2 = part(6, new nn.LayerNorm(width));
    this.grow = part(8, new nn.Linear(width, 4 * width));
    this.shrink = part(10, new nn.Linear(4 * width, width));
  }
  attention(x) {
    const [batch, length, width] = x.shape;
    const size = width / this.heads;
    const split = this.attend.forward(x).reshape(batch, length, 3, this.heads, size).permute(2, 0, 3, 1, 4);
    const [q, k, v] = [0, 1, 2].map((i) => split.slice(i));
    const at = Tensor.arange(length);
    const seen = at.unsqueeze(1).ge(at);
    const scores = q.matmul(k.permute(0, 1, 3, 2)).mul(1 / Math.sqrt(size));
    const out = seen.where(scores, -1e9).softmax(-1).matmul(v);
    return this.project.forward(out.permute(0, 2, 1, 3).reshape(batch, length, width));
  }
  forward(x) {
    const y = x.add(this.attention(this.norm1.forward(x)));
    return y.add(this.shrink.forward(this.grow.forward(this.norm2.forward(y)).gelu()));
  }
}

function layer([kind, ...sizes], values) {
  const weights = values.map(parameter);
  switch (kind) {
    case "linear":
      return withWeights(new nn.Linear(...sizes), ...weights);
    case "conv":
      return withWeights(new nn.Conv2d(...sizes), ...weights);
    case "batchNorm":
      return withWeights(new nn.BatchNorm(...sizes), ...weights);
    case "layerNorm":
      return withWeights(new nn.LayerNorm(...sizes), ...weights);
    case "embedding":
      return new Embedding(...weights);
    case "block":
      return new Block(...sizes, weights);
    case "pool":
      return (x) => x.maxPool2d(2);
    case "flatten":
      return (x) => x.flatten(1);
    default:
      return (x) => x[kind]();
  }
}

const operations = {
  matmul: (x, weight) => x.matmul(weight),
  elementwise: (x) => x.mul(1.5).sub(0.25).relu().mul(0.5).add(x.mul(0.25)).add(0.125),
  softmax: (x) => x.softmax(),
  layernorm: (x, weight, bias) => x.layerNorm().mul(weight).add(bias),
};

const losses = {
  mse: (out, y) => out.mse(y),
  crossEntropy: (out, y) => out.crossEntropy(y),
  /** Of the targets that are not -1. */
  masked: (out, y) => out.logSoftmax(-1).nllLoss(y, null, -1),
};

function train(mode, { layers, input, loss, sorted, optimizer, batch }, weights, batches) {
  Tensor.training = true;
  const model = new nn.Sequential(...layers.map((one, i) => layer(one, weights[i])));
  const data = batches.map(({ x, y }) => ({
    x: tensor(x, { shape: [batch, ...input] }),
    y: tensor(y, loss === "mse" ? { shape: [batch, 1] } : {}),
  }));
  const parameters = nn.parameters(model);
  const Optimizer = { adam: optim.Adam, sgd: optim.SGD }[optimizer.kind];
  const lossOf = losses[sorted ? "masked" : loss];
  const opt = new Optimizer(parameters, { lr: optimizer.lr });
  const plain = (x, y) => {
    const out = model.forward(x);
    const value = lossOf(out.ndim > 2 ? out.reshape(-1, out.shape.at(-1)) : out, y);
    opt.zeroGrad();
    value.backward();
    opt.step();
    return value;
  };
  const step = mode === "plain" ? plain : jit(plain);
  let last;
  return {
    step(i) {
      const { x, y } = data[i % data.length];
      last = step(x, y);
    },
    /** All steps in one call; the last loss is the result. */
    run:
      mode === "run" &&
      ((count) => {
        last = step.run(count, data[0].x, data[0].y).slice([count - 1, count]);
      }),
    values: () => last.data(),
    settle: () => parameters[1].data(),
  };
}

function infer(mode, { layers, input, batch }, weights, batches) {
  const model = new nn.Sequential(...layers.map((one, i) => layer(one, weights[i])));
  const plain = (x) => model.forward(x);
  const step = mode === "plain" ? plain : jit(plain);
  let last;
  return {
    step(i) {
      const { x } = batches[i % batches.length];
      last = step(tensor(x, { shape: [batch, ...input] }));
    },
    values: () => last.data(),
  };
}

function operation(mode, { op, shape }, _weights, [{ x, weight, bias }]) {
  const [rows, n] = shape;
  const rest = op === "matmul" ? [tensor(weight, { shape: [n, n] })] : [weight, bias].map((v) => tensor(v));
  const plain = (value) => operations[op](value, ...rest).realize();
  const step = mode === "plain" ? plain : jit(plain);
  let last = tensor(x, { shape });
  return {
    step() {
      const next = step(last);
      last.dispose();
      last = next;
    },
    values: () => last.slice([rows - 1, rows]).data(),
  };
}

const kinds = { train, infer, op: operation };

export async function create(device, mode, one, weights, data) {
  await init({ device });
  const made = kinds[one.kind](mode, one, weights, data);
  const about = () => {
    const { description } = deviceInfo();
    return { device: description, threads: Number(/(\d+) threads/.exec(description)?.[1]) || undefined };
  };
  return { ...made, counters, about };
}
