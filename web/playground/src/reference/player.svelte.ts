import type { ProgramError } from "../protocol";
import type { Runner, RunnerEvent } from "../runner/client";
import { programOf } from "./program";

/** Runs one snippet at a time, each in a fresh worker. */
export class Player {
  /** The entry whose snippet ran last, or runs. */
  entry = $state("");
  running = $state(false);
  lines: string[] = $state([]);
  error: ProgramError | null = $state.raw(null);
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
    runner.listen((event) => this.#receive(event));
  }

  run(entry: string, snippet: string): void {
    this.entry = entry;
    this.running = true;
    this.lines = [];
    this.error = null;
    this.#runner.run({
      language: "typescript",
      code: programOf(snippet),
      device: "auto",
      seed: 42,
      speed: Number.POSITIVE_INFINITY,
      paused: false,
      sliders: {},
      texts: {},
      source: { kind: "digits" },
    });
  }

  #receive(event: RunnerEvent): void {
    if (event.type === "log") this.lines.push(event.text);
    else if (event.type === "error") this.error = event.error;
    else if (event.type === "broken") {
      this.error = event.error;
      this.running = false;
    } else if (event.type === "died") this.running = false;
    else if (event.type === "state" && event.state !== "running" && event.state !== "paused")
      this.running = false;
  }
}
