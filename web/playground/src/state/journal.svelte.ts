import { type Run, Series } from "../charts/series";
import type { LogLevel, Point } from "../protocol";

export interface LogLine {
  key: number;
  level: LogLevel;
  text: string;
}

const mostLines = 600;
const earlierKept = 4;

/** What runs leave behind: plotted series of this run and earlier ones, and console lines. */
export class Journal {
  /** Grows with every batch of points; charts redraw when it changes. */
  version = $state(0);
  names = $state.raw<string[]>([]);
  lines = $state.raw<LogLine[]>([]);

  current: Run = { series: new Map() };
  earlier: Run[] = [];
  #nextKey = 0;

  add(points: Point[]): void {
    for (const { step, time, values } of points)
      for (const [name, value] of Object.entries(values)) {
        let series = this.current.series.get(name);
        if (!series) {
          series = new Series();
          this.current.series.set(name, series);
          if (!this.names.includes(name)) this.names = [...this.names, name];
        }
        series.add(step, time / 1000, value);
      }
    this.version++;
  }

  nextRun(): void {
    if (this.#worthKeeping()) this.earlier = [...this.earlier, this.current].slice(-earlierKept);
    this.current = { series: new Map() };
    this.lines = [];
    this.version++;
  }

  /** Charts that the finished run did not ask for go away. */
  endRun(): void {
    const used = this.names.filter((name) => this.current.series.has(name));
    if (used.length < this.names.length) this.names = used;
  }

  clear(): void {
    this.current = { series: new Map() };
    this.earlier = [];
    this.names = [];
    this.lines = [];
    this.version++;
  }

  log(level: LogLevel, text: string, replace = false): void {
    const line = { key: this.#nextKey++, level, text };
    const before = replace ? this.lines.slice(0, -1) : this.lines;
    this.lines = [...before.slice(-mostLines + 1), line];
  }

  clearLines(): void {
    this.lines = [];
  }

  #worthKeeping(): boolean {
    return [...this.current.series.values()].some((series) => series.length > 2);
  }
}
