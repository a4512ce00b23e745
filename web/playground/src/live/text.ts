import { post } from "../runner/port";

let remembered: Record<string, string> = {};
const current = new Map<string, string>();

export function setTexts(values: Record<string, string>): void {
  remembered = values;
}

export function receiveText(name: string, value: string): void {
  current.set(name, value);
}

/** A box to type or paste text into; returns what it holds now. `value` is there at first. */
export function text(name: string, { value, rows = 6 }: { value: string; rows?: number }): string {
  const known = current.get(name);
  if (known !== undefined) return known;
  const held = remembered[name] ?? value;
  current.set(name, held);
  post({ type: "text", input: { name, rows, value: held } });
  return held;
}
