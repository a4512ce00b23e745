import { cssRgb, diverging, paintCells } from "../../charts/colors";
import type { ImagesView, PredictionsView, TensorView, WeightsView } from "../../protocol";

/** Pictures of numbers, one pixel each; each gives its canvas the size it needs. */

function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext("2d");
}

const signedColor = () => diverging(cssRgb("low"), cssRgb("middle"), cssRgb("high"));

/** One row of grey images, side by side. */
export function paintImages(canvas: HTMLCanvasElement, view: ImagesView, pixels: Float32Array): void {
  const { count, width, height } = view;
  const step = width + 2;
  const across = count * step - 2;
  const context = sized(canvas, across, height);
  if (!context) return;
  paintCells(context, across, height, (i) => {
    const [x, y] = [i % across, Math.floor(i / across)];
    const [image, u] = [Math.floor(x / step), x % step];
    const grey = u < width ? 255 * (pixels[(image * height + y) * width + u] ?? 0) : 0;
    return [grey, grey, grey];
  });
}

/** The image of that number. */
export function paintSample(
  canvas: HTMLCanvasElement,
  { pixels, width, height }: PredictionsView,
  index: number,
): void {
  const context = sized(canvas, width, height);
  const start = index * width * height;
  if (!context) return;
  paintCells(context, width, height, (i) => {
    const grey = 255 * (pixels[start + i] ?? 0);
    return [grey, grey, grey];
  });
}

/** Weights as tiles, from −scale in blue to scale in orange. */
export function paintTiles(canvas: HTMLCanvasElement, view: WeightsView): void {
  const columns = view.count === 1 ? 1 : 8;
  const gap = view.count === 1 ? 0 : Math.max(1, Math.round(view.width / 9));
  const [stepX, stepY] = [view.width + gap, view.height + gap];
  const across = columns * stepX - gap;
  const down = Math.ceil(view.count / columns) * stepY - gap;
  const context = sized(canvas, across, down);
  if (!context) return;
  const color = signedColor();
  const empty = cssRgb("surface");
  paintCells(context, across, down, (i) => {
    const [x, y] = [i % across, Math.floor(i / across)];
    const tile = Math.floor(y / stepY) * columns + Math.floor(x / stepX);
    const [u, v] = [x % stepX, y % stepY];
    if (u >= view.width || v >= view.height || tile >= view.count) return empty;
    const value = view.tiles[(tile * view.height + v) * view.width + u] ?? 0;
    return color(value / (view.scale || 1));
  });
}

/** One of a tensor's matrices. */
export function paintHeat(
  canvas: HTMLCanvasElement,
  { values, rows, columns }: NonNullable<TensorView["heat"]>,
  map: number,
): void {
  const context = sized(canvas, columns, rows);
  if (!context) return;
  const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const first = map * rows * columns;
  const color = signedColor();
  paintCells(context, columns, rows, (i) => color((values[first + i] ?? 0) / scale));
}
