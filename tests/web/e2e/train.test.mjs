import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { finished, visit } from "./browser.mjs";

const mnist = fileURLToPath(new URL("../../../../shared/data/mnist", import.meta.url));
const mnistFiles = [
  "train-images-idx3-ubyte.gz",
  "train-labels-idx1-ubyte.gz",
  "t10k-images-idx3-ubyte.gz",
  "t10k-labels-idx1-ubyte.gz",
].map((name) => join(mnist, name));

test("opens on XOR, already training", async () => {
  const start = Date.now();
  const page = await visit();
  await page.until(["running"]);
  await page.page.waitForSelector('[data-panel="boundary"] canvas');
  await page.page.waitForSelector('[data-panel="chart:loss"] .u-wrap');
  console.log(`training and drawn ${Date.now() - start} ms after navigation`);
  await page.close();
});

for (const device of ["CPU", "WebGPU"]) {
  test(`XOR falls below 0.01 on ${device}`, async () => {
    const page = await visit();
    await page.choose("device", device);
    await page.run();
    await page.until(["running"]);
    assert.match(await page.page.locator(".device button").first().innerText(), new RegExp(device));
    await page.speed("max");
    assert.equal(await page.until(finished, 60_000), "done", await page.errorText());
    const loss = await page.lastValue("loss");
    console.log(`XOR on ${device}: loss ${loss}`);
    assert.ok(loss < 0.01, `loss ${loss}`);
    assert.match(await page.page.locator('[data-panel="boundary"]').innerText(), /4 of 4 right/);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}

test("moons are told apart", async () => {
  const page = await visit({ storage: { "playgrad:example": "moons" } });
  await page.until(["running"]);
  await page.speed("max");
  assert.equal(await page.until(finished, 60_000), "done", await page.errorText());
  const accuracy = await page.lastValue("accuracy");
  console.log(`moons: accuracy ${accuracy}`);
  assert.ok(accuracy > 0.95, `accuracy ${accuracy}`);
  await page.close();
});

test("an MNIST model passes 95 % in its default run", async () => {
  const page = await visit({ storage: { "playgrad:example": "mnist-mlp", "playgrad:device": "cpu" } });
  if (existsSync(mnistFiles[0])) {
    await page.page.waitForSelector('[data-panel="data"]', { timeout: 60_000 });
    await page.page.locator("input[type=file]").setInputFiles(mnistFiles);
    await page.page.waitForSelector('[data-panel="data"] strong:text("Real MNIST")', { timeout: 60_000 });
  } else {
    console.log(`no ${mnist}: the model is trained on generated digits`);
  }
  assert.equal(await page.until(finished, 180_000), "done", await page.errorText());
  const accuracy = await page.lastValue("test accuracy");
  console.log(`MNIST MLP: test accuracy ${accuracy} after ${await page.steps()} steps`);
  assert.ok(accuracy > 0.95, `accuracy ${accuracy}`);

  const right = await page.page.locator('[data-panel="predictions"] .note').innerText();
  assert.match(right, /\d+ of 24 right/);
  await drawSeven(page.page);
  await page.page.waitForFunction(() => /\d, \d/.test(document.querySelector(".answer")?.textContent ?? ""));
  console.log(`a drawn 7: ${await page.page.locator(".answer").innerText()}`);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("real MNIST is one click away: downloaded with progress, then kept", async (t) => {
  if (!existsSync(mnistFiles[0])) return t.skip(`no ${mnist}`);
  const page = await visit({ storage: { "playgrad:example": "mnist-mlp", "playgrad:device": "cpu" } });
  let requests = 0;
  const serve = (route) => {
    requests++;
    const path = mnistFiles.find((file) => route.request().url().endsWith(basename(file)));
    return route.fulfill({ path, headers: { "Access-Control-Allow-Origin": "*" } });
  };
  await page.page.context().route(/mnist.*ubyte\.gz/, serve);
  const real = '[data-panel="data"] strong:text("Real MNIST")';
  await page.page.getByRole("button", { name: "Use real MNIST" }).click({ timeout: 60_000 });
  await page.page.waitForSelector(real, { timeout: 60_000 });
  assert.equal(requests, 4);
  await page.page.getByRole("button", { name: "Use generated digits" }).click();
  await page.page.getByRole("button", { name: "Use real MNIST" }).click({ timeout: 60_000 });
  await page.page.waitForSelector(real, { timeout: 60_000 });
  assert.equal(requests, 4, "the second time comes from this browser's cache");
  await page.close();
});

test("a download that fails is told, and the generated digits stay", async () => {
  const page = await visit({ storage: { "playgrad:example": "mnist-mlp", "playgrad:device": "cpu" } });
  await page.page.context().route(/mnist.*ubyte\.gz/, (route) => route.abort());
  await page.page.getByRole("button", { name: "Use real MNIST" }).click({ timeout: 60_000 });
  await page.page.waitForSelector(".problem");
  assert.match(await page.page.locator(".problem").innerText(), /Could not download MNIST/);
  assert.match(await page.page.locator('[data-panel="data"] strong').innerText(), /Generated/);
  await page.close();
});

test("a file that is not MNIST is told by name, and the page goes on", async () => {
  const page = await visit({ storage: { "playgrad:example": "mnist-mlp", "playgrad:device": "cpu" } });
  await page.page.waitForSelector('[data-panel="data"]', { timeout: 60_000 });
  const files = mnistFiles.map((path) => ({
    name: basename(path),
    mimeType: "application/gzip",
    buffer: Buffer.from([0x1f, 0x8b, 8, 0, 0]),
  }));
  await page.page.locator("input[type=file]").setInputFiles(files);
  await page.until(["failed"]);
  assert.match(await page.errorText(), /DataError[\s\S]*ubyte\.gz/);
  await page.run();
  await page.until(["running", "done"]);
  await page.close();
});

async function drawSeven(page) {
  const pad = page.locator(".pad canvas");
  await pad.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await pad.boundingBox();
  const at = (u, v) => [x + u * width, y + v * height];
  await page.mouse.move(...at(0.3, 0.2));
  await page.mouse.down();
  await page.mouse.move(...at(0.7, 0.2), { steps: 6 });
  await page.mouse.move(...at(0.45, 0.85), { steps: 6 });
  await page.mouse.up();
}

for (const example of ["mnist-cnn", "beautiful-mnist"]) {
  test(`${example} learns on the CPU`, async () => {
    const page = await visit({ storage: { "playgrad:example": example, "playgrad:device": "cpu" } });
    const start = Date.now();
    assert.equal(await page.until(finished, 240_000), "done", await page.errorText());
    const accuracy = await page.lastValue("test accuracy");
    console.log(`${example}: test accuracy ${accuracy} on generated digits, ${Date.now() - start} ms`);
    assert.ok(accuracy > 0.8, `accuracy ${accuracy}`);
    await page.close();
  });
}
