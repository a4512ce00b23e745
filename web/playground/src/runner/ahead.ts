import { device, Tensor } from "playgrad";

/**
 * A GPU takes work faster than it does it. Stop would wait for its queue, and so would the page, which the same GPU
 * draws. How many steps are sent before it has answered is found by trying.
 */

const soon = 50;
const late = 150;
const most = 1024;
const onCpu = 16;

/** A number on the GPU: it can be read once all that was sent before has run. */
let flag: Tensor | null = null;
let sent = 0;
let allowed = 1;
let before: Promise<void> = Promise.resolve();

export async function watchGpu(): Promise<void> {
  flag = await Tensor.zeros(1).to("webgpu");
}

export function sentStep(): void {
  sent++;
}

export const isFull = () => flag !== null && sent >= allowed;

/** Waits for the steps before those just sent: the GPU always has work. */
export async function answer(): Promise<void> {
  sent = 0;
  if (device().name !== "webgpu") {
    allowed = onCpu;
    return;
  }
  const earlier = before;
  before = ask(performance.now());
  await earlier;
}

async function ask(start: number): Promise<void> {
  try {
    await flag?.data();
  } catch {
    // A lost device is told by what the program reads.
    return;
  }
  const took = performance.now() - start;
  if (took < soon) allowed = Math.min(2 * allowed, most);
  else if (took > late) allowed = Math.max(Math.floor(allowed / 2), 1);
}
