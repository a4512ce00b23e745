import type { SliderSpec } from "../protocol";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";

let remembered: Record<string, number> = {};
const current = new Map<string, number>();

export function setSliders(values: Record<string, number>): void {
  remembered = values;
}

export function receiveSlider(name: string, value: number): void {
  current.set(name, value);
}

/** A slider beside the charts; returns where it stands now, so read it inside the loop. */
export function slider(
  name: string,
  options: { min: number; max: number; value: number; step?: number },
): number {
  const known = current.get(name);
  if (known !== undefined) return known;
  const { min, max, step = 10 ** Math.floor(Math.log10((max - min) / 100)) } = options;
  if (!(min < max))
    throw new UsageError(
      "slider",
      `"${name}" from ${min} to ${max}`,
      "min below max",
      "Swap the two numbers.",
    );
  const value = Math.min(max, Math.max(min, remembered[name] ?? options.value));
  current.set(name, value);
  const spec: SliderSpec = { name, min, max, step, value };
  post({ type: "slider", slider: spec });
  return value;
}
