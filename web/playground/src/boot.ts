import wasmUrl from "playgrad/engine.wasm?url";
import { Runner } from "./runner/client";
import { settings } from "./state/settings";

const runner = new Runner(() => WebAssembly.compileStreaming(fetch(wasmUrl)), settings.device());

import("./app").then(({ start }) => start(runner)).then(isolateNextVisit);

/** Where the host sends no isolation headers, a service worker adds them from the next visit on. */
function isolateNextVisit(): void {
  if (crossOriginIsolated || !isSecureContext || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("./coi.js").catch(() => undefined);
}
