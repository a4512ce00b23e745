import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

/** The losses of the page's only run by step, as it exports them. */
async function losses(page) {
  const download = page.page.waitForEvent("download");
  await page.page.getByRole("button", { name: "CSV", exact: true }).click();
  const file = await download;
  const rows = readFileSync(await file.path(), "utf8")
    .trim()
    .split("\n")
    .slice(1);
  const cells = rows.map((row) => row.split(",")).filter(([, series]) => series === "loss");
  return new Map(cells.map(([, , step, , value]) => [step, Number(value)]));
}

async function train(example, language, device) {
  const page = await visit({
    storage: {
      "playgrad:example": example,
      "playgrad:language": language,
      "playgrad:device": device,
    },
  });
  await page.until(["running", ...finished], 60_000);
  await page.speed("max");
  assert.equal(await page.until(finished, 180_000), "done", await page.errorText());
  const found = await losses(page);
  assert.deepEqual(page.problems, []);
  await page.close();
  return found;
}

for (const [example, device] of [
  ["xor", "cpu"],
  ["xor", "webgpu"],
  ["moons", "cpu"],
  ["mnist-mlp", "cpu"],
]) {
  test(`${example} has the same losses in both languages on ${device}`, async () => {
    const ours = await train(example, "typescript", device);
    const theirs = await train(example, "python", device);
    const common = [...ours.keys()].filter((step) => theirs.has(step));
    const apart = common.map((step) => Math.abs(ours.get(step) - theirs.get(step)));
    const most = Math.max(...apart);
    console.log(`${example} on ${device}: ${common.length} steps, at most ${most} apart`);
    assert.ok(common.length >= 5, `only ${common.length} steps in common`);
    assert.ok(most <= 1e-5, `${most} apart`);
  });
}
