/** The panels a program will ask for, read from its text, so that their places are kept from the start. */

export const helpers = ["plot", "boundary", "predictions", "weights", "drawDigit"] as const;
export type Helper = (typeof helpers)[number];

export function expectedPanels(code: string): Set<Helper> {
  return new Set(helpers.filter((name) => new RegExp(`^(?!\\s*//).*\\b${name}\\(`, "m").test(code)));
}
