import { BenchClient } from "./client.js";

// What scripts/bench.mjs calls: one page, one worker.
let client;

window.bench = {
  start(...args) {
    client?.end();
    client = new BenchClient(new Worker(new URL("./page-worker.js", import.meta.url), { type: "module" }));
    return client.start(...args);
  },
  measure: (...args) => client.measure(...args),
};
