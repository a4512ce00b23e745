/** What an engine says about where it ran. */
export interface About {
  device?: string;
  threads?: number;
}

export declare class BenchClient {
  constructor(worker: Worker);
  /** `first`: time until the first step's end; `ms`: time of the last checked step. */
  start(engine: string, workload: string): Promise<{ first: number; ms: number }>;
  /** Steps for about `budget` ms where one takes about `ms`. */
  measure(budget: number, ms: number): Promise<{ ms: number; count: number; about: About }>;
  end(): void;
}
