import { engine, releaseDead, startEngine, started, type WasmSource } from "./engine.js";
import { DeviceError } from "./errors.js";

/** What `setDevice` takes. `auto`: large work on the GPU where there is one, small work on the CPU. */
export type DeviceChoice = "auto" | "webgpu" | "cpu";

/** A device, or why there is none. */
export interface DeviceInfo {
  name: "webgpu" | "cpu";
  /** Whether it can be used. */
  available: boolean;
  /** Why it is used, or why it cannot be. */
  reason: string;
  /** What it is: adapter and backend. */
  description: string;
}

/** How the engine is started. */
export interface InitOptions {
  /** Where `engine.wasm` is, if not beside the package. */
  wasm?: WasmSource;
  /** `auto` unless said otherwise. */
  device?: DeviceChoice;
  /**
   * How many threads the CPU device uses, or `false` for one. More than one only in a worker of a page that is
   * cross-origin isolated; there, unless said otherwise, as many as the machine has, up to 8.
   */
  threads?: number | false;
}

/** How long `auto` waits for an adapter beyond the engine's own start. */
const PATIENCE = 500;

let starting: Promise<DeviceInfo> | undefined;
let gpu: Promise<void> | undefined;
let choice: DeviceChoice = "auto";

/**
 * Starts the engine; await it before anything else. Later calls return the first one's result. With `auto` it
 * waits at most half a second for the GPU's adapter; with `cpu` not at all. A source that cannot be loaded, or
 * `webgpu` where there is none, throws `DeviceError`.
 */
export function init(options: InitOptions = {}): Promise<DeviceInfo> {
  starting ??= start(options).catch((error: unknown) => {
    starting = undefined;
    throw error;
  });
  return starting;
}

async function start({ wasm, device: wanted = "auto", threads }: InitOptions): Promise<DeviceInfo> {
  // The adapter's process and the wasm load at the same time.
  const adapter = wanted === "cpu" ? undefined : gpuOfHost().then((host) => host?.requestAdapter());
  adapter?.catch(() => undefined);
  await startEngine(wasm, threads === false ? 1 : threads);
  if (wanted === "auto") await Promise.race([openGpu(), new Promise((done) => setTimeout(done, PATIENCE))]);
  if (wanted === "webgpu") await openGpu();
  setDevice(wanted);
  return device();
}

interface Gpu {
  requestAdapter(options?: object): Promise<Adapter | null>;
}

interface Adapter {
  features?: ReadonlySet<string>;
  requestDevice(descriptor?: DeviceWishes): Promise<unknown>;
}

interface DeviceWishes {
  requiredFeatures?: string[];
}

interface Dawn {
  create(flags: string[]): Gpu;
  globals: object;
}

let dawn: Promise<Gpu | undefined> | undefined;

async function gpuOfHost(): Promise<Gpu | undefined> {
  const host = globalThis.navigator as { gpu?: Gpu } | undefined;
  if (host?.gpu || !globalThis.process?.versions?.node) return host?.gpu;
  dawn ??= nodeGpu();
  return dawn;
}

// Dawn for Node is an optional package of the user's; bundlers must not look for it, and minifiers put constants
// back into the import.
async function nodeGpu(): Promise<Gpu | undefined> {
  const { pathname: name } = new URL("npm:webgpu");
  try {
    const { create, globals } = (await import(/* @vite-ignore */ name)) as Dawn;
    Object.assign(globalThis, globals);
    const gpu = create([]);
    if (!globalThis.navigator)
      Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
    Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });
    return gpu;
  } catch {
    return undefined;
  }
}

function openGpu(): Promise<void> {
  gpu ??= gpuOfHost().then(async (host) => {
    if (host) await withSubgroups(host, () => asWorker(() => engine().openWebgpu()));
    else engine().noWebgpu(...missing());
  });
  return gpu;
}

// wgpu does not know that browsers have subgroups, and so would not ask for them.
async function withSubgroups(host: Gpu, open: () => Promise<unknown>): Promise<void> {
  const requestAdapter = host.requestAdapter;
  host.requestAdapter = async (options) => {
    const adapter = await requestAdapter.call(host, options);
    if (!adapter?.features?.has("subgroups")) return adapter;
    const requestDevice = adapter.requestDevice;
    adapter.requestDevice = (wishes = {}) => {
      const requiredFeatures = [...(wishes.requiredFeatures ?? []), "subgroups"];
      return requestDevice.call(adapter, { ...wishes, requiredFeatures });
    };
    return adapter;
  };
  try {
    await open();
  } finally {
    host.requestAdapter = requestAdapter;
  }
}

