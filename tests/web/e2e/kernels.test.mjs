import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

const examples = new URL("../../../web/playground/src/examples/", import.meta.url);
const languages = { typescript: "ts", python: "py" };
const storage = (language, device) => ({
  "playgrad:example": "kernels",
  "playgrad:language": language,
  "playgrad:device": device,
});

for (const language of Object.keys(languages)) {
  for (const device of ["cpu", "webgpu"]) {
    test(`kernels of one's own in ${language} on ${device}`, async () => {
      const page = await visit({ storage: storage(language, device) });
      assert.equal(await page.until(finished, 120_000), "done", await page.errorText());
      const printed = await page.console();
      const text = device === "cpu" ? "cpu function" : "wgsl";
      for (const name of ["muladd", "rms_norm"])
        assert.match(printed, new RegExp(`opcheck ${name} on ${device} \\(${text}\\)`, "i"));
      assert.equal(printed.match(/✓/g).length, 14, printed);
      assert.doesNotMatch(printed, /✗/);
      for (const chart of ["kernel", "built_in"]) assert.ok((await page.lastValue(chart)) > 0);
      console.log(`${language} on ${device}: a kernel took ${await page.lastValue("kernel")} ms`);
      assert.deepEqual(page.problems, []);
      await page.close();
    });
  }

  test(`a kernel's mistake is marked in the shader in ${language}`, async () => {
    const page = await visit({ storage: storage(language, "webgpu") });
    const code = readFileSync(new URL(`kernels.${languages[language]}`, examples), "utf8");
    await page.write(code.replace("let scale = inverseSqrt(", "let scale = inverse("));
    await page.run();
    assert.equal(await page.until(["failed"], 120_000), "failed");
    assert.match(await page.errorLine(), /^let scale = inverse\(/);
    assert.equal(await page.page.locator(".cm-lintRange-error").innerText(), "inverse");
    const card = /^A kernel does not compile\s+KernelError, line \d+[\s\S]*rms_norm[\s\S]*line 7, column 17/;
    assert.match(await page.errorText(), card);
    await page.close();
  });
}
