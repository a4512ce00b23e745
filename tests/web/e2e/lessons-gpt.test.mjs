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
}
