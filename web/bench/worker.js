import { initialWeights, makeData, workload } from "./workloads.js";

/** Runs one engine on one workload in this worker; `modules` loads the engines by the first word of their names. */
export function serve(modules) {
  let engine;
  let current;
  let steps = 0;

  async function build(name, one) {
    const [library, device, mode = "plain"] = name.split("-");
    const { create } = await modules[library]();
    return create(device, mode, one, initialWeights(one), makeData(one));
  }

  async function run(count) {
    const start = performance.now();
    if (engine.run && !current.readEveryStep) {
      engine.run(count);
      steps += count;
    } else {
      for (let i = 0; i < count; i += 1) {
        await engine.step(steps);
        steps += 1;
        if (current.readEveryStep) await engine.values();
      }
    }
    const values = await engine.values();
    await engine.settle?.();
    return { ms: (performance.now() - start) / count, values };
  }

  const calls = {
    /** Runs the first steps; returns their results, and the time until the end of the first. */
    async start(name, workloadName, options) {
      current = workload(workloadName, options);
      steps = 0;
      const start = performance.now();
      engine = await build(name, current);
      const results = [];
      let first;
      let ms;
      for (let i = 0; i < current.checked; i += 1) {
        const result = await run(1);
        results.push(result.values);
        ms = result.ms;
        first ??= performance.now() - start;
      }
      return { results, first, ms };
    },

    /** One measurement of about `budget` ms where a step takes about `ms`; at least one step. */
    async measure(budget, ms) {
      const count = Math.min(5000, Math.max(1, Math.round(budget / ms)));
      const before = engine.counters?.();
      const result = await run(count);
      const after = engine.counters?.();
      const work =
        after &&
        Object.fromEntries(Object.keys(after).map((key) => [key, (after[key] - before[key]) / count]));
      return { ...result, count, work, about: engine.about?.() ?? {} };
    },
  };

  self.addEventListener("message", async ({ data: { id, call, args } }) => {
    try {
      self.postMessage({ id, result: await calls[call](...args) });
    } catch (error) {
      self.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}
