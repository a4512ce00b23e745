import type { DataSource } from "../protocol";

/** What the page has chosen or is sending: the data source, and digits drawn by hand. */

let source: DataSource = { kind: "digits" };
const drawn = new Map<string, (pixels: Float32Array) => Promise<void>>();

export function setSource(chosen: DataSource): void {
  source = chosen;
}

export function chosenSource(): DataSource {
  return source;
}

export function onDigit(id: string, handler: (pixels: Float32Array) => Promise<void>): void {
  drawn.set(id, handler);
}

export async function receiveDigit(id: string, pixels: Float32Array): Promise<void> {
  await drawn.get(id)?.(pixels);
}
