import type {
  DeviceChoice,
  FromWorker,
  Language,
  PythonParts,
  PythonSnapshot,
  RunRequest,
  ToWorker,
} from "../protocol";
import { text } from "../text/en";

/**
 * The page's side: one worker runs the program, a warm one stands by. A run always gets a fresh worker, so that
 * nothing of the last run is left; Stop asks first, and replaces a worker that does not answer.
 */

const patience = 250;
const sparePause = 1200;
// A program that waits now and then hears of Stop before the first one.
const interruptEvery = 50;

export type RunnerEvent = FromWorker | { type: "died" } | { type: "forced" };

interface Seat {
  worker: Worker;
  device: DeviceChoice;
  language: Language;
  /** Shared with Python in the worker; null where memory cannot be shared. */
  interrupts: Uint8Array | null;
  /** Python is on its way to it. */
  taught: boolean;
  /** Python runs in it. */
  warm: boolean;
  used: boolean;
  report: FromWorker | null;
}

export class Runner {
  #wasm: Promise<WebAssembly.Module | null>;
  #seat: Seat;
  #spare: Seat | null = null;
  #spareTimer: ReturnType<typeof setTimeout> | undefined;
  #stopTimer: ReturnType<typeof setTimeout> | undefined;
  #interruptTimer: ReturnType<typeof setInterval> | undefined;
  #python: Promise<PythonParts> | null = null;
  #download: AbortController | null = null;
  /** The download was stopped: nothing asks for it until the next run. */
  #halted = false;
  #device: DeviceChoice;
  #language: Language;
  #listener: (event: RunnerEvent) => void = () => undefined;
  #early: RunnerEvent[] = [];

  constructor(
    compile: () => Promise<WebAssembly.Module>,
    device: DeviceChoice,
    language: Language = "typescript",
  ) {
    this.#wasm = compile().catch(() => null);
    this.#device = device;
    this.#language = language;
    this.#listener = (event) => this.#early.push(event);
    this.#seat = this.#hire();
  }

