import type { Tensor } from "playgrad";
import type { Point } from "../protocol";
import { post } from "./port";

/**
 * What the page sees, read in batches and never awaited by the program's own loop:
 * plotted values, thinned to what a screen can show, and live views that are on screen.
 */

export type Plotted = Tensor | number;

export interface LiveView {
  readonly id: string;
  /** Milliseconds between two samples, at least; 80 unless told. */
  readonly interval?: number;
  /** Builds its reads at once, between two steps, and posts when they arrive. */
  sample(): Promise<void>;
}

interface Pending {
  step: number;
  time: number;
  values: Record<string, Plotted>;
}

const pointsPerBatch = 24;
/** Where nothing has to be read from the device. */
const numbersPerBatch = 1000;
const sendEvery = 40;
const batchesInFlight = 3;
const shortestInterval = 80;
const costFactor = 6;

let pending: Pending[] = [];
/** Some of the pending values are tensors. */
let costly = false;
const plotted: Record<string, number> = {};
let sentAt = 0;
let inFlight: Promise<void>[] = [];
let order: Promise<void> = Promise.resolve();
let fail: (error: unknown) => void = () => undefined;

interface Entry {
  view: LiveView;
  due: number;
  busy: Promise<void> | null;
  again: boolean;
}

const views = new Map<string, Entry>();
let hidden: ReadonlySet<string> = new Set();

export function onFeedError(handler: (error: unknown) => void): void {
  fail = handler;
}

export function setHidden(ids: string[]): void {
  hidden = new Set(ids);
}

export function addPoint(step: number, time: number, values: Record<string, Plotted>): void {
  pending.push({ step, time, values });
  for (const name of Object.keys(values)) plotted[name] = (plotted[name] ?? 0) + 1;
  costly ||= Object.values(values).some((value) => typeof value !== "number");
  if (pending.length > 16 * room()) pending = thin(pending, room());
}

const room = () => (costly ? pointsPerBatch : numbersPerBatch);

/** Keeps the last point, and with it every point that carries a series the others lack. */
function thin(points: Pending[], count: number): Pending[] {
  if (points.length <= count) return points;
  const common = new Set(Object.keys(points[0]?.values ?? {}));
  const stride = points.length / count;
  let next = stride;
  return points.filter((point, i) => {
    const take = i + 1 >= next || i === points.length - 1;
    if (take) next += stride;
    return take || Object.keys(point.values).some((key) => !common.has(key));
  });
}

function sendPoints(): void {
  if (pending.length === 0) return;
  const batch = thin(pending, room());
  pending = [];
  costly = false;
  const before = order;
  const reading = readPoints(batch).then(async (points) => {
    await before;
    post({ type: "points", points, plotted: { ...plotted } });
  });
  order = reading.catch(fail);
  track(order);
}

async function readPoints(batch: Pending[]): Promise<Point[]> {
  return Promise.all(
    batch.map(async ({ step, time, values }) => {
      const read = await Promise.all(
        Object.entries(values).map(
          async ([key, value]) => [key, typeof value === "number" ? value : await value.item()] as const,
        ),
      );
      return { step, time, values: Object.fromEntries(read) };
    }),
  );
}

function track(work: Promise<void>): void {
  inFlight.push(work);
  void work.then(() => {
    inFlight = inFlight.filter((other) => other !== work);
  });
}

export function addView(view: LiveView): void {
  const entry = views.get(view.id);
  if (entry) entry.view = view;
  else views.set(view.id, { view, due: 0, busy: null, again: false });
}

function sampleViews(now: number, all: boolean): void {
  for (const entry of views.values()) {
    const seen = !hidden.has(entry.view.id);
    if (entry.busy || (!all && (!seen || now < entry.due))) continue;
    const start = performance.now();
    entry.busy = entry.view
      .sample()
      .catch(fail)
      .finally(() => {
        const cost = performance.now() - start;
        entry.due = performance.now() + Math.max(entry.view.interval ?? shortestInterval, costFactor * cost);
        entry.busy = null;
      });
    track(entry.busy);
  }
}

/** Called between steps; waits only when the device has fallen several batches behind. */
export async function refresh(now: number): Promise<void> {
  if (now - sentAt >= sendEvery) {
    sentAt = now;
    sendPoints();
  }
  sampleViews(now, false);
  while (inFlight.length > batchesInFlight + views.size) await Promise.race(inFlight);
}

/** Reads everything that is still due: at a pause and at the end. */
export async function settle(): Promise<void> {
  await Promise.all(inFlight);
  sendPoints();
  sampleViews(performance.now(), true);
  await Promise.all(inFlight);
}
