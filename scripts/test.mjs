import { existsSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { buildPackage, buildSite, packTarball } from "./build.mjs";
import { at, Failure, files, main, node, npm, options, run, seconds } from "./lib.mjs";
import { serve } from "./serve.mjs";
import {
  browser,
  checkPrerequisites,
  metalTarget,
  npmPackages,
  nvrtc,
  swiftshader,
  vulkan,
  wasmBindgen,
  wasmPack,
  wasmTarget,
} from "./setup.mjs";

const KB = 1024;
const budgets = [
  { what: "wasm", limit: 736 * KB, of: () => [at("web/package/wasm/playgrad_bg.wasm")] },
  { what: "wasm with threads", limit: 736 * KB, of: () => [at("web/package/wasm/playgrad_threads_bg.wasm")] },
  { what: "reader", limit: 340 * KB, of: () => [at("web/package/wasm/reader.wasm")] },
  { what: "JavaScript", limit: 31 * KB, of: () => [at("web/package/wasm/playgrad.js"), ...faceScripts()] },
  { what: "lessons' entries", limit: 20 * KB, of: () => scripts().filter(isEntry) },
];

const scripts = () => files(at("web/package/dist")).filter((path) => path.endsWith(".js"));
// An entry beside "playgrad" has a folder of its own and is loaded when it is imported.
const isEntry = (path) => !["dist", "generated"].includes(basename(dirname(path)));
// The inline entry carries the wasm as text; its size is the wasm's.
const faceScripts = () => scripts().filter((path) => !isEntry(path) && !basename(path).startsWith("inline"));

function checkSizes() {
  const lines = budgets.map(({ what, limit, of }) => {
    const paths = of();
    if (paths.length === 0) throw new Failure(`no built ${what} to measure: run npm run build`);
    const size = paths.reduce((total, path) => total + gzipSync(readFileSync(path), { level: 9 }).length, 0);
    return { over: size > limit, text: `${what} ${(size / KB).toFixed(1)} KB gzip of ${limit / KB} KB` };
  });
  for (const { text } of lines) console.log(text);
  const over = lines.filter((line) => line.over);
  if (over.length > 0) throw new Failure(`over the size budget: ${over.map((line) => line.text).join(", ")}`);
  return lines.map((line) => line.text).join(", ");
}

async function wasmPackTest(args) {
  const env = await wasmTarget();
  await wasmBindgen();
  await wasmPack();
  await run(
    "wasm-pack",
    ["--log-level", "warn", "test", "--mode", "no-install", ...args, at("web/bindings")],
    { env },
  );
}

/** Flags that give headless Chromium a WebGPU device without a GPU: one list for every browser test. */
const chromeFlags = () =>
  JSON.parse(readFileSync(at("web/bindings/webdriver.json"), "utf8"))["goog:chromeOptions"].args.join(" ");

/** Each stage: what must exist for it, and the work; a returned text goes into the table. */
const stages = [
  {
    name: "format",
    group: "rust",
    needs: ["Cargo.toml"],
    work: () => run("cargo", ["fmt", "--all", "--check"], { fix: "run: npm run format" }),
  },
  {
    name: "clippy",
    group: "rust",
    needs: ["Cargo.toml"],
    work: () => run("cargo", ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]),
  },
  {
    name: "cargo",
    group: "rust",
    needs: ["tests/ops.rs", "tests/grad.rs", "tests/golden.rs", "tests/train.rs"],
    work: async () => {
      const [gpu, compiler] = [await vulkan(), await nvrtc()];
      await run(
        "cargo",
        ["test", "--locked", "-p", "playgrad", "--no-fail-fast", "--", "--quiet", "--show-output"],
        { env: { ...gpu.env, ...compiler.env } },
      );
      return `wgpu ${gpu.note}; ${compiler.note}`;
    },
  },
  {
    name: "swiftshader",
    group: "rust",
    needs: ["tests/ops.rs", "tests/gpu.rs"],
    work: async () => {
      const env = await swiftshader();
      if (!env) return "skipped: the browser brings no Vulkan driver";
      const tests = ["--test", "ops", "--test", "gpu", "--", "vulkan", "cooperative", "--show-output"];
      await run("cargo", ["test", "--locked", "-p", "playgrad", ...tests], {
        env: { ...env, PLAYGRAD_CHECKED: "1" },
      });
      return "the op table natively, shaders checked";
    },
  },
  {
    name: "metal",
    group: "rust",
    needs: ["crate/src/runtime/wgpu/open.rs"],
    work: async () => {
      const { args, env, missing } = await metalTarget();
      if (missing) return `skipped: ${missing}`;
      const features = ["--no-default-features", "--features", "wgpu,cli"];
      await run("cargo", ["check", "--locked", "-p", "playgrad", ...features, ...args], {
        env,
        denyWarnings: true,
      });
      return "checked for Apple's systems";
    },
  },
  {
    name: "wasm-check",
    group: "wasm",
    needs: ["web/bindings/Cargo.toml"],
    work: async () => {
      const args = [
        "check",
        "--locked",
        "-p",
        "playgrad-web",
        "--tests",
        "--target",
        "wasm32-unknown-unknown",
      ];
      await run("cargo", args, { env: await wasmTarget(), denyWarnings: true });
    },
  },
  {
    name: "wasm-node",
    group: "wasm",
    needs: ["web/bindings/tests"],
    work: () => wasmPackTest(["--node"]),
  },
  {
    name: "wasm-chrome",
    group: "wasm",
    needs: ["web/bindings/tests", "web/bindings/webdriver.json"],
    work: async () => {
      const { driver } = await browser();
      await wasmPackTest([
        "--headless",
        "--chrome",
        ...(driver === "chromedriver" ? [] : ["--chromedriver", driver]),
      ]);
    },
  },
  {
    name: "size",
    group: "web",
    needs: ["web/package/package.json"],
    work: async () => {
      await buildPackage();
      return checkSizes();
    },
  },
  {
    name: "lint",
    group: "web",
    needs: ["biome.json"],
    work: async () => {
      await npmPackages();
      await node([at("node_modules/@biomejs/biome/bin/biome"), "check", "--error-on-warnings"], {
        fix: "run: npm run format",
      });
    },
  },
  {
    name: "types",
    group: "web",
    needs: ["web/package/tsconfig.json", "web/playground/tsconfig.json"],
    work: async () => {
      await buildPackage();
      await npm(["run", "check", "-w", "playgrad"]);
      await npm(["run", "check", "-w", "@playgrad/playground"]);
    },
  },
  {
    name: "unit",
    group: "web",
    needs: ["web/package/package.json", "web/playground/package.json"],
    work: async () => {
      await buildPackage();
      await npm(["test", "-w", "playgrad"]);
      await npm(["test", "-w", "@playgrad/playground"]);
    },
  },
  {
    name: "python",
    group: "web",
    needs: ["web/python/package.json"],
    work: async () => {
      await buildPackage();
      await npm(["test", "-w", "@playgrad/python"]);
    },
  },
  {
    name: "fixtures",
    group: "web",
    needs: ["tests/web/fixtures/run.mjs"],
    work: async () => {
      await buildPackage();
      const { chrome } = await browser();
      const env = { CHROME_PATH: chrome, PLAYGRAD_CHROME_ARGS: chromeFlags() };
      await node([at("tests/web/fixtures/run.mjs"), await packTarball()], { env });
    },
  },
  {
    name: "ops",
    group: "web",
    needs: ["tests/web/ops"],
    work: async () => {
      await buildPackage();
      const { chrome } = await browser();
      const env = { CHROME_PATH: chrome, PLAYGRAD_CHROME_ARGS: chromeFlags() };
      await node(["--test", "--test-reporter=spec", at("tests/web/ops/ops.test.mjs")], { env });
    },
  },
  {
    name: "e2e",
    group: "web",
    needs: ["tests/web/e2e"],
    work: async () => {
      await buildSite();
      const tests = files(at("tests/web/e2e")).filter((file) => file.endsWith(".test.mjs"));
      if (tests.length === 0) throw new Failure("tests/web/e2e holds no *.test.mjs");
      const { chrome } = await browser();
      const site = await serve(at("dist/site"), 0);
      const env = { CHROME_PATH: chrome, PLAYGRAD_CHROME_ARGS: chromeFlags(), PLAYGRAD_URL: site.url };
      const serial = ["--test", "--test-concurrency=1", "--test-reporter=spec"];
      await node([...serial, ...tests], { env }).finally(site.close);
    },
  },
  {
    name: "bench",
    group: "web",
    needs: ["scripts/bench.mjs", "web/bench/reference.js"],
    work: async () => {
      await buildPackage();
      await browser();
      await node([at("scripts/bench.mjs"), "--check", "--no-build"]);
    },
  },
];

