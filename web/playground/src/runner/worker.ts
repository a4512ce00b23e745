import * as playgrad from "playgrad";
import * as playground from "../live/index";
import { sendWeights } from "../live/save";
import { receiveSlider, setSliders } from "../live/slider";
import { receiveDigit, setSource } from "../live/state";
import { receiveText, setTexts } from "../live/text";
import type { DeviceChoice, PythonParts, RunRequest, ToWorker } from "../protocol";
import type { Interpreter } from "../python/interpreter";
import { text } from "../text/en";
import { watchGpu } from "./ahead";
import { compile, type ImportTarget } from "./compile";
import { captureConsole, consoleSettled } from "./console";
import * as control from "./control";
import { describe } from "./errors";
import { onFeedError, setHidden, settle } from "./feed";
import { moduleUrl, shareEntries, shareModule } from "./modules";
import { post } from "./port";
import { StopSignal } from "./usage";

/** One worker runs one program: a fresh engine, no leftovers; the page keeps a warm one ready. */

Error.stackTraceLimit = 50;

let targets: Record<string, ImportTarget> = {};
let programUrl = "";
let programCode = "";
let failed = false;
let python: Interpreter | null = null;
let pythonStarted: (done: Promise<void>) => void = () => undefined;
const pythonReady = new Promise<void>((resolve) => {
  pythonStarted = resolve;
});
let initialised: (done: Promise<void>) => void = () => undefined;
const ready = new Promise<void>((resolve) => {
  initialised = resolve;
});

async function init(wasm: WebAssembly.Module | null, device: DeviceChoice): Promise<void> {
  try {
    const info = await playgrad.init(wasm ? { wasm, device } : { device });
    targets = {
      playgrad: shareModule("playgrad", { ...playgrad }),
      playground: shareModule("playground", { ...playground }),
    };
    post({ type: "ready", device: info, names: completionNames() });
    playgrad.devices().then(tellDevices, fail);
  } catch (error) {
    const detail = describe(error, "");
    // Told here: the rejection that follows must not be told again as the program's error.
    failed = true;
    post({ type: "broken", error: engineRuns() ? detail : { ...detail, kind: "load" } });
    throw error;
  }
}

async function tellDevices(devices: playgrad.DeviceInfo[]): Promise<void> {
  post({ type: "devices", devices });
  if (devices.some(({ name, available }) => name === "webgpu" && available))
    await watchGpu().catch(() => undefined);
}

async function startPython(parts: PythonParts, interrupts: Uint8Array | null): Promise<void> {
  try {
    post({ type: "python", fraction: 0.9, what: text.python.starting });
    await ready;
    const { start } = await import("../python/interpreter");
    python = await start(parts, interrupts, (snapshot) =>
      post({ type: "snapshot", snapshot }, snapshot ? [snapshot.memory] : []),
    );
    post({ type: "python", fraction: 1, what: "" });
  } catch (error) {
    failed = true;
    const reason = error instanceof Error ? error.message : String(error);
    const message = text.python.failed(reason);
    post({
      type: "broken",
      error: { kind: "load", name: "PythonError", message, fix: text.python.failedFix },
    });
    throw error;
  }
}

function engineRuns(): boolean {
  try {
    playgrad.memory();
    return true;
  } catch {
    return false;
  }
}

/** What the editor offers after a dot, by the word before it; "" is a word of its own. */
function completionNames(): Record<string, string[]> {
  const own = (value: object) =>
    Object.getOwnPropertyNames(value).filter((key) => /^[a-z]\w*$/i.test(key) && key !== "constructor");
  return {
    "": [...Object.keys(playgrad), ...Object.keys(playground)],
    nn: Object.keys(playgrad.nn),
    optim: Object.keys(playgrad.optim),
    data: Object.keys(playgrad.data),
    Tensor: own(playgrad.Tensor).filter((key) => !["length", "name", "prototype"].includes(key)),
    tensor: own(playgrad.Tensor.prototype),
  };
}

/** A failed program still shows what it had asked for, unless the device no longer answers. */
function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 400));
}

function fail(error: unknown): void {
  if (failed || error instanceof StopSignal) return;
  const told = python?.describe(error) ?? describe(error, programUrl, programCode);
  if (typeof told === "string") return;
  failed = true;
  post({ type: "error", error: told });
  control.stop();
}

/** Resolves to whether the program was stopped; its error is thrown. */
async function runTypeScript(code: string): Promise<boolean> {
  programUrl = moduleUrl(compile(code, { ...targets, ...(await shareEntries(code)) }));
  post({ type: "started" });
  try {
    await import(/* @vite-ignore */ programUrl);
    return false;
  } catch (error) {
    if (error instanceof StopSignal) return true;
    throw error;
  }
}

async function runPython(code: string, seed: number): Promise<boolean> {
  post({ type: "started" });
  const outcome = await python?.run(code, seed);
  if (typeof outcome === "object" && !failed) {
    failed = true;
    post({ type: "error", error: outcome });
  }
  return outcome === "stopped";
}

async function run(request: RunRequest): Promise<void> {
  await ready;
  programCode = request.code;
  setSource(request.source);
  setSliders(request.sliders);
  setTexts(request.texts);
  captureConsole();
  onFeedError(fail);
  let stopped = false;
  try {
    post({ type: "device", device: playgrad.device() });
    playgrad.manualSeed(request.seed);
    if (request.language === "python") await pythonReady;
    control.begin(request);
    stopped = await (request.language === "python" ? runPython : runTypeScript)(request.code, request.seed);
  } catch (error) {
    fail(error);
  }
  await Promise.race([settle(), failed ? patience() : new Promise<never>(() => undefined)]);
  await consoleSettled();
  control.reportRun();
  post({ type: "state", state: failed ? "failed" : stopped ? "stopped" : "done", ms: control.elapsed() });
}

self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fail(event.reason);
});

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case "init":
      initialised(init(data.wasm, data.device));
      return;
    case "python":
      pythonStarted(startPython(data.parts, data.interrupt));
      return;
    case "run":
      void run(data).catch(() => undefined);
      return;
    case "pause":
      return control.pause();
    case "resume":
      return control.resume();
    case "step":
      return control.step();
    case "stop":
      // An interrupt that meets Python's own loop of events is lost, and so is what it waited for.
      python?.calm();
      return control.stop();
    case "speed":
      return control.setSpeed(data.speed);
    case "slider":
      return receiveSlider(data.name, data.value);
    case "text":
      return receiveText(data.name, data.value);
    case "hidden":
      return setHidden(data.ids);
    case "save":
      void sendWeights(data.name);
      return;
    case "digit":
      receiveDigit(data.id, data.pixels).catch(fail);
      return;
  }
});
