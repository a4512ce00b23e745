import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { common, url } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function open({ dark = false, width = 1280 } = {}) {
  const context = await (await common()).newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? "dark" : "light",
  });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${url}bench.html`);
  await page.waitForSelector(".primary");
  return { context, page, problems };
}

async function only(page, titles) {
  for (const label of await page.locator("fieldset").first().locator("label").all()) {
    const title = await label.innerText();
    await label.locator("input").setChecked(titles.some((start) => title.startsWith(start)));
  }
}

const status = (page) => page.locator("[role=status]").innerText();

async function check(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`),
    [],
  );
}

test("the page measures our devices and a peer, by keyboard, and shows a bar for each", async () => {
  const { context, page, problems } = await open();
  await only(page, ["Matrix product 256"]);
  await page.getByLabel("TensorFlow.js").focus();
  await page.keyboard.press("Space");
  await page.locator(".primary").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("[role=status]").textContent === "All measured");
  const rows = await page.locator("[data-panel='bench:matmul256'] li").allInnerTexts();
  assert.deepEqual(
    rows.map((row) => row.split("\n")[0]),
    ["playgrad, CPU", "playgrad, WebGPU", "TensorFlow.js, CPU", "TensorFlow.js, WebGPU"],
  );
  for (const row of rows) assert.match(row, /\d ms/);
  assert.equal(rows.filter((row) => row.includes("fastest")).length, 1);
  assert.deepEqual(problems, []);
  await check(page);
  await context.close();
});

test("Stop ends a long measurement at once; it can be started again", async () => {
  const { context, page, problems } = await open();
  await only(page, ["Matrix product 2048"]);
  await page.locator(".primary").click();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.waitForFunction(() => document.querySelector("[role=status]").textContent === "Stopped");
  assert.equal(await page.locator(".results li").count(), 0);
  await only(page, ["XOR: 2-8-1, tanh, sigmoid, Adam, batch 4"]);
  await page.locator(".primary").click();
  await page.waitForFunction(() => document.querySelector("[role=status]").textContent === "All measured");
  assert.deepEqual(problems, []);
  await context.close();
});

for (const [name, look] of Object.entries({ phone: { width: 390 }, dark: { dark: true } })) {
  test(`axe finds nothing and nothing is too wide: ${name}`, async () => {
    const { context, page } = await open(look);
    assert.match(await status(page), /press Measure/);
    await check(page);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    await context.close();
  });
}
