import { initialWeights, trainingData, workloads } from "./workloads.js";

const modules = {
  playgrad: () => import("./engines/playgrad.js"),
  jax: () => import("./engines/jax.js"),
  tfjs: () => import("./engines/tfjs.js"),
};

let engine;
let workload;
let steps = 0;

async function run(count) {
  const start = performance.now();
  for (let i = 0; i < count; i += 1) {
    engine.step(steps);
    steps += 1;
    if (workload.readEveryStep) await engine.loss();
  }
  const loss = await engine.loss();
  await engine.settle();
  return { ms: (performance.now() - start) / count, loss };
}

/** What the driver calls. `engine` is named like `playgrad-cpu` or `playgrad-webgpu-jit`. */
window.bench = {
  /** Trains the first steps and returns their losses, and the time until the first step's end. */
  async start(engineName, workloadName) {
    const [library, device, mode] = engineName.split("-");
    workload = workloads[workloadName];
    const { create } = await modules[library]();
    const weights = initialWeights(workload);
    const data = trainingData(workload);
    const start = performance.now();
    engine = await create(device, mode === "jit", workload, weights, data);
    const losses = [];
    let first;
    let ms;
    for (let i = 0; i < workload.checked; i += 1) {
      const result = await run(1);
      losses.push(result.loss);
      ms = result.ms;
      first ??= performance.now() - start;
    }
    return { losses, first, ms };
  },

  /** One measurement of about `budget` ms where a step takes about `ms`; at least one step. */
  async measure(budget, ms) {
    const count = Math.min(2000, Math.max(1, Math.round(budget / ms)));
    const before = engine.counters?.();
    const result = await run(count);
    const after = engine.counters?.();
    const work =
      after && Object.fromEntries(Object.keys(after).map((key) => [key, (after[key] - before[key]) / count]));
    return { ...result, count, work };
  },
};
