import { Tensor } from "playgrad";
import type { LogLevel } from "../protocol";
import { post } from "./port";

/** Console lines in the order they were printed, tensors as text once they are read. */

/** To the browser's console alone, while that of a program is captured too. */
export const warnAside = console.warn.bind(console);

export const longest = 20_000;
const perSecond = 400;

let order: Promise<void> = Promise.resolve();
let windowStart = 0;
let windowLines = 0;
let dropped = 0;

export function print(...values: unknown[]): void {
  log("log", values);
}

export function log(level: LogLevel, values: unknown[]): void {
  if (!admit()) return;
  const parts = values.map(format);
  const before = order;
  order = (async () => {
    const words = await Promise.all(parts.map(async (part) => part));
    await before;
    post({ type: "log", level, text: words.join(" ").slice(0, longest) });
  })().catch((error: unknown) => {
    post({ type: "log", level: "error", text: error instanceof Error ? error.message : String(error) });
  });
}

export async function consoleSettled(): Promise<void> {
  await order;
  reportDropped();
}

export function admit(): boolean {
  const now = performance.now();
  if (now - windowStart > 1000) {
    reportDropped();
    windowStart = now;
    windowLines = 0;
  }
  if (++windowLines <= perSecond) return true;
  dropped++;
  return false;
}

function reportDropped(): void {
  if (dropped > 0) post({ type: "log", level: "warn", text: `… ${dropped} more lines` });
  dropped = 0;
}

function format(value: unknown): string | Promise<string> {
  if (value instanceof Tensor) return value.toText();
  return formatPlain(value, 0);
}

function formatPlain(value: unknown, depth: number): string {
  if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (value instanceof Tensor) return `Tensor([${value.shape.join(", ")}], ${value.dtype})`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== "object" || value === null)
    return typeof value === "bigint" ? `${value}n` : String(value);
  if (depth > 3) return Array.isArray(value) ? "[…]" : "{…}";
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = Array.from(value as unknown as ArrayLike<number>);
    return `${value.constructor.name}(${items.length}) [${clipped(items.map(String))}]`;
  }
  const spoken = (value as { toString?: unknown }).toString;
  if (typeof spoken === "function" && spoken !== {}.toString && spoken !== [].toString) return String(value);
  if (Array.isArray(value)) return `[${clipped(value.map((item) => formatPlain(item, depth + 1)))}]`;
  const name = value.constructor?.name;
  const body = clipped(Object.entries(value).map(([key, item]) => `${key}: ${formatPlain(item, depth + 1)}`));
  return `${name && name !== "Object" ? `${name} ` : ""}{${body ? ` ${body} ` : ""}}`;
}

function clipped(items: string[]): string {
  const shown = items.slice(0, 100).join(", ");
  return items.length > 100 ? `${shown}, … ${items.length - 100} more` : shown;
}

const levels: readonly LogLevel[] = ["log", "info", "warn", "error"];

export function captureConsole(): void {
  for (const level of levels) {
    const original = console[level].bind(console);
    console[level] = (...values: unknown[]) => {
      original(...values);
      log(level, values);
    };
  }
}