async function runStage({ name, needs, work }) {
  const start = Date.now();
  console.log(`\n━━ ${name} ${"━".repeat(70 - name.length)}`);
  const finish = (result, note = "") => ({ name, result, note, time: seconds(Date.now() - start) });
  const missing = needs.filter((path) => !existsSync(at(path)));
  if (missing.length > 0) {
    console.error(`missing: ${missing.join(", ")}`);
    return finish("missing", missing.join(", "));
  }
  try {
    return finish("ok", await work());
  } catch (error) {
    console.error(`✗ ${error instanceof Failure ? error.message : error.stack}`);
    return finish("FAILED", error.message.split("\n")[0]);
  }
}

function select(only) {
  if (only === undefined) return stages;
  const wanted = only.split(",");
  const known = new Set(stages.flatMap(({ name, group }) => [name, group]));
  const unknown = wanted.filter((word) => !known.has(word));
  if (unknown.length > 0)
    throw new Failure(`unknown stage ${unknown.join(", ")}; known: ${[...known].join(", ")}`);
  return stages.filter(({ name, group }) => wanted.includes(name) || wanted.includes(group));
}

await main(async () => {
  const { only } = options({ only: "--only <stages or groups, by commas>" });
  const chosen = select(only);
  checkPrerequisites();
  const start = Date.now();
  const results = [];
  for (const stage of chosen) results.push(await runStage(stage));
  console.log(`\n━━ summary ${"━".repeat(63)}`);
  for (const { name, result, time, note } of results) {
    console.log(`${result.padEnd(8)} ${name.padEnd(12)} ${time.padStart(8)}  ${note}`);
  }
  const bad = results.filter(({ result }) => result !== "ok");
  const verdict = bad.length === 0 ? "all passed" : `${bad.length} of ${results.length} not passed`;
  console.log(`\n${verdict} in ${seconds(Date.now() - start)}`);
  if (bad.length > 0) process.exit(1);
});
