import assert from "node:assert/strict";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

const runs = [
  ["typescript", "cpu"],
  ["typescript", "webgpu"],
  ["python", "cpu"],
];

for (const [language, device] of runs) {
  test(`a saved model is read and learns on, in ${language} on ${device}`, async () => {
    const storage = {
      "playgrad:example": "onnx",
      "playgrad:language": language,
      "playgrad:device": device,
    };
    const page = await visit({ storage });
    assert.equal(await page.until(finished, 240_000), "done", await page.errorText());
    const told = await page.console();
    console.log(`${language} on ${device}: ${told}`);
    const number = (name) => Number(new RegExp(`${name}:?\\s+([-+.\\de]+)`).exec(told)?.[1]);
    assert.equal(number("the file"), 13.5);
    assert.match(told, /"?'?Conv'?"?:\s*1/);
    assert.ok(number("furthest from the original") < 1e-4);
    const [before, after] = [number("right before"), number("right after")];
    assert.ok(Math.abs(before - 0.98) < 0.01 && after > before, `${before}, ${after}`);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}
