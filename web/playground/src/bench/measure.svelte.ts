import { type About, BenchClient } from "../../../bench/client.js";
import { workload, workloadNames } from "../../../bench/workloads.js";
import { text } from "../text/bench";

/** Measures one engine after another, each in a worker of its own. */

const engines = [
  { id: "playgrad-cpu-jit", library: "playgrad", place: "cpu" },
  { id: "playgrad-webgpu-jit", library: "playgrad", place: "webgpu" },
  { id: "tfjs-wasm", library: "tfjs", place: "wasm" },
  { id: "tfjs-webgpu", library: "tfjs", place: "webgpu" },
  { id: "jax-wasm", library: "jax", place: "wasm" },
  { id: "jax-webgpu", library: "jax", place: "webgpu" },
] as const;

type Engine = (typeof engines)[number];
export type Rival = Exclude<Engine["library"], "playgrad">;
export const rivals: readonly Rival[] = ["tfjs", "jax"];

const heavy = new Set(["cnn", "beautiful_mnist", "gpt_nano", "gpt_sort", "matmul1024", "matmul2048"]);
const budget = 300;
const rounds = 3;
const limit = 30;

export interface Result {
  engine: string;
  ours: boolean;
  /** Milliseconds a step, or why there are none. */
  ms: number | null;
  note: string;
}

export class Task {
  readonly name: string;
  readonly title: string;
  chosen: boolean = $state(false);
  results: Result[] = $state([]);

  constructor(name: string) {
    this.name = name;
    this.title = workload(name).title;
    this.chosen = !heavy.has(name);
  }

  fastest(): number {
    return Math.min(...this.results.map(({ ms }) => ms ?? Number.POSITIVE_INFINITY));
  }
}

const nameOf = ({ library, place }: Engine) => `${text.libraries[library]}, ${text.places[place]}`;

const noteOf = ({ device, threads }: About): string => device ?? (threads ? text.threads(threads) : "");

export class Measurements {
  readonly tasks = workloadNames.map((name) => new Task(name));
  readonly rivals: Record<Rival, boolean> = $state({ tfjs: false, jax: false });
  running = $state(false);
  status = $state(text.ready);
  #client: BenchClient | null = null;

  async run(): Promise<void> {
    const used = engines.filter(({ library }) => library === "playgrad" || this.rivals[library]);
    const jobs = this.tasks
      .filter((task) => task.chosen)
      .flatMap((task) => used.map((engine) => ({ task, engine })));
    for (const { task } of jobs) task.results = [];
    this.running = true;
    for (const [i, { task, engine }] of jobs.entries()) {
      this.status = text.progress(i + 1, jobs.length, task.title, nameOf(engine));
      const result = await this.#measure(task.name, engine);
      if (!this.running) break;
      task.results.push(result);
    }
    this.status = this.running ? text.done : text.stopped;
    this.running = false;
  }

  stop(): void {
    this.running = false;
    this.#client?.end();
  }

  async #measure(name: string, engine: Engine): Promise<Result> {
    const client = new BenchClient(
      new Worker(new URL("../../../bench/site-worker.js", import.meta.url), { type: "module" }),
    );
    this.#client = client;
    const base = { engine: nameOf(engine), ours: engine.library === "playgrad" };
    try {
      const late = new Promise<never>((_, fail) => {
        setTimeout(() => fail(new Error(text.late(limit))), limit * 1000);
      });
      const { times, about } = await Promise.race([this.#times(client, engine.id, name), late]);
      const sorted = times.toSorted((a, b) => a - b);
      return { ...base, ms: sorted[sorted.length >> 1] ?? null, note: noteOf(about) };
    } catch (error) {
      return { ...base, ms: null, note: text.cannot(error instanceof Error ? error.message : String(error)) };
    } finally {
      client.end();
    }
  }

  async #times(client: BenchClient, engine: string, name: string) {
    const { ms } = await client.start(engine, name);
    const times: number[] = [];
    let about: About = {};
    // The first one warms up and does not count, unless one step already takes longer.
    let last = ms < budget ? (await client.measure(budget / 3, ms)).ms : ms;
    for (let round = 0; round < rounds; round += 1) {
      ({ ms: last, about } = await client.measure(budget, last));
      times.push(last);
    }
    return { times, about };
  }
}
