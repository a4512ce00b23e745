import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { common, url } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function open({ dark = false, width = 1280, at = "" } = {}) {
  const context = await (await common()).newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? "dark" : "light",
  });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${url}reference.html${at}`);
  await page.waitForSelector("article");
  return { context, page, problems };
}

async function check(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`),
    [],
  );
}

test("a search by keyboard finds a method; its snippet runs, and runs again when it is changed", async () => {
  const { context, page, problems } = await open();
  await page.keyboard.press("/");
  await page.keyboard.type("logsumexp");
  const entry = page.locator("article").first();
  assert.match(await entry.locator("h3").innerText(), /^x\.logsumexp\(/);
  const snippet = entry.locator("textarea");
  await snippet.fill("const x = tensor([[1, 2], [3, 4]]);\nx.sum(0)");
  await snippet.press("Control+Enter");
  await entry.locator("pre", { hasText: "[4. 6.]" }).waitFor();
  await snippet.fill("tensor([1, 2]).reshape(3)");
  await entry.getByRole("button").click();
  await entry.locator(".error", { hasText: "reshape" }).waitFor();
  await check(page);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a link leads to its entry; dark and on a phone axe finds nothing", async () => {
  const { context, page, problems } = await open({ dark: true, width: 390, at: "#softmax" });
  await page.waitForFunction(() => {
    const top = document.getElementById("softmax").getBoundingClientRect().top;
    return top >= 0 && top < innerHeight;
  });
  await check(page);
  assert.deepEqual(problems, []);
  await context.close();
});

test("words that are nowhere say so", async () => {
  const { context, page } = await open();
  await page.fill("input[type=search]", "xyzzy");
  assert.equal(await page.locator("article").count(), 0);
  assert.match(await page.locator("main").innerText(), /Nothing here/);
  await context.close();
});
