import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const python = { "playgrad:language": "python" };
/** An edited program, so that opening the page runs nothing. */
const quiet = { ...python, "playgrad:code:python:xor": "# mine\n" };

const language = (page, name) =>
  page.page.locator("fieldset", { hasText: "Python" }).getByText(name, { exact: true });
const chosen = (page) => page.page.locator('input[name="language"]:checked').inputValue();

/** The middle of the first occurrence of a word in the editor. */
async function wordAt(page, word) {
  await page.page.waitForFunction(
    (wanted) => document.querySelector(".cm-content")?.textContent.includes(wanted),
    word,
  );
  return page.page.evaluate((wanted) => {
    const texts = document.createTreeWalker(document.querySelector(".cm-content"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode;
      const at = node.data.indexOf(wanted);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      const { x, y, width, height } = range.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    }
  }, word);
}

test("a first visitor gets TypeScript, and nothing of Python is asked for", async () => {
  const page = await visit();
  await page.until(["running"]);
  const asked = await page.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => name),
  );
  assert.equal(await chosen(page), "typescript");
  assert.deepEqual(
    asked.filter((name) => /pyodide|python/i.test(name)),
    [],
  );
  await page.close();
});

test("each language keeps its own edits, and the choice is remembered", async () => {
  const page = await visit({ storage: { "playgrad:code:xor": "// from before\n" } });
  assert.match(await page.code(), /from before/);
  await language(page, "Python").click();
  assert.equal(await page.page.locator(".file").innerText(), "main.py");
  assert.match(await page.code(), /^from tinygrad import/);
  await page.write("# mine, in Python\n");
  await language(page, "TypeScript").click();
  assert.match(await page.code(), /from before/);
  await page.page.keyboard.press("Alt+p");
  assert.match(await page.code(), /mine, in Python/);
  await page.page.reload();
  await page.page.waitForSelector(".cm-content");
  assert.equal(await chosen(page), "python");
  assert.match(await page.code(), /mine, in Python/);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("the keyboard reaches the switch, and its arrows choose", async () => {
  const page = await visit({ storage: { "playgrad:code:xor": "// quiet\n" } });
  await page.page.locator('input[name="language"][value="typescript"]').focus();
  await page.page.keyboard.press("ArrowRight");
  assert.equal(await chosen(page), "python");
  await page.page.keyboard.press("ArrowLeft");
  assert.equal(await chosen(page), "typescript");
  await page.close();
});

test("a link carries its language, opens paused, and leaves the visitor's own behind", async () => {
  const author = await visit({ storage: quiet });
  await author.write('print("hello from a Python link")\n');
  await author.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await author.page.keyboard.press("Control+s");
  await author.page.waitForFunction(() => document.querySelector(".notice")?.textContent !== "");
  const link = await author.page.evaluate(() => navigator.clipboard.readText());
  await author.close();

  const page = await visit({ hash: new URL(link).hash, storage: { "playgrad:code:xor": "// mine\n" } });
  assert.equal(await chosen(page), "python");
  assert.match(await page.code(), /hello from a Python link/);
  await page.page.waitForTimeout(1500);
  assert.ok(["loading", "idle"].includes(await page.status()), await page.status());
  assert.doesNotMatch(await page.console(), /hello/);
  await page.page.getByRole("button", { name: "Discard it" }).click();
  assert.equal(await chosen(page), "typescript");
  assert.match(await page.code(), /\/\/ mine/);
  await page.close();
});

test("a word under the pointer is explained in both languages, by keyboard too", async () => {
  const page = await visit();
  const doc = page.page.locator(".cm-doc");
  await page.page.mouse.move(...(await wordAt(page, "sigmoid")));
  await doc.waitFor();
  assert.match(await doc.innerText(), /^x\.sigmoid\(\)[\s\S]*tensor\(\[0, 2\]\)\.sigmoid\(\)/);
  await page.page.mouse.move(5, 5);
  await doc.waitFor({ state: "detached" });
  await page.close();

  const other = await visit({
    storage: { ...quiet, "playgrad:code:python:xor": "from tinygrad import nn\nlayer = nn.Linear(2, 8)\n" },
  });
  await other.page.mouse.move(...(await wordAt(other, "Linear")));
  const said = other.page.locator(".cm-doc");
  await said.waitFor();
  assert.match(await said.innerText(), /^nn\.Linear\(in_features, out_features, bias=True\)/);
  await other.page.mouse.move(5, 5);
  await said.waitFor({ state: "detached" });
  await other.page.mouse.click(...(await wordAt(other, "Linear")));
  await other.page.mouse.move(5, 5);
  await other.page.keyboard.press("Control+i");
  await said.waitFor();
  await other.page.keyboard.press("ArrowDown");
  await said.waitFor({ state: "detached" });
  await other.page.keyboard.press("ArrowUp");
  await other.page.keyboard.press("Control+i");
  await said.waitFor();
  const link = await said.locator("a").getAttribute("href");
  assert.equal(link, "./reference.html?in=py#nn.Linear");
  await other.page.keyboard.press("Escape");
  await said.waitFor({ state: "detached" });
  await other.close();
});

test("completion offers methods with what they do; the comment key writes Python's", async () => {
  const page = await visit({ storage: quiet });
  await page.write("x.max_po");
  await page.page.keyboard.press("Control+Space");
  const chosenOption = page.page.locator(".cm-tooltip-autocomplete [aria-selected='true']");
  await chosenOption.waitFor();
  assert.equal(await chosenOption.innerText(), "max_pool2d");
  const info = page.page.locator(".cm-completionInfo");
  assert.match(await info.innerText(), /t\.max_pool2d\(/);
  const { x, y } = await info.boundingBox();
  assert.ok(
    await page.page.evaluate(
      ([x, y]) => document.elementFromPoint(x, y)?.closest(".cm-completionInfo"),
      [x + 20, y + 20],
    ),
    "it is seen beside the list",
  );
  // The list takes no key in its first moments, so that none typed meanwhile chooses from it.
  await page.page.waitForTimeout(150);
  await page.page.keyboard.press("Enter");
  await page.page.keyboard.press("Control+/");
  assert.equal(await page.code(), "# x.max_pool2d");
  await page.write("nn.optim.Ada");
  await page.page.keyboard.press("Control+Space");
  await chosenOption.waitFor();
  assert.equal(await chosenOption.innerText(), "Adam");
  await page.write("def f():");
  await page.page.keyboard.press("Enter");
  await page.page.keyboard.type("pass");
  assert.equal(await page.code(), "def f():\n    pass");
  await page.close();
});

for (const [name, options] of [
  ["light", {}],
  ["dark", { dark: true }],
  ["phone", { width: 390 }],
]) {
  test(`axe finds nothing in Python mode: ${name}`, async () => {
    const storage = { ...quiet, "playgrad:code:python:xor": "from tinygrad import nn\nnn.Linear(2, 8)\n" };
    const page = await visit({ ...options, storage });
    if (name === "phone") await page.page.locator(".tabs button", { hasText: "Code" }).click();
    await page.page.mouse.move(...(await wordAt(page, "Linear")));
    await page.page.locator(".cm-doc").waitFor();
    await page.page.evaluate(axe);
    const { violations } = await page.page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`),
      [],
    );
    await page.close();
  });
}

test("the lesson's two lines make XOR learn", async () => {
  for (const [storage, mark] of [
    [{}, "// "],
    [python, "# "],
  ]) {
    const page = await visit({ storage: { ...storage, "playgrad:example": "one-layer" } });
    await page.until(["running", ...finished], 120_000);
    await page.speed("max");
    await page.until(finished, 120_000);
    assert.equal(await page.lastValue("loss"), 0.25);
    const lines = (await page.code()).split("\n");
    assert.equal(lines.filter((line) => line.startsWith(mark)).length, 2);
    const swapped = lines.map((line) => {
      if (line.startsWith(mark)) return line.slice(mark.length);
      return /^(const )?layers = /.test(line) ? mark + line : line;
    });
    await page.write(swapped.join("\n"));
    await page.run();
    const learned = () => {
      const chart = document.querySelector('[data-panel="chart:loss"] [role=img]');
      return Number(/: ([-\d.e]+) at step/.exec(chart?.ariaLabel ?? "")?.[1] ?? 1) < 0.01;
    };
    await page.page.waitForFunction(learned, null, { timeout: 60_000 });
    await page.close();
  }
});

test("a program pasted in the other language's place is offered to run in its own", async () => {
  const page = await visit({ storage: { "playgrad:code:xor": "// quiet\n" } });
  await page.write('def greet():\n    return "hello"\nprint(greet())\n');
  await page.run();
  await page.until(["failed"]);
  assert.match(await page.errorText(), /looks like Python/);
  await page.page.getByRole("button", { name: "Run as Python" }).click();
  assert.equal(await chosen(page), "python");
  await page.until(finished, 120_000);
  assert.match(await page.console(), /hello/);
  await page.close();
});

test("Python that cannot be downloaded is told, and TypeScript still runs; the next Run tries again", async () => {
  const page = await visit({ storage: { "playgrad:code:xor": "// quiet\n" } });
  await page.page.context().route(/pyodide\.asm/, (route) => route.abort());
  await language(page, "Python").click();
  await page.until(["failed"], 60_000);
  assert.match(await page.errorText(), /Python could not be loaded[\s\S]*fix/);
  await language(page, "TypeScript").click();
  assert.equal(await page.errorText(), "");
  await page.write("console.log(1 + 1);\n");
  await page.run();
  await page.until(["done"]);
  assert.match(await page.console(), /^2/);
  await page.page.context().unroute(/pyodide\.asm/);
  await language(page, "Python").click();
  await page.until(["running"], 120_000);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("loading Python shows how far it is, and Stop ends the download", async () => {
  const page = await visit({ storage: { "playgrad:code:xor": "// quiet\n" } });
  let arrive = () => {};
  const late = new Promise((resolve) => {
    arrive = resolve;
  });
  await page.page.context().route(/python_stdlib/, async (route) => {
    await late;
    await route.abort().catch(() => undefined);
  });
  await language(page, "Python").click();
  await page.page.waitForFunction(() => document.querySelector(".status progress")?.value > 0.3);
  assert.match(await page.page.locator(".status").innerText(), /Loading Python\s*\d+ %/);
  const given = page.page.waitForEvent("requestfailed");
  await page.page.getByRole("button", { name: "Stop" }).click();
  await page.until(["stopped"]);
  assert.match((await given).url(), /python_stdlib/);
  assert.equal(await page.page.locator(".status progress").count(), 0);
  assert.match(await page.page.locator(".notice").innerText(), /Loading was stopped/);
  await page.page.context().unroute(/python_stdlib/);
  arrive();
  await page.run();
  await page.until(["running"], 120_000);
  await page.close();
});
