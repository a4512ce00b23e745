import oneThread from "playgrad/engine.wasm?url";
import threads from "playgrad/engine-threads.wasm?url";
import { Runner } from "./runner/client";
import { settings } from "./state/settings";

const wasm = crossOriginIsolated && navigator.hardwareConcurrency > 1 ? threads : oneThread;
const runner = new Runner(
  () => WebAssembly.compileStreaming(fetch(wasm)),
  settings.device(),
  settings.language(),
);

import("./app").then(({ start }) => start(runner)).then(isolateNextVisit);

/** Where the host sends no isolation headers, a service worker adds them from the next visit on. */
function isolateNextVisit(): void {
  if (crossOriginIsolated || !isSecureContext || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("./coi.js").catch(() => undefined);
}
