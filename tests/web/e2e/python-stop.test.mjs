import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "../../../scripts/serve.mjs";
import { launch, visit } from "./browser.mjs";

const site = fileURLToPath(new URL("../../../dist/site", import.meta.url));
const storage = {
  "playgrad:language": "python",
  "playgrad:device": "cpu",
  "playgrad:code:python:xor": "# mine\n",
};

const training = `from tinygrad import Tensor, nn
layer = nn.Linear(8, 1)
opt = nn.optim.SGD(nn.state.get_parameters(layer))
x = Tensor.ones(4, 8)
step = 0
while True:
    loss = layer(x).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    step += 1
    if step == 20:
        print("begins")
`;

// `stays`: the worker that ran the program ends it, and is not replaced; a busy machine gets three attempts.
const cases = [
  { name: "a pure loop", code: 'print("begins")\nwhile True:\n    pass\n', stays: "isolated" },
  {
    name: "a loop that catches the first interrupt",
    code: 'print("begins")\ntry:\n    while True:\n        pass\nexcept KeyboardInterrupt:\n    pass\nwhile True:\n    pass\n',
    stays: "isolated",
  },
  { name: "a loop that trains", code: training, stays: "always" },
  {
    name: "a loop of operations",
    code: 'from tinygrad import Tensor\nprint("begins")\nwhile True:\n    (Tensor.ones(64) + 1).realize()\n',
    stays: "isolated",
  },
  {
    name: "a loop of reads",
    code: 'from tinygrad import Tensor\nprint("begins")\nwhile True:\n    Tensor.rand(4).tolist()\n',
    stays: "isolated",
  },
  // A GPU imitated on the CPU may answer later than the page waits: either end will do.
  {
    name: "a loop of reads from the GPU",
    code: 'from tinygrad import Device, Tensor\nDevice.DEFAULT = "WEBGPU"\nTensor.rand(4).tolist()\nprint("begins")\nwhile True:\n    Tensor.rand(4).tolist()\n',
  },
  {
    name: "a sleep",
    code: 'import time\nprint("begins")\ntime.sleep(1000)\n',
    stays: "always",
  },
];

const open = [];
after(async () => {
  for (const close of open) await close();
});

async function visitor(isolated) {
  if (isolated) {
    const page = await visit({ storage });
    open.push(() => page.close());
    return page;
  }
  const plain = await serve(site, 0, {});
  const browser = await launch();
  open.push(async () => {
    await browser.close();
    plain.close();
  });
  return visit({ browser, site: plain.url, storage });
}

/** Runs `code` and stops it: whether its worker was replaced. */
async function stop(page, code, name) {
  await page.write(code);
  await page.run();
  await page.until(["running"], 60_000);
  await page.page.waitForFunction(() => document.querySelector(".lines")?.textContent?.includes("begins"));
  await page.page.keyboard.press("Control+.");
  await page.until(["stopped"], 10_000);
  const replaced = /replaced/.test(await page.page.locator(".notice").allInnerTexts());
  console.log(`${name}: ${replaced ? "its worker was replaced" : "it ended itself"}`);
  return replaced;
}

for (const isolated of [true, false]) {
  let page;
  for (const { name, code, stays } of cases) {
    test(`Stop ends ${name} ${isolated ? "with" : "without"} isolation`, async () => {
      page ??= await visitor(isolated);
      assert.equal(await page.page.evaluate(() => crossOriginIsolated), isolated);
      await page.speed("max");
      const must = stays === "always" || (stays === "isolated" && isolated);
      let replaced = await stop(page, code, name);
      for (let left = 2; must && replaced && left > 0; left -= 1) replaced = await stop(page, code, name);
      if (must) assert.equal(replaced, false);

      await page.write('print("alive", 6 * 7)\n');
      await page.run();
      await page.until(["done"], 60_000);
      assert.match(await page.console(), /alive 42/);
      assert.deepEqual(page.problems, []);
    });
  }
}
