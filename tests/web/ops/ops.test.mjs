import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { at } from "../../../scripts/lib.mjs";
import { rows, runs } from "../../../scripts/methods.mjs";
import { serve } from "../../../scripts/serve.mjs";

// The op cases in Chromium, and ONNX models. Only a plan that runs again is emitted, so the CPU device does each case
// twice.

const { CHROME_PATH: executablePath, PLAYGRAD_CHROME_ARGS: flags = "" } = process.env;

const named = ({ name, aliases = [] }) => [name, ...aliases];
const methods = Object.fromEntries(
  rows()
    .filter(runs)
    .flatMap((row) => named(row).map((name) => [name, row])),
);
const themes = readdirSync(at("tests/reference/values")).map((file) => basename(file, ".json"));

async function run(device, turns) {
  const site = await serve(at("."), 0);
  const browser = await chromium.launch({ executablePath, args: flags.split(" ").filter(Boolean) });
  try {
    const page = await browser.newPage();
    await page.goto(`${site.url}tests/web/ops/page.html?device=${device}`);
    await page.waitForFunction(() => window.checkAll);
    const failures = [];
    const skipped = {};
    const agree = turns.map(() => 0);
    let all = 0;
    for (const theme of themes) {
      const given = [device, theme, methods, turns.length];
      const result = await page.evaluate((given) => window.checkAll(...given), given);
      console.log(`  ${theme}: ${result.agree.join(" and ")} of ${result.all}`);
      all += result.all;
      for (const turn of turns.keys()) agree[turn] += result.agree[turn];
      failures.push(...result.failures);
      for (const [why, count] of Object.entries(result.skipped)) skipped[why] = (skipped[why] ?? 0) + count;
    }
    for (const [turn, name] of turns.entries())
      console.log(`${name}: ${agree[turn]} of ${all} cases agree with PyTorch`);
    for (const [why, count] of Object.entries(skipped))
      console.log(`  skipped ${count}: ${why} is on cpu only`);
    assert.deepEqual(failures, []);
    const modules = await page.evaluate(() => window.modules);
    for (const name of ["mnist", "resnet"]) {
      const apart = await page.evaluate((name) => window.compareOnnx(name), name);
      console.log(`${name}.onnx on ${device}: at most ${apart} from onnxruntime`);
      assert.ok(apart < 1e-4, `${name}: ${apart}`);
    }
    return modules;
  } finally {
    await browser.close();
    site.close();
  }
}

test("every op case on the CPU device, interpreted and then emitted", async () => {
  const modules = await run("cpu", ["cpu, interpreted", "cpu, emitted"]);
  console.log(`${modules} modules emitted`);
  assert.ok(modules > 1000, "kernels were emitted");
});

test("every op case on WebGPU", () => run("webgpu", ["webgpu"]));
