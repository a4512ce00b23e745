import { counters, init, jit, nn, optim, Tensor, tensor } from "playgrad";

const layer = ([kind, ...sizes], weights) => {
  const [weight, bias] = weights.map(({ shape, values }) => tensor(values, { shape, requiresGrad: true }));
  switch (kind) {
    case "linear":
      return Object.assign(new nn.Linear(...sizes), { weight, bias });
    case "conv":
      return Object.assign(new nn.Conv2d(...sizes), { weight, bias });
    case "batchNorm":
      return Object.assign(new nn.BatchNorm(...sizes), { weight, bias });
    case "pool":
      return (x) => x.maxPool2d(2);
    case "flatten":
      return (x) => x.flatten(1);
    default:
      return (x) => x[kind]();
  }
};

export async function create(device, captured, { layers, input, loss, optimizer, batch }, weights, batches) {
  await init({ device });
  Tensor.training = true;
  const model = new nn.Sequential(...layers.map((one, i) => layer(one, weights[i])));
  const data = batches.map(({ x, y }) => ({
    x: tensor(x, { shape: [batch, ...input] }),
    y: tensor(y, loss === "mse" ? { shape: [batch, 1] } : {}),
  }));
  const Optimizer = { adam: optim.Adam, sgd: optim.SGD }[optimizer.kind];
  const opt = new Optimizer(nn.parameters(model), { lr: optimizer.lr });
  const plain = (x, y) => {
    const value = model.forward(x)[loss](y);
    opt.zeroGrad();
    value.backward();
    opt.step();
    return value;
  };
  const step = captured ? jit(plain) : plain;
  let last;
  return {
    step(i) {
      const { x, y } = data[i % data.length];
      last = step(x, y);
    },
    loss: () => last.item(),
    settle: () => model.layers[0].bias.data(),
    counters,
  };
}
