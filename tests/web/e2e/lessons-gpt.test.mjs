import assert from "node:assert/strict";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

for (const language of ["typescript", "python"]) {
  test(`a small GPT sorts all 729 lists within 1,000 steps in ${language}`, async () => {
    const storage = {
      "playgrad:example": "gpt-sort",
      "playgrad:language": language,
      "playgrad:device": "cpu",
    };
    const page = await visit({ storage });
    const start = Date.now();
    assert.equal(await page.until(finished, 240_000), "done", await page.errorText());
    console.log(`sort in ${language}: ${await page.steps()} steps, ${Date.now() - start} ms with loading`);
    assert.equal(await page.lastValue("right"), 729);
    assert.ok((await page.steps()) < 1000, `${await page.steps()} steps`);
    assert.match(await page.console(), /2[ ,]+0[ ,]+1[ ,]+1[ ,]+0[ ,]+2[ ,]+0[ ,]+0[ ,]+1[ ,]+1[ ,]+2[ ,]+2/);
    assert.match(await page.console(), /729 of 729 lists are right/);
    const maps = page.page.locator('[data-panel="tensor:attention, block 2"] canvas');
    assert.equal(await maps.count(), 2, "one map for each head");
    assert.deepEqual(page.problems, []);
    await page.close();
  });

  test(`a small GPT adds 99 of 100 sums it never saw, in ${language}`, async () => {
    const page = await visit({
      storage: { "playgrad:example": "gpt-adder", "playgrad:language": language, "playgrad:device": "cpu" },
    });
    const start = Date.now();
    assert.equal(await page.until(finished, 240_000), "done", await page.errorText());
    console.log(`adder in ${language}: ${await page.steps()} steps, ${Date.now() - start} ms with loading`);
    assert.ok((await page.lastValue("right")) >= 0.99 * 1429, `${await page.lastValue("right")} of 1429`);
    assert.ok((await page.steps()) < 5000, `${await page.steps()} steps`);
    assert.match(await page.console(), /85 \+ 47 = 132/);
    assert.deepEqual(page.problems, []);
    await page.close();
  });

  test(`a small GPT learns to write, in ${language}`, async () => {
    const page = await visit({
      storage: { "playgrad:example": "chargpt", "playgrad:language": language, "playgrad:device": "cpu" },
    });
    const start = Date.now();
    assert.equal(await page.until(finished, 240_000), "done", await page.errorText());
    console.log(`chargpt in ${language}: ${Date.now() - start} ms with loading`);
    assert.equal(await page.steps(), 1000);
    assert.ok((await page.lastValue("loss")) < 0.6, `loss ${await page.lastValue("loss")}`);
    assert.match(await page.console(), /The old man|the boat|the sea/);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}
