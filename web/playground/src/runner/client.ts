import type { DeviceChoice, FromWorker, Language, RunRequest, ToWorker } from "../protocol";

/**
 * The page's side: one worker runs the program, a warm one stands by. A run always gets a fresh worker, so that
 * nothing of the last run is left; Stop asks first, and replaces a worker that does not answer.
 */

const patience = 250;
const sparePause = 1200;

export type RunnerEvent = FromWorker | { type: "died" } | { type: "forced" };

interface Seat {
  worker: Worker;
  device: DeviceChoice;
  language: Language;
  used: boolean;
  report: FromWorker | null;
}

export class Runner {
  #wasm: Promise<WebAssembly.Module | null>;
  #seat: Seat;
  #spare: Seat | null = null;
  #spareTimer: ReturnType<typeof setTimeout> | undefined;
  #stopTimer: ReturnType<typeof setTimeout> | undefined;
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
    clearTimeout(this.#stopTimer);
    this.#device = request.device;
    this.#language = request.language;
    if (this.#seat.used || !this.#fits(this.#seat) || this.#seat.report?.type === "broken") {
      this.#seat.worker.terminate();
      this.#takeSpare();
    }
    this.#seat.used = true;
    this.#send({ type: "run", ...request });
    this.#planSpare();
  }

  stop(): void {
    this.#send({ type: "stop" });
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => {
      this.#seat.worker.terminate();
      this.#takeSpare();
      this.#listener({ type: "forced" });
    }, patience);
  }

  tell(message: Exclude<ToWorker, { type: "init" | "run" | "stop" }>): void {
    this.#send(message);
  }

  useDevice(device: DeviceChoice): void {
    this.#device = device;
    this.#refit();
  }

  /** Workers of the other language give way to ones that load this one. */
  useLanguage(language: Language): void {
    this.#language = language;
    this.#refit();
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
      this.#spare ??= this.#hire();
    }, sparePause);
  }

  #hire(): Seat {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const seat: Seat = { worker, device: this.#device, language: this.#language, used: false, report: null };
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
    return seat;
  }

  #receive(seat: Seat, message: FromWorker): void {
    if (message.type === "ready" || message.type === "broken") seat.report = message;
    if (seat !== this.#seat) return;
    if (message.type === "state" && message.state !== "running" && message.state !== "paused")
      clearTimeout(this.#stopTimer);
    this.#listener(message);
  }
}