  listen(listener: (event: RunnerEvent) => void): void {
    this.#listener = listener;
    for (const event of this.#early.splice(0)) listener(event);
  }

  run(request: RunRequest): void {
    this.#calm();
    this.#device = request.device;
    this.#language = request.language;
    this.#halted = false;
    if (this.#seat.used || !this.#fits(this.#seat) || this.#seat.report?.type === "broken") {
      this.#seat.worker.terminate();
      this.#takeSpare();
    }
    this.#seat.used = true;
    void this.#teachPython(this.#seat);
    this.#send({ type: "run", ...request });
    this.#planSpare();
  }

  stop(): void {
    this.#send({ type: "stop" });
    this.#calm();
    const { interrupts } = this.#seat;
    if (interrupts) Atomics.store(interrupts, 1, 1);
    const interrupt = () => interrupts && Atomics.store(interrupts, 0, 2);
    // A program may catch it and go on.
    this.#interruptTimer = setInterval(interrupt, interruptEvery);
    this.#stopTimer = setTimeout(() => {
      this.#calm();
      this.#haltDownload();
      this.#seat.worker.terminate();
      this.#takeSpare();
      this.#listener({ type: "forced" });
    }, patience);
  }

  #calm(): void {
    clearTimeout(this.#stopTimer);
    clearInterval(this.#interruptTimer);
  }

  tell(message: Exclude<ToWorker, { type: "init" | "python" | "run" | "stop" }>): void {
    this.#send(message);
  }

  useDevice(device: DeviceChoice): void {
    this.#device = device;
    this.#refit();
  }

  /** Workers of the other language give way to ones that load this one. */
  useLanguage(language: Language): void {
    this.#language = language;
    this.#halted = false;
    if (language !== "python") this.#haltDownload();
    this.#refit();
  }

  #haltDownload(): void {
    if (!this.#download) return;
    this.#halted = true;
    this.#download.abort();
    this.#download = null;
    this.#python = null;
  }

  #fits({ device, language }: Seat): boolean {
    return device === this.#device && language === this.#language;
  }

  #refit(): void {
    if (this.#spare && !this.#fits(this.#spare)) this.#dismissSpare();
    if (!this.#seat.used && !this.#fits(this.#seat)) {
      this.#seat.worker.terminate();
      this.#takeSpare();
    }
  }

  #send(message: ToWorker): void {
    this.#seat.worker.postMessage(message);
  }

  #takeSpare(): void {
    const spare = this.#spare;
    this.#spare = null;
    if (spare && this.#fits(spare)) this.#seat = spare;
    else {
      spare?.worker.terminate();
      this.#seat = this.#hire();
    }
    if (this.#seat.report) this.#listener(this.#seat.report);
  }

  #dismissSpare(): void {
    this.#spare?.worker.terminate();
    this.#spare = null;
  }

  #planSpare(): void {
    clearTimeout(this.#spareTimer);
    this.#spareTimer = setTimeout(() => {
      // The first Python leaves its memory, from which others start.
      if (this.#seat.language === "python" && !this.#seat.warm) this.#planSpare();
      else this.#spare ??= this.#hire();
    }, sparePause);
  }

  #hire(): Seat {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const python = this.#language === "python";
    const interrupts = python && crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(2)) : null;
    const seat: Seat = {
      worker,
      device: this.#device,
      language: this.#language,
      interrupts,
      taught: false,
      warm: false,
      used: false,
      report: null,
    };
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#receive(seat, data));
    worker.addEventListener("error", () => {
      if (seat === this.#spare) this.#dismissSpare();
      if (seat === this.#seat) this.#listener({ type: "died" });
    });
    void this.#wasm.then((wasm) =>
      worker.postMessage({
        type: "init",
        wasm,
        device: seat.device,
        language: seat.language,
      } satisfies ToWorker),
    );
    void this.#teachPython(seat);
    return seat;
  }

  async #teachPython(seat: Seat): Promise<void> {
    if (seat.language !== "python" || seat.taught || this.#halted) return;
    seat.taught = true;
    this.#python ??= this.#downloadPython();
    const python = this.#python;
    try {
      const parts = await python;
      seat.worker.postMessage({ type: "python", parts, interrupt: seat.interrupts } satisfies ToWorker);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      if (this.#python === python) this.#python = null;
      const reason = error instanceof Error ? error.message : String(error);
      const message = text.python.failed(reason);
      const fix = text.python.failedFix;
      this.#receive(seat, { type: "broken", error: { kind: "load", name: "NetworkError", message, fix } });
    }
  }

  async #downloadPython(): Promise<PythonParts> {
    const download = new AbortController();
    this.#download = download;
    const { loadParts } = await import("../python/parts");
    const tell = (fraction: number, what: string) =>
      this.#listener({ type: "python", fraction: 0.9 * fraction, what });
    try {
      return await loadParts(tell, download.signal);
    } catch (error) {
      download.signal.throwIfAborted();
      throw error;
    } finally {
      if (this.#download === download) this.#download = null;
    }
  }

  async #keep(snapshot: PythonSnapshot | null): Promise<void> {
    const parts = await this.#python;
    if (parts) parts.snapshot = snapshot;
    const { keepSnapshot } = await import("../python/parts");
    await keepSnapshot(snapshot);
  }

  #receive(seat: Seat, message: FromWorker): void {
    if (message.type === "snapshot") {
      void this.#keep(message.snapshot);
      return;
    }
    if (message.type === "python" && message.fraction === 1) seat.warm = true;
    // An engine may be ready after Python has failed.
    if (message.type === "broken" || (message.type === "ready" && !seat.report)) seat.report = message;
    if (seat !== this.#seat) return;
    if (message.type === "state" && message.state !== "running" && message.state !== "paused") this.#calm();
    this.#listener(message);
  }
}
