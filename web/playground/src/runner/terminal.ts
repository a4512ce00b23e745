import type { LogLevel } from "../protocol";
import { admit, longest } from "./console";
import { post } from "./port";

/**
 * Text as a terminal takes it, in console lines: sent at once, for a program that gives way to nothing. A line that
 * is not finished shows now and then, and is redrawn; \r begins it again.
 */

const redrawEvery = 60;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin what a terminal is told about colours
const escapes = /\x1b\[[0-9;?]*[A-Za-z]/g;

let line = "";
let level: LogLevel = "log";
/** The line begins again with whatever comes next. */
let returned = false;
/** Whether a part of the line is on the page. */
let shown = false;
let stale = false;
let shownAt = 0;

export function write(text: string, to: LogLevel): void {
  if (to !== level) endLine();
  level = to;
  for (const [i, part] of text.replace(escapes, "").split("\n").entries()) {
    if (i > 0) finish();
    append(part.split("\r"));
  }
  redraw();
}

/** Shows a line that is not finished, if it is time. */
export function redraw(): void {
  if (!stale || performance.now() - shownAt < redrawEvery) return;
  send();
  shown = true;
  stale = false;
  shownAt = performance.now();
}

/** Finishes a line that has text. */
export function endLine(): void {
  if (shown || line !== "") finish();
}

function append(pieces: string[]): void {
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) returned = true;
    if (piece === "") continue;
    line = returned ? piece : line + piece;
    returned = false;
    stale = true;
  }
}

function finish(): void {
  const changed = stale || !shown;
  if (changed && (shown || admit())) send();
  line = "";
  returned = shown = stale = false;
}

function send(): void {
  post({ type: "log", level, text: line.slice(0, longest), replace: shown });
}
