import assert from "node:assert/strict";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

/** Each lesson in both languages on the CPU, to the numbers that its text states. */
const lessons = {
  async resnet(page) {
    const accuracy = await page.lastValue("test accuracy");
    assert.ok(accuracy > 0.97, `accuracy ${accuracy}`);
  },

  async autoencoder(page) {
    const [, nothing, network] = /nothing: (\S+)\s+loss of the network: (\S+)/.exec(await page.console());
    assert.ok(Math.abs(nothing - 0.115) < 0.001, `doing nothing costs ${nothing}`);
    assert.ok(network < 0.025, `loss ${network}`);
    const panel = page.page.locator('[data-panel="images:images"]');
    assert.deepEqual(await panel.locator("figcaption").allInnerTexts(), ["noisy", "cleaned", "clean"]);
    const drawn = await panel.locator("canvas").evaluateAll((all) => all.map((c) => c.toDataURL()));
    assert.equal(new Set(drawn).size, 3, "three different rows");
  },

  async cartpole(page) {
    const [, mean] = /over 100 episodes: (\S+)/.exec(await page.console());
    assert.ok(mean > 195, `mean return ${mean}`);
    assert.equal(await page.page.locator('[data-panel="scene:learning"] canvas').count(), 1);
    const exam = page.page.locator('[data-panel="scene:100 new episodes"]');
    assert.equal(await exam.locator("canvas").count(), 1);
  },
};

for (const [example, holds] of Object.entries(lessons))
  for (const language of ["typescript", "python"])
    test(`${example} reaches what its text states in ${language}`, async () => {
      const storage = {
        "playgrad:example": example,
        "playgrad:language": language,
        "playgrad:device": "cpu",
      };
      const page = await visit({ storage });
      const start = Date.now();
      assert.equal(await page.until(finished, 200_000), "done", await page.errorText());
      console.log(`${example} in ${language}, ${Date.now() - start} ms: ${await page.console()}`);
      await holds(page);
      assert.deepEqual(page.problems, []);
      await page.close();
    });
