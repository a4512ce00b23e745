import { readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { build } from "vite";
import { referenceLosses } from "../web/bench/reference.js";
import { workloads } from "../web/bench/workloads.js";
import { buildPackage } from "./build.mjs";
import { at, cache, Failure, main, options, step } from "./lib.mjs";
import { serve } from "./serve.mjs";
import { browser } from "./setup.mjs";

// Measures training steps in headless Chromium: ours beside jax-js and TensorFlow.js, same weights and data.

const engines = [
  ...["playgrad-cpu", "playgrad-cpu-jit", "playgrad-webgpu", "playgrad-webgpu-jit"],
  ...["jax-wasm", "jax-webgpu", "tfjs-wasm", "tfjs-webgpu", "tfjs-cpu"],
];

const START_LIMIT = 90_000;
const MEASURE_LIMIT = 60_000;
const LOSS_TOLERANCE = 1e-3;

function choose(text, known, what, standard = known) {
  const chosen = text?.split(",") ?? standard;
  const unknown = chosen.find((name) => !known.includes(name));
  if (unknown) throw new Failure(`unknown ${what} ${unknown}; known: ${known.join(", ")}`);
  return chosen;
}

const within = (work, ms) =>
  Promise.race([
    work,
    new Promise((_, fail) => setTimeout(() => fail(new Error(`over ${ms / 1000} s`)), ms).unref()),
  ]);

const median = (values) => {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** One engine's page, its first steps done and compared with the reference. */
async function open(chrome, url, engine, name, expected, budget) {
  const context = await chrome.newContext();
  const row = { workload: name, engine, context, times: [], steps: 0 };
  try {
    row.page = await context.newPage();
    await row.page.goto(url);
    await row.page.waitForFunction(() => window.bench);
    const call = ([engine, name]) => window.bench.start(engine, name);
    const { losses, first, ms } = await within(row.page.evaluate(call, [engine, name]), START_LIMIT);
    const error = Math.max(...losses.map((loss, i) => Math.abs(loss - expected[i]) / Math.abs(expected[i])));
    Object.assign(row, { first, error, last: ms });
    if (!(error <= LOSS_TOLERANCE))
      fail(row, `wrong losses: ${losses.slice(0, 3)}, not ${expected.slice(0, 3)}`);
    // One measurement that does not count: code gets compiled, and it tells how many steps fit the budget.
    else if (ms < budget) await measure(row, budget / 4);
    Object.assign(row, { times: [], steps: 0 });
  } catch (error) {
    fail(row, error.message);
  }
  return row;
}

function fail(row, message) {
  row.cannot = message.replace(/^page\.evaluate: /, "").split("\n")[0];
  row.context.close().catch(() => undefined);
}

async function measure(row, budget) {
  if (row.cannot) return;
  try {
    const call = ([budget, ms]) => window.bench.measure(budget, ms);
    const result = await within(row.page.evaluate(call, [budget, row.last]), MEASURE_LIMIT);
    if (!Number.isFinite(result.loss)) throw new Error(`the loss became ${result.loss}`);
    row.times.push(result.ms);
    row.steps += result.count;
    Object.assign(row, { last: result.ms, work: result.work });
  } catch (error) {
    fail(row, error.message);
  }
}

const number = (value) =>
  value === undefined ? "" : value.toPrecision(3).includes("e") ? value.toFixed(0) : value.toPrecision(3);

function table(name, rows) {
  const done = rows.filter((row) => row.ms !== undefined);
  const best = (test) =>
    Math.min(
      ...done.filter(({ engine }) => engine.startsWith("playgrad") && test(engine)).map(({ ms }) => ms),
    );
  const ours = best(() => true);
  const oursGpu = best((engine) => engine.includes("webgpu"));
  const ratio = (ms, base) => (Number.isFinite(base) ? `${number(ms / base)}×` : "");
  const lines = [
    ["engine", "ms/step", "min–max", "÷ ours", "÷ ours webgpu", "first ms", "steps", "loss error"],
  ];
  for (const { engine, ms, times, first, steps, error, cannot } of rows) {
    if (cannot) lines.push([engine, `cannot: ${cannot}`]);
    else {
      const gpu = engine.includes("webgpu") ? ratio(ms, oursGpu) : "";
      const range = `${number(Math.min(...times))}–${number(Math.max(...times))}`;
      lines.push([
        engine,
        number(ms),
        range,
        ratio(ms, ours),
        gpu,
        number(first),
        String(steps),
        error.toExponential(0),
      ]);
    }
  }
  const widths = lines[0].map((_, i) =>
    Math.max(...lines.filter(({ length }) => length > 2).map((line) => line[i].length)),
  );
  const text = lines.map((line) =>
    line.map((cell, i) => (i ? cell.padStart(line.length > 2 ? widths[i] : 0) : cell.padEnd(20))).join("  "),
  );
  console.log(`\n${name}: ${workloads[name].title}\n${text.join("\n")}`);
}

await main(async () => {
  const given = options({
    workloads: "--workloads <a,b>",
    engines: "--engines <a,b>",
    rounds: "--rounds <number>",
    budget: "--budget <ms per measurement>",
    json: "--json <file>",
    build: "--no-build",
  });
  const names = choose(given.workloads, Object.keys(workloads), "workload");
  const chosen = choose(given.engines, engines, "engine");
  const rounds = Number(given.rounds ?? 5);
  const budget = Number(given.budget ?? 500);
  if (!(rounds >= 1 && budget > 0)) throw new Failure("--rounds and --budget are numbers above 0");

  if (given.build !== false) await buildPackage();
  const site = cache("bench");
  await step("benchmark page", () =>
    build({
      root: at("web", "bench"),
      base: "./",
      logLevel: "warn",
      build: {
        outDir: site,
        emptyOutDir: true,
        target: "esnext",
        minify: false,
        chunkSizeWarningLimit: 8192,
      },
    }),
  );
  const { url, close } = await serve(site);
  const { args } = JSON.parse(readFileSync(at("web/bindings/webdriver.json"), "utf8"))["goog:chromeOptions"];
  const chrome = await chromium.launch({ executablePath: (await browser()).chrome, args });
  const results = [];
  try {
    for (const name of names) {
      const expected = referenceLosses(workloads[name]);
      const rows = [];
      for (const engine of chosen) rows.push(await open(chrome, url, engine, name, expected, budget));
      for (let round = 0; round < rounds; round += 1) for (const row of rows) await measure(row, budget);
      for (const { context, workload, engine, cannot, times, first, steps, error, work } of rows) {
        await context.close();
        results.push({ workload, engine, cannot, ms: median(times), times, first, steps, error, work });
      }
      table(
        name,
        results.filter(({ workload }) => workload === name),
      );
    }
  } finally {
    await chrome.close();
    close();
  }
  if (given.json) writeFileSync(given.json, `${JSON.stringify(results, null, 2)}\n`);
});
