import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "../../../scripts/serve.mjs";
import { finished, launch, visit } from "./browser.mjs";

const site = fileURLToPath(new URL("../../../dist/site", import.meta.url));

const training = `import { devices, manualSeed, nn, optim, Tensor } from "playgrad";
import { print } from "playground";
const threads = async () => (await devices()).find((d) => d.name === "cpu").description;
for (let i = 0; i < 100 && WANTED && !(await threads()).includes("threads"); i++)
  await new Promise((done) => setTimeout(done, 50));
manualSeed(7);
const x = Tensor.randn(512, 256), y = x.matmul(Tensor.randn(256, 8)).argmax(1);
const net = new nn.Sequential(new nn.Linear(256, 128), (x) => x.relu(), new nn.Linear(128, 8));
const adam = new optim.Adam(nn.parameters(net), { lr: 0.01 });
const losses = [];
for (let step = 0; step < 12; step++) {
  const loss = net.forward(x).crossEntropy(y);
  adam.zeroGrad();
  loss.backward();
  adam.step();
  losses.push(await loss.item());
}
const values = await net.forward(x).data();
print("device:", await threads());
print("isolated:", crossOriginIsolated, "shared:", values.buffer instanceof ArrayBuffer ? "no" : "yes");
print("losses:", losses.join(" "));
`;

async function train(page, wanted) {
  await page.choose("device", "CPU");
  await page.write(training.replace("WANTED", String(wanted)));
  await page.run();
  assert.equal(await page.until(finished, 60_000), "done", await page.errorText());
  const text = await page.console();
  const line = (name) => new RegExp(`${name}: (.*)`).exec(text)?.[1];
  console.log(`${line("device")}, isolated: ${line("isolated")}`);
  return { device: line("device"), isolated: line("isolated"), losses: line("losses") };
}

test("an isolated page trains on several threads, another on one, to the same losses", async () => {
  const many = availableParallelism() > 1;
  const page = await visit();
  const isolated = await train(page, many);
  assert.equal(isolated.isolated, "true shared: no");
  assert.match(isolated.device, many ? /\d threads/ : /one thread/);
  assert.deepEqual(page.problems, []);
  await page.close();

  const plain = await serve(site, 0, {});
  const browser = await launch();
  try {
    const other = await visit({ browser, site: plain.url });
    const alone = await train(other, false);
    assert.equal(alone.isolated, "false shared: no");
    assert.match(alone.device, /one thread/);
    assert.equal(alone.losses, isolated.losses);
    assert.deepEqual(other.problems, []);
    await other.close();
  } finally {
    await browser.close();
    plain.close();
  }
});
