import { readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { build } from "vite";
import { reference } from "../web/bench/reference.js";
import { workload, workloadNames } from "../web/bench/workloads.js";
import { coldStart, downloads } from "./bench-start.mjs";
import { median, table } from "./bench-table.mjs";
import { buildPackage, buildSite } from "./build.mjs";
import { at, cache, Failure, main, options, step } from "./lib.mjs";
import { serve } from "./serve.mjs";
import { browser } from "./setup.mjs";

// Measures training steps, operations and inference in headless Chromium: ours beside jax-js, TensorFlow.js and
// ONNX Runtime Web, with the same weights and data; every result is first compared with a float64 reference.

const ours = ["cpu", "webgpu"].flatMap((device) =>
  ["", "-jit", "-run"].map((mode) => `playgrad-${device}${mode}`),
);
const peers = [
  ...["jax-wasm", "jax-webgpu", "tfjs-wasm", "tfjs-webgpu", "tfjs-cpu"],
  ...["ort-wasm", "ort-webgpu", "copy-cpu", "copy-webgpu"],
];
const engines = [...ours, ...peers];
const checked = ["playgrad-cpu", "playgrad-cpu-jit", "playgrad-cpu-run", "playgrad-webgpu-jit"];

/** Whether an engine has anything to measure there. */
function applies(engine, one) {
  if (engine.startsWith("ort")) return one.kind !== "train";
  if (engine.startsWith("copy")) return one.kind === "op" && one.op !== "matmul";
  if (engine.endsWith("-run")) return one.kind === "train" && one.batches === 1 && !one.readEveryStep;
  return true;
}

const START_LIMIT = 90_000;
const MEASURE_LIMIT = 60_000;
// Some peers compute less exactly; another model would be off by far more.
const tolerance = (engine) => (engine.startsWith("playgrad") ? 1e-3 : 1e-2);

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

/** The largest relative error over all steps. */
function errorOf(results, expected) {
  const steps = results.map((values, step) => {
    const wanted = expected[step];
    const largest = Math.max(...wanted.map(Math.abs));
    return Math.max(...wanted.map((value, i) => Math.abs(values[i] - value) / largest));
  });
  return steps.some(Number.isNaN) ? Number.NaN : Math.max(...steps);
}

/** One engine's page, its first steps done and compared with the reference. */
async function open(session, engine, one, expected) {
  const context = await session.chrome.newContext();
  const row = { workload: one.name, engine, context, times: [], steps: 0 };
  const start = async (options) => {
    const call = ([engine, name, options]) =>
      window.bench.start(engine, name, options).then((started) => ({
        ...started,
        results: started.results.map((values) => Array.from(values)),
      }));
    return within(row.page.evaluate(call, [engine, one.name, options]), START_LIMIT);
  };
  try {
    row.page = await context.newPage();
    row.bytes = downloads(row.page, session.folder);
    await row.page.goto(session.url);
    await row.page.waitForFunction(() => window.bench);
    const checked = await start(session.options(one, true));
    const error = engine.startsWith("copy") ? 0 : errorOf(checked.results, expected);
    Object.assign(row, { error, first: checked.first, last: checked.ms });
    if (!(error <= tolerance(engine))) {
      const [got, wanted] = [checked.results, expected].map((all) => all.flat().slice(0, 4).join(", "));
      fail(row, `wrong results: ${got}; not ${wanted}`);
    } else if (!session.check) {
      if (one.checkSmall) {
        const { first, ms } = await start(session.options(one, false));
        Object.assign(row, { first, last: ms });
      }
      // One measurement that does not count: code gets compiled, and it tells how many steps fit the budget.
      if (row.last < session.budget) await measure(row, session.budget / 4);
      Object.assign(row, { times: [], steps: 0 });
    }
  } catch (error) {
    fail(row, error.message);
  }
  return row;
}

function fail(row, message) {
  row.cannot = message.replace(/^page\.evaluate: (Error: )?/, "").split("\n")[0];
  row.context.close().catch(() => undefined);
}

async function measure(row, budget) {
  if (row.cannot) return;
  try {
    const call = ([budget, ms]) =>
      window.bench.measure(budget, ms).then((made) => ({ ...made, values: Array.from(made.values) }));
    const result = await within(row.page.evaluate(call, [budget, row.last]), MEASURE_LIMIT);
    if (!result.values.every(Number.isFinite)) throw new Error(`the result became ${result.values[0]}`);
    row.times.push(result.ms);
    row.steps += result.count;
    Object.assign(row, { last: result.ms, work: result.work, about: result.about });
  } catch (error) {
    fail(row, error.message);
  }
}

async function buildPage(outDir) {
  await build({
    root: at("web", "bench"),
    base: "./",
    logLevel: "warn",
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "esnext", minify: false, chunkSizeWarningLimit: 8192 },
  });
}

