import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "../../../scripts/serve.mjs";
import { visit } from "./browser.mjs";

const storage = {
  "playgrad:language": "python",
  "playgrad:device": "cpu",
  "playgrad:code:python:xor": "# mine\n",
};
const answer = "from tinygrad import Tensor\nprint((Tensor([20]) + 22).item())\n";

async function run(page, code = answer) {
  await page.write(code);
  await page.run();
  assert.equal(await page.until(["done", "failed"], 60_000), "done", await page.errorText());
  return page.console();
}

const kept = (page) =>
  page.page.evaluate(async () => {
    const cache = await caches.open("playgrad-python");
    const found = await cache.match("./python-snapshot");
    return found ? (await found.arrayBuffer()).byteLength : 0;
  });

async function again(page) {
  await page.page.reload();
  await page.page.waitForSelector(".cm-content");
}

test("a second visit downloads nothing of Python, and starts from the memory of the first", async () => {
  const page = await visit({ storage });
  const said = [];
  page.page.on("console", (message) => said.push(message.text()));
  assert.equal(await run(page), "42");
  await page.page.waitForFunction(async () => {
    const cache = await caches.open("playgrad-python");
    return (await cache.keys()).length === 5;
  });
  const size = await kept(page);
  assert.ok(size > 2 ** 24, `${size} bytes are kept`);

  const asked = [];
  await page.page.context().route(/pyodide|python_stdlib/, (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  await again(page);
  const start = Date.now();
  assert.equal(await run(page), "42");
  console.log(`second visit: a program ended ${Date.now() - start} ms after the page was there`);
  assert.deepEqual(asked, []);
  assert.deepEqual(
    said.filter((text) => /anew|not kept/.test(text)),
    [],
  );

  await page.page.evaluate(async () => {
    const cache = await caches.open("playgrad-python");
    const { headers } = await cache.match("./python-snapshot");
    await cache.put("./python-snapshot", new Response(new Uint8Array(2 ** 20), { headers }));
  });
  await again(page);
  assert.equal(await run(page), "42");
  assert.equal(said.filter((text) => /starts anew/.test(text)).length, 1);
  await page.page.waitForFunction(async () => {
    const cache = await caches.open("playgrad-python");
    const found = await cache.match("./python-snapshot");
    return found && (await found.arrayBuffer()).byteLength > 2 ** 24;
  });
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("Python that cannot be downloaded is told, and the next run tries again", async () => {
  const page = await visit({ storage: { ...storage, "playgrad:language": "typescript" } });
  await page.page.context().route(/python_stdlib/, (route) => route.fulfill({ status: 503 }));
  await page.page.evaluate(() => localStorage.setItem("playgrad:language", "python"));
  await again(page);
  await page.until(["failed"], 60_000);
  assert.match(await page.errorText(), /Python could not be loaded[\s\S]*503/);
  await page.page.context().unroute(/python_stdlib/);
  assert.equal(await run(page), "42");
  await page.close();
});

test("where programs cannot be suspended, Python trains on the CPU", async () => {
  const page = await visit({ storage });
  await page.page.context().route(/\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    const without = "delete WebAssembly.Suspending; delete WebAssembly.promising;\n";
    await route.fulfill({ response, body: without + (await response.text()) });
  });
  await again(page);
  await page.speed("max");
  const code = `from tinygrad import Tensor, nn
from playground import boundary, plot, steps
X, Y = Tensor([[0.0, 1.0], [1.0, 0.0]]), Tensor([[0.0], [1.0]])
layer = nn.Linear(2, 1)
opt = nn.optim.SGD(nn.state.get_parameters(layer), lr=0.1)
boundary(layer, X, Y)
for i in steps(20):
    loss = (layer(X) - Y).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    plot(loss=loss)
import js
print(hasattr(js.WebAssembly, "Suspending"), loss.item() < 0.2)
`;
  assert.equal(await run(page, code), "False True");
  assert.equal(await page.steps(), 20);
  assert.equal(await page.page.locator('[data-panel="boundary"]').count(), 1);
  await page.close();
});

test("a page that was there once opens without a network, and runs Python", async () => {
  const site = await serve(fileURLToPath(new URL("../../../dist/site", import.meta.url)), 0);
  const page = await visit({ storage, site: site.url, serviceWorkers: "allow" });
  assert.equal(await run(page), "42");
  await again(page);
  await page.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  assert.equal(await run(page), "42");
  await page.page.waitForFunction(async () => {
    const site = await caches.open("playgrad-site");
    const names = (await site.keys()).map(({ url }) => url);
    return ["index", "worker", "interpreter", "_bg", "python"].every((part) =>
      part === "index" ? names.includes(location.href) : names.some((name) => name.includes(part)),
    );
  });
  site.close();
  await again(page);
  await assert.rejects(page.page.evaluate(() => fetch("./nothing").then(() => undefined)));
  assert.equal(await run(page), "42");
  assert.deepEqual(page.problems, []);
  await page.close();
});
