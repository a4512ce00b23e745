/** A black pad drawn on in white, read as MNIST pictures are made: scaled into 20 × 20, centred by mass in 28 × 28. */

const side = 280;
const pen = 24;
const grid = 28;
const box = 20;

export class Pad {
  #context: CanvasRenderingContext2D | null;
  #last: [number, number] | null = null;
  #cursor: [number, number] = [side / 2, side / 2];
  #penDown = false;
  #frame = 0;
  readonly #listeners = new AbortController();

  readonly canvas: HTMLCanvasElement;
  readonly onDraw: (pixels: Float32Array) => void;

  constructor(canvas: HTMLCanvasElement, onDraw: (pixels: Float32Array) => void) {
    this.canvas = canvas;
    this.onDraw = onDraw;
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
    const { signal } = this.#listeners;
    canvas.addEventListener(
      "pointerdown",
      (event) => {
        canvas.setPointerCapture(event.pointerId);
        this.#last = this.#place(event);
        this.#line(this.#last, this.#last);
      },
      { signal },
    );
    canvas.addEventListener(
      "pointermove",
      (event) => {
        if (!this.#last) return;
        for (const part of event.getCoalescedEvents?.() ?? [event]) {
          const to = this.#place(part);
          this.#line(this.#last, to);
          this.#last = to;
        }
      },
      { signal },
    );
    for (const end of ["pointerup", "pointercancel"] as const)
      canvas.addEventListener(
        end,
        () => {
          this.#last = null;
        },
        { signal },
      );
    this.clear();
  }

  close(): void {
    this.#listeners.abort();
    cancelAnimationFrame(this.#frame);
  }

  clear(): void {
    if (!this.#context) return;
    this.#context.fillStyle = "#000";
    this.#context.fillRect(0, 0, side, side);
    this.#penDown = false;
  }

  togglePen(): boolean {
    this.#penDown = !this.#penDown;
    if (this.#penDown) this.#line(this.#cursor, this.#cursor);
    return this.#penDown;
  }

  movePen(right: number, down: number): void {
    const clamp = (value: number) => Math.min(side - pen, Math.max(pen, value));
    const to: [number, number] = [clamp(this.#cursor[0] + 10 * right), clamp(this.#cursor[1] + 10 * down)];
    if (this.#penDown) this.#line(this.#cursor, to);
    this.#cursor = to;
  }

  #place(event: PointerEvent): [number, number] {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    return [((event.clientX - left) * side) / width, ((event.clientY - top) * side) / width];
  }

  #line(from: [number, number], to: [number, number]): void {
    const context = this.#context;
    if (!context) return;
    context.strokeStyle = "#fff";
    context.lineWidth = pen;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#report());
  }

  #report(): void {
    const pixels = this.#context ? centred(this.#context.getImageData(0, 0, side, side)) : null;
    if (pixels) this.onDraw(pixels);
  }
}

function centred(image: ImageData): Float32Array | null {
  let [left, top, right, bottom] = [side, side, -1, -1];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      if ((image.data[4 * (y * side + x)] ?? 0) > 20) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
  if (right < 0) return null;
  const scale = Math.max(right - left, bottom - top, 60) / box;
  const sample = (x: number, y: number) => average(image, x, y, scale);
  const middle: [number, number] = [(left + right) / 2, (top + bottom) / 2];
  const first = picture(middle, scale, sample);
  const [mx, my] = mass(first);
  const shift = (grid - 1) / 2;
  return picture([middle[0] + (mx - shift) * scale, middle[1] + (my - shift) * scale], scale, sample);
}

function picture(
  [cx, cy]: [number, number],
  scale: number,
  sample: (x: number, y: number) => number,
): Float32Array {
  return Float32Array.from({ length: grid * grid }, (_, i) =>
    sample(cx + ((i % grid) - (grid - 1) / 2) * scale, cy + (Math.floor(i / grid) - (grid - 1) / 2) * scale),
  );
}

function average(image: ImageData, x: number, y: number, scale: number): number {
  let sum = 0;
  for (let dy = -1; dy <= 1; dy++)
    for (let dx = -1; dx <= 1; dx++) {
      const px = Math.round(x + (dx * scale) / 3);
      const py = Math.round(y + (dy * scale) / 3);
      if (px >= 0 && px < side && py >= 0 && py < side) sum += image.data[4 * (py * side + px)] ?? 0;
    }
  return sum / 9 / 255;
}

function mass(pixels: Float32Array): [number, number] {
  let [total, x, y] = [0, 0, 0];
  pixels.forEach((value, i) => {
    total += value;
    x += value * (i % grid);
    y += value * Math.floor(i / grid);
  });
  return total > 0 ? [x / total, y / total] : [(grid - 1) / 2, (grid - 1) / 2];
}
