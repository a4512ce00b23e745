import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serve } from "../../../scripts/serve.mjs";
import { finished, launch, visit } from "./browser.mjs";

const site = fileURLToPath(new URL("../../../dist/site", import.meta.url));

const training = `import { devices, manualSeed, nn, optim, Tensor } from "playgrad";
import { print } from "playground";
const threads = async () => (await devices()).find((d) => d.name === "cpu").description;
for (let i = 0; i < 600 && WANTED && !(await threads()).includes("threads"); i++)
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

// Node 20 has relaxed SIMD, whose products and sums are rounded once, only with a flag.
const relaxed = process.versions.node.startsWith("20.") ? ["--experimental-wasm-relaxed-simd"] : [];

async function trainInNode() {
  const library = new URL("../../../web/package/dist/index.js", import.meta.url);
  const program = training
    .replace(
      'from "playgrad";',
      `from "${library}"; import { init } from "${library}"; await init({ device: "cpu" });`,
    )
    .replace('import { print } from "playground";', "const print = console.log, crossOriginIsolated = false;")
    .replace("WANTED", "false");
  const args = [...relaxed, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return /losses: (.*)/.exec(stdout)?.[1];
}

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

test("an isolated page trains on several threads, another and Node on one, to the same losses", async () => {
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
    assert.equal(await trainInNode(), isolated.losses);
    assert.deepEqual(other.problems, []);
    await other.close();
  } finally {
    await browser.close();
    plain.close();
  }
});
