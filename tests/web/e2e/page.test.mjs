import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import { launch, url, visit } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const hello = 'import { print } from "playground";\nprint("hello from a link");\n';

test("an edit is there after a reload, beside the untouched other examples", async () => {
  const page = await visit();
  await page.write("// my own version\n");
  await page.page.reload();
  await page.page.waitForSelector(".cm-content");
  assert.match(await page.code(), /my own version/);
  await page.until(["idle"]);

  await page.choose("gallery", "Moons");
  assert.match(await page.code(), /data\.moons/);
  await page.choose("gallery", "XOR");
  assert.match(await page.code(), /my own version/);

  page.page.on("dialog", (dialog) => dialog.accept());
  await page.page.locator('button[aria-label="Reset to example"]').click();
  await page.until(["running"]);
  assert.match(await page.code(), /data\.xor/);
  await page.close();
});

test("a shared link opens paused, asks, then runs; the visitor's own code is kept", async () => {
  const author = await visit();
  await author.write(hello);
  await author.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await author.page.keyboard.press("Control+s");
  await author.page.waitForFunction(() => document.querySelector(".notice")?.textContent !== "");
  const link = await author.page.evaluate(() => navigator.clipboard.readText());
  await author.close();

  const page = await visit({ hash: new URL(link).hash, storage: { "playgrad:code:xor": "// mine\n" } });
  await page.page.waitForTimeout(1500);
  assert.equal(await page.status(), "idle");
  assert.doesNotMatch(await page.console(), /hello/);
  assert.match(await page.code(), /hello from a link/);
  await page.run();
  await page.page.waitForTimeout(300);
  assert.equal(await page.status(), "idle", "the shortcut does not run it either");
  assert.equal(await page.page.evaluate(() => localStorage.getItem("playgrad:code:xor")), "// mine\n");

  await page.page.getByRole("button", { name: "Run this code" }).click();
  await page.until(["done"]);
  assert.match(await page.console(), /hello from a link/);
  await page.close();
});

test("a damaged link opens the example and says so", async () => {
  const page = await visit({ hash: "#p=AAAA" });
  assert.match(await page.page.locator(".notice").innerText(), /could not be read/);
  await page.until(["running"]);
  await page.close();
});

test("Escape, then Tab, leaves the editor; ? lists the keys", async () => {
  const page = await visit();
  await page.page.locator(".cm-content").click();
  await page.page.keyboard.press("Escape");
  await page.page.keyboard.press("Tab");
  assert.equal(await page.page.evaluate(() => document.activeElement?.closest(".cm-editor") === null), true);
  await page.page.keyboard.press("?");
  await page.page.waitForSelector("dialog[open]");
  await page.close();
});

test("on a phone one tab is shown at a time", async () => {
  const page = await visit({ width: 390 });
  const shown = async () => ({
    code: await page.page.locator(".cm-content").isVisible(),
    live: await page.page.locator(".panels").isVisible(),
    console: await page.page.locator(".console").isVisible(),
  });
  assert.deepEqual(await shown(), { code: false, live: true, console: false });
  await page.page.locator(".tabs button", { hasText: "Code" }).click();
  assert.deepEqual(await shown(), { code: true, live: false, console: false });
  const overflow = await page.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the screen`);
  await page.close();
});

test("where the host sends no isolation headers, a service worker adds them from the second visit on", async () => {
  const plain = createServer(async (request, response) => {
    const from = await fetch(new URL(request.url, url));
    response.setHeader("Content-Type", from.headers.get("content-type"));
    response.writeHead(from.status).end(Buffer.from(await from.arrayBuffer()));
  });
  await new Promise((listening) => plain.listen(0, "localhost", listening));
  const browser = await launch();
  const page = await (await browser.newContext()).newPage();
  const isolated = async () => {
    await page.goto(`http://localhost:${plain.address().port}/`);
    await page.waitForSelector('.status[data-status="running"]');
    return page.evaluate(() => crossOriginIsolated);
  };
  assert.equal(await isolated(), false);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  assert.equal(await isolated(), true);
  await browser.close();
  plain.close();
});

const looks = [
  { name: "light", options: {} },
  { name: "dark", options: { dark: true } },
  { name: "phone", options: { width: 390 } },
  { name: "digits", options: { storage: { "playgrad:example": "mnist-mlp" } } },
  { name: "graph", options: { storage: { "playgrad:example": "micrograd" } } },
];

for (const { name, options } of looks) {
  test(`axe finds nothing: ${name}`, async () => {
    const page = await visit(options);
    await page.page.waitForSelector(".u-wrap");
    if (name === "digits") await page.page.waitForSelector(".pad");
    if (name === "graph") await page.page.waitForSelector("[data-node]");
    await check(page.page);
    await page.page.locator(".device button").first().click();
    await check(page.page);
    await page.page.keyboard.press("Escape");
    if (name !== "phone") {
      await page.write("const broken = (1;\n");
      await page.run();
      await page.until(["failed"]);
      await check(page.page);
    }
    await page.page.locator('button[aria-label="Keyboard and help"]').click();
    await check(page.page);
    await page.close();
  });
}

async function check(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
  );
  assert.deepEqual(found, []);
}
