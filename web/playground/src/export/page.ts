/** The module "playground" of an exported page: that of the playground, over a page that draws without a framework. */

import { device, devices, init, manualSeed } from "playgrad";
import { watchGpu } from "../runner/ahead";
import { captureConsole, consoleSettled } from "../runner/console";
import { begin, reportRun } from "../runner/control";
import { onFeedError, refresh, settle } from "../runner/feed";

export * from "../live/index";

const { seed, device: wanted } = document.documentElement.dataset;
const refreshEvery = 200;

function fail(error: unknown): void {
  console.error(error);
  void end();
}

async function end(): Promise<void> {
  clearInterval(timer);
  await Promise.race([settle(), new Promise((resolve) => setTimeout(resolve, refreshEvery))]);
  await consoleSettled();
  reportRun();
}

captureConsole();
onFeedError(fail);
addEventListener("error", (event) => fail(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => fail(event.reason));
// The program's last line.
addEventListener("programend", () => void end());

await init({ device: wanted as "auto" | "webgpu" | "cpu" });
manualSeed(Number(seed));
const used = device();
const place = document.getElementById("device");
if (place) place.textContent = [used.name, used.reason].filter(Boolean).join(" · ");
const gpu = (await devices()).find(({ name }) => name === "webgpu");
if (gpu?.available) await watchGpu().catch(() => undefined);
begin({ paused: false, speed: Infinity });
// For loops that are not over `steps`.
const timer = setInterval(() => void refresh(performance.now()), refreshEvery);
