import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { unzipSync } from "fflate";
import { visit } from "./browser.mjs";

const work = mkdtempSync(join(tmpdir(), "playgrad-export-"));
after(() => rmSync(work, { recursive: true, force: true }));

/** The file that an entry of the Export menu gives. */
async function exported(example, entry, storage = {}, code = null) {
  const page = await visit({
    storage: { "playgrad:example": example, "playgrad:device": "cpu", ...storage },
  });
  if (code) await page.write(code);
  await page.page.getByRole("button", { name: "Export" }).click();
  const download = page.page.waitForEvent("download");
  await page.page.locator("[popover]:popover-open [data-item]", { hasText: entry }).click();
  const file = await download;
  const path = join(work, file.suggestedFilename());
  await file.saveAs(path);
  return { page, path };
}

/** The page of a file, opened without a network, once its program has done all steps. */
async function opened(page, path) {
  const problems = [];
  const context = page.page.context();
  await context.setOffline(true);
  const alone = await context.newPage();
  alone.on("pageerror", (error) => problems.push(error.stack ?? error.message));
  await alone.goto(pathToFileURL(path).href);
  await alone.waitForFunction(
    () => /step (\d+) of \1 /.test(document.getElementById("status").textContent.replaceAll(",", "")),
    null,
    { timeout: 120_000 },
  );
  return { alone, problems };
}

for (const [example, chart, most] of [
  ["xor", "loss", 0.01],
  ["micrograd-moons", "loss", 0.012],
  ["static-graph", "loss", 0.01],
])
  test(`${example} as a web page trains from a disk, without a network`, async () => {
    const { page, path } = await exported(example, "Web page");
    const { alone, problems } = await opened(page, path);
    const value = await alone.locator(`[id="panel ${chart}"] h2`).innerText();
    console.log(`${example} as a web page: ${value}, ${await alone.locator("#device").innerText()}`);
    assert.ok(Number(value.split(" ")[1]) < most, value);
    assert.equal(await alone.locator('[id="panel decision boundary"] canvas').count(), 1);
    assert.equal(
      await alone.locator("#console .error").count(),
      0,
      await alone.locator("#console").innerText(),
    );
    assert.deepEqual(problems, []);
    await page.close();
  });

const everyPanel = `import { nn, Tensor } from "playgrad";
import { Value } from "playgrad/micrograd";
import { dataset, drawDigit, graph, images, plot, predictions } from "playground";
import { print, save, scene, show, slider, steps, text, weights } from "playground";
const { test } = await dataset({ train: 24, test: 24 });
const model = new nn.Sequential((x: Tensor) => x.reshape(-1, 784), new nn.Linear(784, 10));
predictions(test.images, model, test.labels);
weights(model, "filters");
drawDigit(model);
save(model, "net");
images({ digits: test.images, others: test.images }, "pictures");
scene([["circle", 0, 0, 0.5, "accent"], ["text", 0, 0.8, "up", "high"]], { label: "drawing" });
show(Tensor.arange(16).reshape(4, 4), "numbers");
graph(new Value(2).mul(new Value(3)), "product");
print("story:", text("story", { value: "once" }));
for await (const step of steps(4000)) {
  slider("rate", { min: 0, max: 1, value: 0.25 });
  plot({ wave: Math.sin(step / 100) });
}
`;

test("a web page has the playground's panels", async () => {
  const { page, path } = await exported("xor", "Web page", {}, everyPanel);
  const { alone, problems } = await opened(page, path);
  const part = (name, inside = "") => alone.locator(`[id="panel ${name}"] ${inside}`);
  await part("product", "li").first().waitFor();
  for (const [name, count] of Object.entries({
    filters: 1,
    pictures: 2,
    drawing: 1,
    numbers: 1,
    predictions: 24,
  })) {
    const colors = await part(name, "canvas").evaluateAll((all) =>
      all.map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
      }),
    );
    assert.equal(colors.length, count, name);
    assert.ok(Math.min(...colors) > 1, `${name} is blank: ${colors}`);
  }
  assert.match(await part("predictions", "h2").innerText(), /of 24 right$/);
  assert.match(await part("product", "li").last().innerText(), /\* of .*data 6/);
  assert.equal(await part("story", "textarea").inputValue(), "once");
  assert.match(await alone.locator("#console").innerText(), /story: once/);

  // A chart keeps at most 2,000 points, and says so.
  const [, drawn] = /([\d,]+) of 4,000 values drawn$/.exec(await part("wave", "h2").innerText()) ?? [];
  assert.ok(Number(drawn?.replace(",", "")) >= 1000, await part("wave", "h2").innerText());

  const pad = await part("Draw a digit", "canvas").boundingBox();
  await alone.mouse.move(pad.x + 140, pad.y + 60);
  await alone.mouse.down();
  await alone.mouse.move(pad.x + 140, pad.y + 220, { steps: 4 });
  await alone.mouse.up();
  await alone.getByText("Looks like").waitFor();

  const saved = alone.waitForEvent("download");
  await part("Weights", "button").click();
  const file = await saved;
  assert.equal(file.suggestedFilename(), "net.safetensors");
  await file.saveAs(join(work, "net.safetensors"));
  const bytes = readFileSync(join(work, "net.safetensors"));
  assert.equal(bytes.length, 8 + Number(bytes.readBigUInt64LE(0)) + 4 * 7850);
  assert.deepEqual(problems, []);
  await page.close();
});

test("XOR as an npm project trains in Node", async () => {
  const { page, path } = await exported("xor", "npm project");
  await page.close();
  for (const [name, content] of Object.entries(unzipSync(readFileSync(path)))) {
    mkdirSync(dirname(join(work, name)), { recursive: true });
    writeFileSync(join(work, name), content);
  }
  const project = join(work, "xor");
  const { dependencies, scripts } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  const built = fileURLToPath(new URL("../../../web/package", import.meta.url));
  assert.equal(dependencies.playgrad, JSON.parse(readFileSync(join(built, "package.json"), "utf8")).version);
  mkdirSync(join(project, "node_modules"));
  symlinkSync(built, join(project, "node_modules", "playgrad"), "dir");
  const [, ...args] = scripts.start.split(" ");
  const output = execFileSync(process.execPath, [...args, "cpu"], { cwd: project, encoding: "utf8" });
  assert.match(output, /step 500 loss 0\.00\d+[\s\S]*The four answers/);
  const rows = readFileSync(join(project, "metrics.csv"), "utf8").trim().split("\n");
  assert.equal(rows[0], "step,series,value");
  assert.equal(rows.length, 601);
  assert.ok(Number(rows.at(-1).split(",")[2]) < 0.01, rows.at(-1));
});

test("a Python program is saved as it is", async () => {
  const { page, path } = await exported("micrograd", "Python file", { "playgrad:language": "python" });
  assert.equal(readFileSync(path, "utf8").trim(), (await page.code()).trim());
  await page.close();
});