// wgpu looks for `navigator.gpu` only in what calls itself a window or a worker, which Node does not.
async function asWorker(open: () => Promise<unknown>): Promise<void> {
  const host = globalThis as { window?: unknown; WorkerGlobalScope?: unknown };
  const strange = host.window === undefined && host.WorkerGlobalScope === undefined;
  if (strange) host.WorkerGlobalScope = Object;
  try {
    await open();
  } finally {
    if (strange) delete host.WorkerGlobalScope;
  }
}

/** Why there is no WebGPU, and what to do. */
function missing(): [string, string] {
  if (globalThis.process?.versions?.node) return ["Node has no WebGPU of its own", "npm install webgpu"];
  if (globalThis.isSecureContext === false) return ["WebGPU needs a secure page", "use https or localhost"];
  return ["this browser has no WebGPU", "use a current Chrome, Edge, Safari or Firefox"];
}

/** Every device, with the reason where it cannot be used. */
export async function devices(): Promise<DeviceInfo[]> {
  engine();
  await openGpu();
  return [info("webgpu"), info("cpu")];
}

function info(name: "webgpu" | "cpu"): DeviceInfo {
  const [available, description] = engine().deviceInfo(name) as [boolean, string];
  return { name, available, description: available ? description : "", reason: available ? "" : description };
}

/** The device work runs on, and why. With `auto`: the one that ran last. */
export function device(): DeviceInfo {
  const webgpu = info("webgpu");
  if (choice !== "auto") return { ...info(choice), reason: "chosen" };
  if (!webgpu.available) return { ...info("cpu"), reason: webgpu.reason };
  if (engine().isEmulated("webgpu")) {
    return { ...info("cpu"), reason: "this browser's WebGPU is imitated by software" };
  }
  const times = engine().expectedTimes();
  if (!times) return { ...webgpu, reason: "large work runs here, small work on the CPU" };
  const [cpu, gpu] = Array.from(times, (seconds) => `${Number((seconds * 1000).toPrecision(2))} ms`);
  const onCpu = engine().usedDevice() === "cpu";
  const reason = onCpu ? `${cpu} a step expected, ${gpu} on webgpu` : `${gpu} a step expected, ${cpu} on cpu`;
  return { ...(onCpu ? info("cpu") : webgpu), reason };
}

/** Where new work runs. A device that is missing throws `DeviceError`; values stay where they are. */
export function setDevice(name: DeviceChoice): void {
  if (name !== "auto" && name !== "webgpu" && name !== "cpu") {
    throw new DeviceError("setDevice", `"${String(name)}"`, '"auto", "webgpu" or "cpu"', "name one of these");
  }
  if (name === "webgpu" && !gpu) {
    const fix = 'await devices() first, or start with init({ device: "webgpu" })';
    throw new DeviceError("setDevice", "webgpu before it was opened", "an open device", fix);
  }
  engine().setDevice(name);
  choice = name;
}

/** Random numbers start again from this seed. */
export function manualSeed(seed: number): void {
  engine().manualSeed(seed);
}

/** Memory the engine holds on all devices, in bytes, and what is alive. */
export interface Memory {
  bytes: number;
  /** The most `bytes` ever was. */
  peakBytes: number;
  /** Tensor handles not yet given back. */
  tensors: number;
  /** Graph nodes. */
  nodes: number;
}

/** What the engine holds now. Handles of tensors that died since the last turn of the event loop still count. */
export function memory(): Memory {
  const wasm = engine();
  releaseDead();
  const [bytes = 0, peakBytes = 0, tensors = 0, nodes = 0] = wasm.memoryInUse();
  return { bytes, peakBytes, tensors, nodes };
}

/** Work done since the start. */
export interface Counters {
  /** Kernels launched. */
  kernels: number;
  /** Submissions to a device. */
  submits: number;
  /** Plans made because no earlier one had the same structure. */
  plansCompiled: number;
  /** Plans found again. */
  planHits: number;
  /** Arithmetic operations in those kernels. */
  flops: number;
  /** Bytes those kernels read and wrote. */
  bytes: number;
}

/** What the engine did since `init`. */
export function counters(): Counters {
  const [kernels = 0, submits = 0, plansCompiled = 0, planHits = 0, flops = 0, bytes = 0] =
    engine().counters();
  return { kernels, submits, plansCompiled, planHits, flops, bytes };
}

/** Whether `init` is done. */
export const isReady = (): boolean => started();
