import assert from "node:assert/strict";
import { test } from "node:test";
import { firstGood, visit } from "./browser.mjs";

const counting = `import { print, steps } from "playground";
for await (const step of steps(1e9)) if (step % 1000 === 0) print("at", step);
`;

/** Milliseconds from the key to the end of an endless loop. */
async function stopEndless(page) {
  await page.write("for (;;) {}\n");
  await page.run();
  await page.until(["running"]);
  const stopped = page.page.evaluate(
    () =>
      new Promise((resolve) => {
        const status = document.querySelector(".status");
        addEventListener(
          "keydown",
          ({ key, timeStamp }) => {
            if (key !== ".") return;
            new MutationObserver(() => {
              if (status.dataset.status === "stopped") resolve(performance.now() - timeStamp);
            }).observe(status, { attributes: true });
          },
          true,
        );
      }),
  );
  await page.page.keyboard.press("Control+.");
  const took = Math.round(await stopped);
  console.log(`endless loop stopped after ${took} ms`);
  return took;
}

test("Stop ends an endless loop within half a second, the page stays alive, the next Run works", async () => {
  const page = await visit();
  const took = await firstGood(
    () => stopEndless(page),
    (ms) => ms < 500,
  );
  assert.ok(took < 1000, `${took} ms`);

  await page.write('import { print } from "playground";\nprint("alive", 6 * 7);\n');
  await page.run();
  await page.until(["done"]);
  assert.match(await page.console(), /alive 42/);
  await page.close();
});

test("Stop is cooperative in a loop of steps: the worker and its console stay", async () => {
  const page = await visit();
  await page.write(counting);
  await page.speed("max");
  // A worker that the machine keeps waiting is replaced too.
  const notice = await firstGood(
    async () => {
      await page.run();
      await page.until(["running"]);
      await page.page.waitForFunction(() =>
        document.querySelector(".lines")?.textContent?.includes("at 1000"),
      );
      await page.page.locator('button[aria-label="Stop"]').click();
      await page.until(["stopped"]);
      return page.page.locator(".notice").innerText();
    },
    (text) => !/replaced/.test(text),
  );
  assert.doesNotMatch(notice, /replaced/);
  await page.close();
});

test("Pause holds, Step advances by one, Resume goes on", async () => {
  const page = await visit();
  await page.until(["running"]);
  await page.page.locator('button[aria-label="Pause"]').click();
  await page.until(["paused"]);
  const held = await page.steps();
  await page.page.waitForTimeout(300);
  assert.equal(await page.steps(), held);

  await page.page.keyboard.press("Alt+Enter");
  await page.page.waitForFunction(
    (n) => document.querySelector(".step")?.textContent?.includes(` ${n} `),
    held + 1,
  );
  assert.equal(await page.status(), "paused");

  await page.page.locator('button[aria-label="Resume"]').click();
  await page.until(["running"]);
  await page.page.waitForFunction(
    (n) => Number(document.querySelector(".step")?.textContent?.match(/\d+/)?.[0]) > n,
    held + 3,
  );
  await page.close();
});

test("Step from rest starts a run that waits after its first step", async () => {
  const page = await visit();
  await page.write(counting);
  await page.page.keyboard.press("Control+.");
  await page.until(["stopped"]);
  await page.page.keyboard.press("Alt+Enter");
  await page.until(["paused"]);
  await page.page.waitForFunction(() => document.querySelector(".step")?.textContent?.includes("step 1 "));
  await page.close();
});

test("the speed slider holds a loop to its pace", async () => {
  const page = await visit();
  await page.speed(3);
  await page.run();
  await page.until(["running"]);
  await page.page.waitForTimeout(500);
  const measure = async () => {
    const [start, before] = [Date.now(), await page.steps()];
    await page.page.waitForTimeout(1500);
    return (((await page.steps()) - before) * 1000) / (Date.now() - start);
  };
  const fits = (rate) => rate > 5 && rate < 15;
  const rate = await firstGood(measure, fits);
  console.log(`at 10 steps a second: ${rate.toFixed(1)}`);
  assert.ok(fits(rate), `${rate} steps a second`);
  await page.close();
});

test("a busy loop leaves the page at its full frame rate", async () => {
  const page = await visit();
  await page.write("for (;;) {}\n");
  await page.run();
  await page.until(["running"]);
  const slowest = () =>
    page.page.evaluate(
      () =>
        new Promise((resolve) => {
          let worst = 0;
          let last = performance.now();
          let frames = 0;
          requestAnimationFrame(function frame(now) {
            worst = Math.max(worst, now - last);
            last = now;
            if (++frames < 60) requestAnimationFrame(frame);
            else resolve(worst);
          });
        }),
    );
  const longest = await firstGood(slowest, (ms) => ms < 250);
  console.log(`longest frame beside an endless loop: ${longest.toFixed(0)} ms`);
  assert.ok(longest < 500, `${longest} ms`);
  await page.close();
});

test("a GPU is sent few steps more than it has done, so that Stop finds it nearly idle", async () => {
  const page = await visit({ storage: { "playgrad:code:xor": "// quiet\n", "playgrad:device": "webgpu" } });
  await page.write(`import { Tensor } from "playgrad";
import { plot, steps } from "playground";
let x = Tensor.ones(512, 512);
for await (const step of steps(1e9)) {
  x = x.matmul(x).mul(1 / 512).realize();
  plot({ one: x.mean() });
}
`);
  await page.speed("max");
  await page.run();
  const behind = async (least) => {
    const told = await page.page.waitForFunction((least) => {
      const number = (selector, found) => {
        const node = document.querySelector(selector);
        return Number(
          found.exec((node?.ariaLabel ?? node?.textContent ?? "").replaceAll(",", ""))?.[1] ?? -1,
        );
      };
      const done = number('[data-panel="chart:one"] [role=img]', /at step (\d+)/);
      return done >= least && number(".status .step", /(\d+)/) - done;
    }, least);
    return told.jsonValue();
  };
  const steps = [];
  for (const least of [3, 6, 9, 12]) steps.push(await behind(least));
  console.log(`steps sent beyond those done: ${steps.join(", ")}`);
  assert.ok(Math.min(...steps) < 16, `${steps} steps behind`);
  await page.page.keyboard.press("Control+.");
  await page.until(["stopped"]);
  assert.deepEqual(page.problems, []);
  await page.close();
});
