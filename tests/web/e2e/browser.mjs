import { after } from "node:test";
import { chromium } from "playwright-core";

/** The built page in a real browser: PLAYGRAD_URL serves it, CHROME_PATH and PLAYGRAD_CHROME_ARGS name the browser. */

export const { PLAYGRAD_URL: url } = process.env;
const { CHROME_PATH: executablePath, PLAYGRAD_CHROME_ARGS: flags } = process.env;
if (!url || !executablePath || !flags)
  throw new Error(
    "PLAYGRAD_URL, CHROME_PATH and PLAYGRAD_CHROME_ARGS are not set: run npm test -- --only e2e",
  );

export const chromeArgs = flags.split(" ").filter((flag) => flag !== "");
export const finished = ["done", "stopped", "failed"];

let shared;

export async function launch(args = chromeArgs) {
  return chromium.launch({ executablePath, args });
}

after(async () => {
  await shared?.close();
});

/** The browser that the tests of a file share. */
export async function common() {
  shared ??= await launch();
  return shared;
}

/** The first good one of at most three attempts, else the last: a machine may be busy. */
export async function firstGood(attempt, isGood) {
  const found = [];
  do found.push(await attempt());
  while (!isGood(found.at(-1)) && found.length < 3);
  return found.at(-1);
}

/**
 * A fresh visitor on the page: an empty storage but for `storage`, no service worker (its requests escape the
 * routes of tests), and any error of the page itself fails the test
 * that asks for `problems`.
 */
export async function visit({
  hash = "",
  storage = {},
  dark = false,
  width = 1440,
  browser,
  site = url,
  serviceWorkers = "block",
} = {}) {
  const context = await (browser ?? (await common())).newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce",
    serviceWorkers,
  });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.stack ?? error.message));
  await page.addInitScript((entries) => {
    for (const [key, value] of Object.entries(entries))
      if (localStorage.getItem(key) === null) localStorage.setItem(key, value);
  }, storage);
  await page.goto(site + hash);
  await page.waitForSelector(".cm-content", { state: "attached" });
  return new Playground(page, problems);
}

export class Playground {
  constructor(page, problems) {
    this.page = page;
    this.problems = problems;
  }

  status() {
    return this.page.locator(".status").getAttribute("data-status");
  }

  async until(states, timeout = 30_000) {
    const selector = states.map((state) => `.status[data-status="${state}"]`).join(", ");
    try {
      await this.page.waitForSelector(selector, { timeout });
    } catch {
      throw new Error(
        `after ${timeout} ms the page is ${await this.status()}, not ${states.join(" or ")}; ` +
          `error: ${await this.errorText()}; console: ${await this.console()}`,
      );
    }
    return this.status();
  }

  run() {
    return this.page.keyboard.press("Control+Enter");
  }

  async write(code) {
    await this.page.locator(".cm-content").click();
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.insertText(code);
  }

  code() {
    return this.page
      .locator(".cm-line")
      .allInnerTexts()
      .then((lines) => lines.map((line) => line.replace(/\n$/, "")).join("\n"));
  }

  console() {
    return this.page.locator(".console .lines").innerText();
  }

  async errorText() {
    const card = this.page.locator(".error[role=alert]");
    return (await card.count()) > 0 ? card.innerText() : "";
  }

  async errorLine() {
    const text = await this.page.locator(".cm-errorLine").innerText();
    return text.trim();
  }

  async choose(menu, title) {
    await this.page.locator(`.${menu} button`).first().click();
    await this.page
      .locator(`.${menu} [data-item]`)
      .filter({ has: this.page.getByText(title, { exact: true }) })
      .click();
  }

  speed(stop) {
    return this.page.locator(".speed input").evaluate((input, value) => {
      input.value = value === "max" ? input.max : String(value);
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }, stop);
  }

  steps() {
    return this.page
      .locator(".status .step")
      .innerText()
      .then((text) => Number(text.replaceAll(",", "").match(/\d+/)?.[0]));
  }

  /** The last raw value of a chart, read from its text summary. */
  async lastValue(chart) {
    const summary = await this.page
      .locator(`[data-panel="chart:${chart}"] [role=img]`)
      .getAttribute("aria-label");
    const match = /: ([-\d.e]+)(%?) at step/.exec(summary ?? "");
    if (!match) throw new Error(`no value in the summary of ${chart}: ${summary}`);
    return Number(match[1]) / (match[2] ? 100 : 1);
  }

  close() {
    return this.page.context().close();
  }
}
