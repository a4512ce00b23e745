/** Every word the bench page shows, but for the workloads' titles. */

export const text = {
  title: "Speed on this device",
  about:
    "Trains and runs the same networks with the same weights and data in each library, one after another, and shows how fast each is. Everything is measured in this browser; nothing is sent anywhere.",
  back: "Back to the playground",
  run: "Measure",
  stop: "Stop",
  chosen: "What to measure",
  rivals: "Compare with",
  rivalsHint: "Loaded from this site when you press Measure",
  libraries: { playgrad: "playgrad", tfjs: "TensorFlow.js", jax: "jax-js" },
  places: { cpu: "CPU", wasm: "CPU", webgpu: "WebGPU" },
  processor: (cores: number, isolated: boolean) =>
    `${cores} processor threads${isolated ? "" : "; this page may use only one"}`,
  progress: (done: number, total: number, workload: string, engine: string) =>
    `${done} of ${total}: ${workload} with ${engine}`,
  ready: "Choose what to measure, then press Measure",
  done: "All measured",
  stopped: "Stopped",
  ms: (value: string) => `${value} ms`,
  perStep: "Time of a step; a longer bar is faster",
  fastest: "fastest",
  slower: (times: string) => `${times}× the time`,
  threads: (count: number) => (count === 1 ? "1 thread" : `${count} threads`),
  cannot: (reason: string) => `not here: ${reason}`,
  late: (seconds: number) => `more than ${seconds} s`,
};
