import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { finished, visit } from "./browser.mjs";

const examples = new URL("../../../web/playground/src/examples/", import.meta.url);
const languages = { typescript: "ts", python: "py" };
const storage = (example, language, device) => ({
  "playgrad:example": example,
  "playgrad:language": language,
  "playgrad:device": device,
});

// What opcheck and gradcheck look at, each a line with a tick. The texts for WebGPU are the same in both languages.
const lessons = {
  kernels: { kernels: ["muladd", "rms_norm"], ticks: 14, charts: ["kernel", "built_in"] },
  lltm: { kernels: ["lltm_back", "lltm"], ticks: 12, charts: ["kernel", "composed"], loss: 0.01 },
};

for (const language of Object.keys(languages)) {
  for (const [example, { kernels, ticks, charts, loss }] of Object.entries(lessons))
    for (const device of example === "lltm" && language === "python" ? ["cpu"] : ["cpu", "webgpu"])
      test(`${example} in ${language} on ${device}`, async () => {
        const page = await visit({ storage: storage(example, language, device) });
        assert.equal(await page.until(finished, 120_000), "done", await page.errorText());
        const printed = await page.console();
        const text = device === "cpu" ? "cpu function" : "wgsl";
        for (const name of kernels)
          assert.match(printed, new RegExp(`opcheck ${name} on ${device} \\(${text}\\)`, "i"));
        assert.equal(printed.match(/✓/g).length, ticks, printed);
        assert.doesNotMatch(printed, /✗/);
        for (const chart of charts) assert.ok((await page.lastValue(chart)) > 0);
        if (loss) assert.ok((await page.lastValue("loss")) < loss, `loss ${await page.lastValue("loss")}`);
        console.log(`${example}, ${language}, ${device}: a kernel took ${await page.lastValue("kernel")} ms`);
        assert.deepEqual(page.problems, []);
        await page.close();
      });

  test(`a kernel's mistake is marked in the shader in ${language}`, async () => {
    const page = await visit({ storage: storage("kernels", language, "webgpu") });
    const code = readFileSync(new URL(`kernels.${languages[language]}`, examples), "utf8");
    await page.write(code.replace("let scale = inverseSqrt(", "let scale = inverse("));
    await page.run();
    assert.equal(await page.until(["failed"], 120_000), "failed");
    assert.match(await page.errorLine(), /^let scale = inverse\(/);
    assert.equal(await page.page.locator(".cm-lintRange-error").innerText(), "inverse");
    await page.page.waitForFunction(() => {
      const [line, editor] = [".cm-errorLine", ".cm-scroller"].map((name) =>
        document.querySelector(name).getBoundingClientRect(),
      );
      return line.top >= editor.top && line.bottom <= editor.bottom;
    });
    const card = /^A kernel does not compile\s+KernelError, line \d+[\s\S]*rms_norm[\s\S]*line 7, column 17/;
    assert.match(await page.errorText(), card);
    await page.close();
  });
}
