import { beforeAll, expect, test } from "vitest";
import { data, init, jit, memory, nn, optim, Tensor } from "../dist/index.js";

beforeAll(() => init({ device: "cpu" }));

function trainer() {
  const { x, y } = data.moons({ n: 256, noise: 0.1, seed: 1 });
  const labels = y.unsqueeze(1).float();
  const model = new nn.Sequential(
    new nn.Linear(2, 16),
    (t) => t.tanh(),
    new nn.Linear(16, 1),
    (t) => t.sigmoid(),
  );
  const optimizer = new optim.Adam(nn.parameters(model), { lr: 0.01 });
  const step = (inputs: Tensor, targets: Tensor) => {
    const loss = model.forward(inputs).mse(targets);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  };
  const batch = (): [Tensor, Tensor] => {
    const rows = Tensor.randint([64], 0, 256);
    return [x.index(rows), labels.index(rows)];
  };
  return { step, batch, model, x, labels };
}

interface Most {
  bytes: number;
  nodes: number;
}

/** The most the engine held while `loop` ran, which is told when to look. */
async function watch(loop: (look: () => void) => Promise<number>): Promise<Most> {
  const most = { bytes: 0, nodes: 0 };
  const loss = await loop(() => {
    const { bytes, nodes } = memory();
    most.bytes = Math.max(most.bytes, bytes);
    most.nodes = Math.max(most.nodes, nodes);
  });
  expect(loss).toBeLessThan(0.2);
  return most;
}

/** Less than half of what the loops would hold if nothing were given back. */
function expectBounded(most: Most, limit: Most = { bytes: 2 << 20, nodes: 150_000 }) {
  expect(most.bytes).toBeLessThan(limit.bytes);
  expect(most.nodes).toBeLessThan(limit.nodes);
}

test.each([1, 100])(
  "5,000 steps without dispose, read every %i steps",
  async (every) => {
    const most = await watch(async (look) => {
      const { step, batch, model, x } = trainer();
      let last = 0;
      for (let i = 1; i <= 5000; i++) {
        const loss = step(...batch());
        if (i % every === 0) {
          last = await loss.item();
          await model.forward(x).data();
        }
        look();
      }
      return last;
    });
    expectBounded(most);
  },
  120_000,
);

test("a loop that never waits", { timeout: 120_000 }, async () => {
  const most = await watch(async (look) => {
    const { step, x, labels } = trainer();
    let loss = step(x, labels);
    const first = loss;
    for (let i = 1; i < 2000; i++) {
      loss = step(x, labels);
      look();
    }
    expect(await first.item()).toBeGreaterThan(0);
    return loss.item();
  });
  expectBounded(most);
});

// So fast that the collector lags behind: many steps tell a leak from a lag.
test("30,000 captured steps", { timeout: 120_000 }, async () => {
  const most = await watch(async (look) => {
    const { step, batch } = trainer();
    const fast = jit(step);
    let last = 0;
    for (let i = 1; i <= 30_000; i++) {
      const loss = fast(...batch());
      if (i % 10 === 0) last = await loss.item();
      look();
    }
    return last;
  });
  expectBounded(most, { bytes: 3 << 20, nodes: 300_000 });
});
