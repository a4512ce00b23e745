import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { at } from "../../../scripts/lib.mjs";
import { rows, runs } from "../../../scripts/methods.mjs";
import { serve } from "../../../scripts/serve.mjs";

// The op cases in Chromium. Only a plan that runs again is emitted, so the CPU device does all cases twice.

const { CHROME_PATH: executablePath, PLAYGRAD_CHROME_ARGS: flags = "" } = process.env;

const named = ({ name, aliases = [] }) => [name, ...aliases];
const methods = Object.fromEntries(
  rows()
    .filter(runs)
    .flatMap((row) => named(row).map((name) => [name, row])),
);
const themes = readdirSync(at("tests/reference/values")).map((file) => basename(file, ".json"));

async function run(device, passes) {
  const site = await serve(at("."), 0);
  const browser = await chromium.launch({ executablePath, args: flags.split(" ").filter(Boolean) });
  try {
    const page = await browser.newPage();
    await page.goto(`${site.url}tests/web/ops/page.html?device=${device}`);
    await page.waitForFunction(() => window.checkAll);
    const failures = [];
    for (const pass of passes) {
      const before = await page.evaluate(() => window.modules);
      const skipped = {};
      let [agree, all] = [0, 0];
      for (const theme of themes) {
        const result = await page.evaluate((given) => window.checkAll(...given), [device, theme, methods]);
        console.log(`  ${theme}: ${result.agree} of ${result.all}`);
        agree += result.agree;
        all += result.all;
        failures.push(...result.failures);
        for (const [why, count] of Object.entries(result.skipped)) skipped[why] = (skipped[why] ?? 0) + count;
      }
      const emitted = (await page.evaluate(() => window.modules)) - before;
      console.log(
        `${device}, ${pass}: ${agree} of ${all} cases agree with PyTorch; ${emitted} modules emitted`,
      );
      for (const [why, count] of Object.entries(skipped))
        console.log(`  skipped ${count}: ${why} is on cpu only`);
      if (pass === "emitted") assert.ok(emitted > 100, "kernels were emitted");
    }
    assert.deepEqual(failures, []);
  } finally {
    await browser.close();
    site.close();
  }
}

test("every op case on the CPU device, interpreted and then emitted", () =>
  run("cpu", ["interpreted", "emitted"]));
test("every op case on WebGPU", () => run("webgpu", ["webgpu"]));
