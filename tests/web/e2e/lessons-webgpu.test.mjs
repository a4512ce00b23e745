import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

/** Lessons on a GPU that the CPU imitates: whole where that takes seconds, else their first steps on both devices. */

const program = (lesson) =>
  readFileSync(new URL(`../../../web/playground/src/examples/${lesson}.ts`, import.meta.url), "utf8");

const whole = {
  async "one-layer"(page) {
    assert.equal(await page.lastValue("loss"), 0.25);
  },

  async moons(page) {
    assert.equal(await page.lastValue("accuracy"), 1);
  },
};

for (const [lesson, holds] of Object.entries(whole))
  test(`${lesson} reaches what its text states on WebGPU`, async () => {
    const page = await visit({ storage: { "playgrad:example": lesson, "playgrad:device": "webgpu" } });
    await page.until(["running", ...finished], 60_000);
    await page.speed("max");
    const start = Date.now();
    assert.equal(await page.until(finished, 200_000), "done", await page.errorText());
    console.log(`${lesson} on WebGPU, ${Date.now() - start} ms: ${await page.console()}`);
    await holds(page);
    assert.deepEqual(page.problems, []);
    await page.close();
  });

/** How many steps, and which of the values they plot. */
const first = {
  "mnist-mlp": [12, "loss"],
  scratch: [12, "loss"],
  "mnist-cnn": [6, "loss"],
  "beautiful-mnist": [3, "loss"],
  resnet: [4, "loss"],
  autoencoder: [10, "loss"],
  "gpt-sort": [8, "loss"],
  "gpt-adder": [8, "loss"],
  chargpt: [6, "loss"],
  mamba: [5, "loss"],
  cartpole: [3, "mean return"],
};

/** The values plotted in a run by step, as the page exports them. */
async function plotted(page, series) {
  const download = page.page.waitForEvent("download");
  await page.page.getByRole("button", { name: "CSV", exact: true }).click();
  const rows = readFileSync(await (await download).path(), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","));
  const runs = [...new Set(rows.map(([run]) => run))];
  return runs.map((run) =>
    rows.filter(([own, name]) => own === run && name === series).map(([, , , , value]) => Number(value)),
  );
}

for (const [lesson, [steps, series]] of Object.entries(first))
  test(`the first steps of ${lesson} are the same on both devices`, async () => {
    const code = program(lesson)
      .replace(/of steps\(\d+\)/g, `of steps(${steps})`)
      .replace(/\[0, (500|checks)\]/g, "[0, 50]")
      .replace('device().name === "webgpu"', "false as boolean");
    const page = await visit({
      storage: { "playgrad:example": lesson, [`playgrad:code:${lesson}`]: code },
    });
    const took = [];
    for (const device of ["CPU", "WebGPU"]) {
      await page.choose("device", device);
      const start = Date.now();
      await page.run();
      await page.until(["loading", "running"]);
      assert.equal(await page.until(finished, 200_000), "done", await page.errorText());
      took.push(`${Date.now() - start} ms on ${device}`);
    }
    const [cpu, webgpu] = await plotted(page, series);
    const most = Math.max(...cpu.map((value, i) => Math.abs(webgpu[i] - value)));
    console.log(`${lesson}, ${took.join(", ")}: ${cpu.join(" ")}; at most ${most} apart`);
    assert.deepEqual([cpu.length, webgpu.length], [steps, steps]);
    assert.ok(most < 1e-3, `${most} apart: ${webgpu.join(" ")}`);
    assert.deepEqual(page.problems, []);
    await page.close();
  });

for (const lesson of ["micrograd", "micrograd-moons"])
  test(`${lesson} needs no WebGPU`, (t) => t.skip("it computes with JavaScript's numbers, on no device"));
