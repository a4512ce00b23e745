import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { finished, visit } from "./browser.mjs";

const work = mkdtempSync(join(tmpdir(), "playgrad-weights-"));
after(() => rmSync(work, { recursive: true, force: true }));

const cases = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

/** Each reads the file that the lesson's model was saved to, with a model of the same layers. */
const languages = {
  typescript: {
    names: ["layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"],
    reader: `import { loadSafetensors, nn, tensor } from "playgrad";
import { modelFile, print } from "playground";
const model = new nn.Sequential(new nn.Linear(2, 8), (t) => t.tanh(), new nn.Linear(8, 1), (t) => t.sigmoid());
const file = modelFile();
if (file) nn.loadStateDict(model, loadSafetensors(await file.arrayBuffer()));
print("answers", model.forward(tensor(${JSON.stringify(cases)})));
`,
  },
  python: {
    names: ["hidden.weight", "hidden.bias", "out.weight", "out.bias"],
    reader: `from tinygrad import Tensor, nn
from playground import model_file
class Model:
    def __init__(self):
        self.hidden = nn.Linear(2, 8)
        self.out = nn.Linear(8, 1)
model = Model()
file = model_file()
if file:
    nn.state.load_state_dict(model, nn.state.safe_load(file))
print("answers", model.out(model.hidden(Tensor(${JSON.stringify(cases)})).tanh()).sigmoid().numpy())
`,
  },
};

/** Names, shapes and values of a safetensors file of float32. */
function parse(path) {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, start).toString());
  return Object.entries(header).map(([name, { dtype, shape, data_offsets }]) => {
    assert.equal(dtype, "F32");
    const [from, to] = data_offsets.map((at) => start + at);
    return { name, shape, values: [...new Float32Array(Uint8Array.from(file.subarray(from, to)).buffer)] };
  });
}

const answersOf = (words) => {
  const [, numbers] = /(?:wanted: 0 1 1 0\):|answers)([^:]*)$/.exec(words) ?? [];
  return (numbers?.match(/\d\.[\de-]+/g) ?? []).map(Number);
};

const close = (a, b) => a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) < 2e-4);

const item = (page, title) => page.page.locator("[popover]:popover-open [data-item]", { hasText: title });
const openExport = (page) => page.page.getByRole("button", { name: "Export" }).click();

for (const [language, { names, reader }] of Object.entries(languages))
  test(`XOR's weights are saved and read again in ${language}`, async () => {
    const storage = { "playgrad:example": "xor", "playgrad:language": language, "playgrad:device": "cpu" };
    const page = await visit({ storage });
    await page.until(["running"], 60_000);
    await page.speed("max");
    assert.equal(await page.until(finished, 60_000), "done", await page.errorText());
    const printed = answersOf(await page.console());

    await openExport(page);
    const download = page.page.waitForEvent("download");
    await item(page, "Weights").click();
    const given = await download;
    assert.equal(given.suggestedFilename(), "xor-model.safetensors");
    const path = join(work, `${language}.safetensors`);
    await given.saveAs(path);
    await page.page.getByText("33 numbers in 4 tensors").waitFor();

    const tensors = parse(path).sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
    assert.deepEqual(
      tensors.map(({ name, shape }) => [name, shape]),
      names.map((name, i) => [name, [[8, 2], [8], [1, 8], [1]][i]]),
    );
    const [w, b, v, c] = tensors.map(({ values }) => values);
    assert.ok([w, b, v, c].flat().every(Number.isFinite));
    const computed = cases.map(([x, y]) => {
      const hidden = b.map((bias, i) => Math.tanh(w[2 * i] * x + w[2 * i + 1] * y + bias));
      return 1 / (1 + Math.exp(-hidden.reduce((sum, h, i) => sum + h * v[i], c[0])));
    });
    console.log(`${language}: printed ${printed}, from the file ${computed}`);
    assert.ok(close(computed, printed), `printed ${printed}, from the file ${computed}`);

    await page.write(reader);
    await page.run();
    const input = page.page.locator('[data-panel="file"] input');
    await input.waitFor({ state: "attached" });
    assert.equal(await page.until(finished, 60_000), "done", await page.errorText());
    assert.ok(!close(answersOf(await page.console()), printed), "a fresh model answers as the trained one");
    await input.setInputFiles(path);
    await page.page.locator('[data-panel="file"]', { hasText: `${language}.safetensors` }).waitFor();
    assert.equal(await page.until(finished, 60_000), "done", await page.errorText());
    assert.ok(close(answersOf(await page.console()), printed), await page.console());

    const foreign = join(work, "words.txt");
    writeFileSync(foreign, "not weights at all");
    await page.page.locator('[data-panel="file"] button').click();
    await input.setInputFiles(foreign);
    assert.equal(await page.until(["failed"], 60_000), "failed");
    assert.match(await page.errorText(), /safetensors/);

    await openExport(page);
    assert.ok(await item(page, "Weights").isDisabled());
    assert.match(await item(page, "Weights").innerText(), /No model.*save\(model\)/s);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
