import assert from "node:assert/strict";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

async function finish(example, language, device = "cpu") {
  const page = await visit({
    storage: {
      "playgrad:example": example,
      "playgrad:language": language,
      "playgrad:device": device,
    },
  });
  await page.until(["running", ...finished], 60_000);
  await page.speed("max");
  assert.equal(await page.until(finished, 120_000), "done", await page.errorText());
  assert.deepEqual(page.problems, []);
  return page;
}

for (const language of ["typescript", "python"]) {
  test(`micrograd's graph shows data and gradients, and steps backward, in ${language}`, async () => {
    const page = await finish("micrograd", language);
    assert.match(await page.console(), /answer 16[\s\S]*-24[\s\S]*2\.14 x \+ 0\.93/);
    const panel = page.page.locator('[data-panel^="graph:answer"]');
    await panel.locator("[data-node]").first().waitFor();
    const words = (await panel.locator("[data-node]").allTextContents()).map((text) =>
      text.replace(/\s+/g, " "),
    );
    assert.equal(words.length, 7);
    assert.ok(
      words.some((text) => /^ a ?data2grad-24$/.test(text)),
      words.join("; "),
    );
    assert.ok(
      words.some((text) => /\*\*2 answer ?data16grad1$/.test(text)),
      words.join("; "),
    );

    await panel.locator(".focus").focus();
    const keys = (...names) =>
      names.reduce((done, key) => done.then(() => page.page.keyboard.press(key)), Promise.resolve());
    await keys("ArrowRight", "ArrowRight", "ArrowRight");
    assert.match(await panel.locator(".node.lit").textContent(), /ReLU/);
    assert.match(await panel.locator(".rule").innerText(), /gradient of \+: 0 \+ 1 × 8 = 8/);
    await panel.getByRole("button", { name: "Back" }).click();
    assert.match(await panel.locator(".node.lit").textContent(), /\*\*2/);
    await panel.locator(".focus").focus();
    await keys("ArrowRight", "ArrowRight", "ArrowRight");
    await panel.getByText("The graph as text").click();
    assert.match(await panel.locator("li", { hasText: "a; data 2" }).innerText(), /grad -24/);
    await page.close();
  });

  test(`micrograd tells two moons apart with 337 numbers, in ${language}`, async () => {
    const page = await finish("micrograd-moons", language);
    const [loss, accuracy] = [await page.lastValue("loss"), await page.lastValue("accuracy")];
    console.log(`micrograd's moons in ${language}: loss ${loss}, accuracy ${accuracy}`);
    assert.match(await page.console(), /337 numbers to learn/);
    assert.equal(accuracy, 1);
    assert.ok(loss < 0.012, `loss ${loss}`);
    assert.match(await page.page.locator('[data-panel="boundary"]').innerText(), /100 of 100 right/);
    await page.close();
  });

  for (const device of language === "python" ? ["cpu"] : ["cpu", "webgpu"])
    test(`a static graph learns and is drawn with shapes, in ${language} on ${device}`, async () => {
      const page = await finish("static-graph", language, device);
      const [loss, accuracy] = [await page.lastValue("loss"), await page.lastValue("accuracy")];
      console.log(`static graph in ${language} on ${device}: loss ${loss}, accuracy ${accuracy}`);
      assert.equal(accuracy, 1);
      assert.ok(loss < 0.01, `loss ${loss}`);
      const panel = page.page.locator('[data-panel^="graph:"]');
      const words = (await panel.locator("[data-node]").allTextContents()).map((text) =>
        text.replace(/\s+/g, " "),
      );
      for (const known of [/variable w1 ?shape\[2, 16\]/, /placeholder y ?shape\[200, 1\]/, /reduce_mean/])
        assert.ok(
          words.some((text) => known.test(text)),
          `${known} in ${words.join("; ")}`,
        );
      assert.equal(await panel.getByRole("button", { name: "Forward" }).count(), 0);
      await page.close();
    });

  test(`a network from scratch reads digits, in ${language}`, async () => {
    const page = await finish("scratch", language);
    const accuracy = await page.lastValue("test accuracy");
    console.log(`a network from scratch in ${language}: ${accuracy}`);
    assert.ok(accuracy > 0.98, `accuracy ${accuracy}`);
    await page.close();
  });
}
