import { beforeAll, describe, expect, test } from "vitest";
import {
  data,
  init,
  jit,
  loadSafetensors,
  manualSeed,
  nn,
  optim,
  saveSafetensors,
  tensor,
} from "../dist/index.js";

beforeAll(() => init({ device: "cpu" }));

const weight = (...values: number[]) => tensor(values, { requiresGrad: true });

/** One step with a gradient of 1 for each weight. */
function step(optimizer: optim.Optimizer): void {
  optimizer.zeroGrad();
  for (const param of optimizer.params) param.sum().backward();
  optimizer.step();
}

const mlp = () => new nn.Sequential(new nn.Linear(2, 8), (x) => x.tanh(), new nn.Linear(8, 1));

describe("optimizers", () => {
  const kinds = {
    SGD: (model: object) => new optim.SGD([model], { lr: 0.1, momentum: 0.9, classic: true }),
    Adam: (model: object) => new optim.Adam([model], { lr: 0.05, betas: [0.8, 0.99] }),
    AdamW: (model: object) => new optim.AdamW([model], { lr: 0.05, weightDecay: 0.001 }),
    LAMB: (model: object) => new optim.LAMB([model], { lr: 0.01 }),
    LARS: (model: object) => new optim.LARS([model], { lr: 0.3, tcoef: 0.01 }),
    Muon: (model: object) => new optim.Muon([model], { lr: 0.01, nsSteps: 5 }),
  };
  test.each(Object.entries(kinds))(
    "%s makes XOR's loss fall, and goes on from its saved state",
    async (_, make) => {
      manualSeed(1);
      const { x, y } = data.xor();
      const run = (model: nn.Sequential, optimizer: optim.Optimizer, steps: number) => {
        let loss = tensor(1);
        for (let i = 0; i < steps; i += 1) {
          loss = model.forward(x).mse(y);
          optimizer.zeroGrad();
          loss.backward();
          optimizer.step();
        }
        return loss.item();
      };
      const model = mlp();
      const optimizer = make(model);
      const first = await run(model, optimizer, 1);
      await run(model, optimizer, 10);
      const copy = mlp();
      nn.loadStateDict(copy, nn.stateDict(model));
      const again = make(copy);
      again.lr = 7;
      again.loadStateDict(loadSafetensors(await saveSafetensors(optimizer.stateDict())));
      const last = await run(model, optimizer, 40);
      expect(await run(copy, again, 40)).toBeCloseTo(last, 5);
      expect(last).toBeLessThan(first);
    },
  );

  test("groups have rates of their own", async () => {
    const [a, b] = [weight(0), weight(0)];
    const optimizer = new optim.SGD([{ params: [a], lr: 0.5 }, { params: [b] }], { lr: 0.25 });
    step(optimizer);
    optimizer.groups[1]!.lr = 1;
    step(optimizer);
    expect([await a.item(), await b.item()]).toEqual([-1, -1.25]);
  });

  test("several optimizers step as one", async () => {
    const [a, b] = [weight(0), weight(4)];
    const both = new optim.OptimizerGroup(new optim.SGD([a], { lr: 1 }), new optim.AdamW([b], { lr: 0.5 }));
    step(both);
    expect(both.params).toHaveLength(2);
    expect([await a.item(), await b.item()]).toEqual([-1, expect.closeTo(4 - 4 * 0.5 * 0.01 - 0.5, 5)]);
    expect(() => new optim.OptimizerGroup(both, both)).toThrow(/two groups/);
  });

  test("unknown settings are named", () => {
    expect(() => new optim.AdamW([weight(1)], { weigthDecay: 1 } as object)).toThrow(
      /weigthDecay.*weight_decay/,
    );
  });

  test("gradients are clipped by norm and by value", async () => {
    const w = weight(3, 4);
    w.square().sum().backward();
    const norm = optim.clipGradNorm([w], 5);
    expect([await norm.item(), ...(await w.grad!.data())]).toEqual(
      [10, 3, 4].map((v) => expect.closeTo(v, 5)),
    );
    optim.clipGradValue([w], 3.5);
    expect(await w.grad!.tolist()).toEqual([3, 3.5].map((v) => expect.closeTo(v, 5)));
  });
});

describe("schedules", () => {
  test("set the rate, inside captured steps too, and go on from their state", async () => {
    const w = weight(0);
    const optimizer = new optim.SGD([w], { lr: 1 });
    const schedule = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
    const captured = jit(() => {
      optimizer.zeroGrad();
      const loss = w.sum();
      loss.backward();
      optimizer.step();
      schedule.step();
      return loss;
    });
    for (let i = 0; i < 4; i += 1) captured();
    expect(optimizer.lr).toBe(1 / 16);
    expect(await w.item()).toBe(-1.875);
    const other = new optim.SGD([weight(0)], { lr: 3 });
    const next = new optim.ExponentialLR(other, { gamma: 0.5 });
    next.state = schedule.state;
    expect(other.lr).toBe(1 / 16);
  });

  test("each has its settings", () => {
    const rate = (make: (optimizer: optim.Optimizer) => { step(metric?: number): void }, steps: number) => {
      const optimizer = new optim.SGD([weight(0)], { lr: 1 });
      const schedule = make(optimizer);
      for (let i = 0; i < steps; i += 1) schedule.step(1);
      return optimizer.lr;
    };
    expect(rate((o) => new optim.StepLR(o, { stepSize: 2 }), 4)).toBeCloseTo(0.01);
    expect(rate((o) => new optim.MultiStepLR(o, { milestones: [1, 3], gamma: 0.5 }), 4)).toBe(0.25);
    expect(rate((o) => new optim.ConstantLR(o, { factor: 0.5 }), 4)).toBe(0.5);
    expect(rate((o) => new optim.LinearLR(o, { startFactor: 0.5, totalIters: 2 }), 1)).toBe(0.75);
    expect(rate((o) => new optim.PolynomialLR(o, { totalIters: 4, power: 2 }), 2)).toBe(0.25);
    expect(rate((o) => new optim.CosineAnnealingLR(o, { tMax: 4, warmup: 3 }), 1)).toBe(0.5);
    expect(rate((o) => new optim.CosineAnnealingWarmRestarts(o, { t0: 2 }), 4)).toBe(1);
    expect(rate((o) => new optim.OneCycleLR(o, { maxLr: 5, totalSteps: 10 }), 2)).toBe(5);
    expect(rate((o) => new optim.ReduceLROnPlateau(o, { patience: 1, factor: 0.5 }), 3)).toBe(0.5);
    expect(() => rate((o) => new optim.StepLR(o, {} as { stepSize: number }), 1)).toThrow(/step_size/);
  });
});
