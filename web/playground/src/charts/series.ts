/** One plotted series, kept small: past `capacity` points, neighbours are dropped pairwise. */

const capacity = 2000;

export class Series {
  steps: number[] = [];
  seconds: number[] = [];
  values: number[] = [];
  first = NaN;
  low = Infinity;
  high = -Infinity;
  #stride = 1;
  #seen = 0;

  add(step: number, seconds: number, value: number): void {
    if (this.#seen === 0) this.first = value;
    this.low = Math.min(this.low, value);
    this.high = Math.max(this.high, value);
    const replace = this.#seen % this.#stride !== 0;
    this.#seen++;
    if (replace) this.#pop();
    this.steps.push(step);
    this.seconds.push(seconds);
    this.values.push(value);
    if (this.values.length > capacity) this.#halve();
  }

  get last(): number {
    return this.values.at(-1) ?? NaN;
  }

  get length(): number {
    return this.values.length;
  }

  #pop(): void {
    this.steps.pop();
    this.seconds.pop();
    this.values.pop();
  }

  #halve(): void {
    const keep = (_: number, i: number) => i % 2 === 0 || i === this.values.length - 1;
    const steps = this.steps.filter(keep);
    const seconds = this.seconds.filter(keep);
    this.values = this.values.filter(keep);
    this.steps = steps;
    this.seconds = seconds;
    this.#stride *= 2;
  }
}

export interface Run {
  series: Map<string, Series>;
}

export function toCsv(runs: Run[]): string {
  const lines = ["run,series,step,seconds,value"];
  runs.forEach(({ series }, run) => {
    for (const [name, { steps, seconds, values }] of series)
      for (const [i, value] of values.entries())
        lines.push([run + 1, quote(name), steps[i], seconds[i]?.toFixed(4), value].join(","));
  });
  return `${lines.join("\n")}\n`;
}

function quote(name: string): string {
  return /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
