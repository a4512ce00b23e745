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
async function exported(example, entry, storage = {}) {
  const page = await visit({
    storage: { "playgrad:example": example, "playgrad:device": "cpu", ...storage },
  });
  await page.page.getByRole("button", { name: "Export" }).click();
  const download = page.page.waitForEvent("download");
  await page.page.locator("[popover]:popover-open [data-item]", { hasText: entry }).click();
  const file = await download;
  const path = join(work, file.suggestedFilename());
  await file.saveAs(path);
  return { page, path };
}

for (const [example, chart, most] of [
  ["xor", "loss", 0.01],
  ["micrograd-moons", "loss", 0.012],
  ["static-graph", "loss", 0.01],
])
  test(`${example} as a web page trains from a disk, without a network`, async () => {
    const { page, path } = await exported(example, "Web page");
    const problems = [];
    const context = page.page.context();
    await context.setOffline(true);
    const alone = await context.newPage();
    alone.on("pageerror", (error) => problems.push(error.stack ?? error.message));
    await alone.goto(pathToFileURL(path).href);
    await alone.waitForFunction(
      () => /step (\d+) of \1/.test(document.getElementById("status").textContent.replaceAll(",", "")),
      null,
      { timeout: 120_000 },
    );
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
