import assert from "node:assert/strict";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

for (const language of ["typescript", "python"]) {
  test(`Mamba learns selective copying in ${language}`, async () => {
    const storage = {
      "playgrad:example": "mamba",
      "playgrad:language": language,
      "playgrad:device": "cpu",
    };
    const page = await visit({ storage });
    assert.equal(await page.until(finished, 240_000), "done", await page.errorText());
    const accuracy = await page.lastValue("accuracy");
    console.log(`Mamba in ${language}: ${await page.console()}`);
    assert.ok(accuracy > 0.98, `accuracy ${accuracy}`);
    assert.match(await page.page.locator('[data-panel="tensor:step sizes"] .note').innerText(), /\[15, 64\]/);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}
