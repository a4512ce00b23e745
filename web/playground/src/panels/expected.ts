/** The panels a program will ask for, read from its text, so that their places are kept from the start. */

export const helpers = [
  "plot",
  "boundary",
  "predictions",
  "weights",
  "drawDigit",
  "graph",
  "images",
  "scene",
  "modelFile",
] as const;
export type Helper = (typeof helpers)[number];

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export function expectedPanels(code: string): Set<Helper> {
  const called = (name: string) => new RegExp(`^(?!\\s*(?://|#)).*\\b${name}\\(`, "m").test(code);
  return new Set(helpers.filter((name) => called(name) || called(snake(name))));
}
