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

import("./app").then(({ start }) => start(runner)).then(prepareNextVisit);

/**
 * A service worker keeps the page for a visit without a network; where the host sends no isolation headers, it adds
 * them from the next visit on.
 */
async function prepareNextVisit(): Promise<void> {
  if (import.meta.env.DEV || !isSecureContext || !("serviceWorker" in navigator)) return;
  const first = !navigator.serviceWorker.controller;
  const { active } = await navigator.serviceWorker
    .register("./coi.js")
    .then(() => navigator.serviceWorker.ready)
    .catch(() => ({ active: null }));
  if (!first) return;
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  active?.postMessage([location.href, ...loaded].filter((address) => address.startsWith(location.origin)));
}