async function runWorkload(session, name, chosen, rounds) {
  const one = workload(name, session.options(workload(name), false));
  const expected = reference(workload(name, session.options(one, true)));
  const rows = [];
  for (const engine of chosen.filter((engine) => applies(engine, one)))
    rows.push(await open(session, engine, one, expected));
  if (!session.check)
    for (let round = 0; round < rounds; round += 1)
      for (const row of rows) await measure(row, session.budget);
  const results = [];
  for (const { context, page, bytes, times, ...row } of rows) {
    await context.close();
    results.push({ ...row, ms: median(times), times, bytes: bytes() });
  }
  console.log(table(one, results, session.check));
  return results;
}

await main(async () => {
  const given = options({
    workloads: "--workloads <a,b>",
    engines: "--engines <a,b>",
    rounds: "--rounds <number>",
    budget: "--budget <ms per measurement>",
    batch: "--batch <size of beautiful_mnist's batch>",
    json: "--json <file>",
    check: "--check",
    build: "--no-build",
  });
  const names = choose(given.workloads, [...workloadNames, "start"], "workload", [
    ...workloadNames,
    ...(given.check ? [] : ["start"]),
  ]);
  const chosen = choose(given.engines, engines, "engine", given.check ? checked : engines);
  const rounds = Number(given.rounds ?? 5);
  const budget = Number(given.budget ?? 500);
  const batch = given.batch && Number(given.batch);
  if (!(rounds >= 1 && budget > 0)) throw new Failure("--rounds and --budget are numbers above 0");

  if (given.build !== false) await (names.includes("start") ? buildSite() : buildPackage());
  const page = cache("bench");
  await step("benchmark page", () => buildPage(page));
  const { url, close } = await serve(page);
  const { args } = JSON.parse(readFileSync(at("web/bindings/webdriver.json"), "utf8"))["goog:chromeOptions"];
  const executablePath = (await browser()).chrome;
  const chrome = await chromium.launch({ executablePath, args });
  const session = {
    chrome,
    url,
    folder: page,
    budget,
    check: given.check,
    options: (one, checking) => ({
      small: Boolean(given.check || (checking && one.checkSmall)),
      ...(batch && one.checkSmall && !checking ? { batch } : {}),
    }),
  };
  const results = [];
  try {
    for (const name of names.filter((name) => name !== "start"))
      results.push(...(await runWorkload(session, name, chosen, rounds)));
    if (names.includes("start"))
      results.push(await coldStart(() => chromium.launch({ executablePath, args })));
  } finally {
    await chrome.close();
    close();
  }
  if (given.json) writeFileSync(given.json, `${JSON.stringify(results, null, 2)}\n`);
  const wrong = results.filter(({ engine, cannot }) => cannot && engine.startsWith("playgrad"));
  if (wrong.length > 0) {
    const list = wrong.map(({ workload, engine, cannot }) => `${workload} on ${engine}: ${cannot}`);
    throw new Failure(`our engine failed:\n  ${list.join("\n  ")}`);
  }
});
