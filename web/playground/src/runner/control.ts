import { type DeviceInfo, device, memory } from "playgrad";
import { answer, isFull, sentStep } from "./ahead";
import { refresh, settle } from "./feed";
import { post } from "./port";
import { StopSignal } from "./usage";

/**
 * The loop a program trains in: pause, single steps, speed and stop act between two steps.
 * It gives way to the event loop only when a slice of time is used up, so that short steps stay cheap.
 */

const slice = 12;
const progressEvery = 100;
const rateWindow = 500;

let paused = false;
let stopped = false;
let allowance = 0;
let loops = 0;
let canWait = true;
let speed = Infinity;
let sliceStart = 0;
let paceStart = 0;
let paceSteps = 0;
let wake: (() => void) | null = null;

let total = 0;
let goal = 0;
let reportedAt = 0;
let windowStart = 0;
let windowSteps = 0;
let rate = 0;
let clock = 0;
let pausedAt = 0;
let shown: DeviceInfo | undefined;

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.onmessage = () => waiting.shift()?.();

function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(null);
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      wake = null;
      resolve();
    }
    wake = done;
  });
}

function poke(): void {
  wake?.();
}

export function begin(options: { paused: boolean; speed: number }): void {
  paused = options.paused;
  speed = options.speed;
  clock = windowStart = sliceStart = paceStart = performance.now();
}

export function pause(): void {
  paused = true;
  poke();
}

export function resume(): void {
  if (pausedAt > 0) clock += performance.now() - pausedAt;
  pausedAt = 0;
  paused = false;
  allowance = 0;
  restartPace();
  poke();
}

export function step(): void {
  paused = true;
  allowance++;
  poke();
}

export function stop(): void {
  stopped = true;
  poke();
}

export function setSpeed(value: number): void {
  speed = value;
  restartPace();
  poke();
}

export function elapsed(): number {
  return (pausedAt || performance.now()) - clock;
}

export function stepsTaken(): number {
  return total;
}

function restartPace(): void {
  paceStart = performance.now();
  paceSteps = 0;
}

/** At the end: the rate of the whole run. */
export function reportRun(): void {
  rate = elapsed() > 0 ? (total * 1000) / elapsed() : 0;
  windowStart = performance.now();
  reportProgress(windowStart);
}

function reportProgress(now = performance.now()): void {
  const span = now - windowStart;
  if (span >= rateWindow) {
    rate = (windowSteps * 1000) / span;
    windowStart = now;
    windowSteps = 0;
  }
  post({
    type: "progress",
    progress: { step: total, total: goal, stepsPerSecond: rate, bytes: memory().bytes },
  });
  const used = device();
  if (used.name === shown?.name && used.reason === shown.reason) return;
  shown = used;
  post({ type: "device", device: used });
}

function reportSometimes(now: number): void {
  if (now - reportedAt < progressEvery) return;
  reportedAt = now;
  reportProgress(now);
}

async function giveWay(now: number): Promise<void> {
  reportSometimes(now);
  await refresh(now);
  await nextTask();
  sliceStart = performance.now();
}

async function hold(): Promise<void> {
  pausedAt = performance.now();
  await settle();
  rate = 0;
  windowSteps = 0;
  reportProgress();
  post({ type: "state", state: "paused", ms: elapsed() });
  while (paused && allowance === 0 && !stopped) await sleep(60_000);
  if (!paused) post({ type: "state", state: "running", ms: elapsed() });
  windowStart = sliceStart = performance.now();
  if (pausedAt > 0) clock += windowStart - pausedAt;
  pausedAt = 0;
}

async function pace(): Promise<void> {
  for (;;) {
    const now = performance.now();
    const due = paceStart + (paceSteps * 1000) / speed;
    if (now - due > 250) restartPace();
    if (due <= now || paused || stopped) break;
    await refresh(now);
    await sleep(Math.min(due - now, 100));
    reportSometimes(performance.now());
  }
  paceSteps++;
}

function gate(): Promise<void> | null {
  if (paused && allowance === 0) return hold();
  if (isFull()) return answer();
  const now = performance.now();
  if (now - sliceStart >= slice) return giveWay(now);
  return null;
}

const paced = () => Number.isFinite(speed) && !paused;

/** What has to be waited for between two steps, or null. */
function between(): Promise<void> | null {
  if (stopped) return Promise.resolve();
  if (!canWait) {
    reportSometimes(performance.now());
    return null;
  }
  const first = gate();
  if (!first && !paced()) return null;
  return (async () => {
    for (let wait = first; wait; wait = stopped ? null : gate()) await wait;
    if (paced()) await pace();
  })();
}

export function afterStep(): void {
  total++;
  windowSteps++;
  sentStep();
}

/** `for await (const i of steps(500))` counts 0 … 499 and answers Pause, Step, Stop and the speed slider. */
export async function* steps(times = Infinity): AsyncGenerator<number, void, void> {
  goal = total + times;
  for (let i = 0; i < times; i++) {
    const wait = between();
    if (wait) await wait;
    if (stopped) throw new StopSignal();
    if (allowance > 0) allowance--;
    yield i;
    afterStep();
  }
}

// What follows is for a program that cannot await: it calls these and has what they return waited for. A step is one
// `tick`, an optimizer's, unless the program loops over steps of its own.

export function tick(): Promise<void> | null {
  if (stopped) return Promise.resolve();
  if (loops > 0) return null;
  afterStep();
  if (allowance > 0) allowance--;
  return between();
}

export function enterLoop(times: number): void {
  loops++;
  goal = total + times;
}

export function beforeStep(): Promise<void> | null {
  const wait = between();
  const take = () => {
    if (allowance > 0) allowance--;
  };
  if (wait) return wait.then(take);
  take();
  return null;
}

export function leaveLoop(): void {
  loops--;
}

/** Ends early on Stop. */
export async function rest(ms: number): Promise<void> {
  const end = performance.now() + ms;
  for (let left = ms; left > 0 && !stopped; left = end - performance.now()) await sleep(left);
}

/** In a browser whose programs cannot be suspended, steps are counted and nothing more. */
export function neverWait(): void {
  canWait = false;
}

/** Memory whose second byte tells of Stop before its message comes: a program may not let messages through. */
let shared: Uint8Array | null = null;

export function watch(memory: Uint8Array): void {
  shared = memory;
}

export const isStopped = () => stopped || shared?.[1] === 1;
