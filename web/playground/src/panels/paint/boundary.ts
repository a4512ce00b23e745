import { classColors, cssColor, cssRgb, diverging, mix, paintCells, type Rgb } from "../../charts/colors";
import type { BoundaryView } from "../../protocol";

const faint = 0.62;
const grid = document.createElement("canvas");

/** The plane in the model's colours with the points on it, on a square canvas. */
export function paintBoundary(context: CanvasRenderingContext2D, shown: BoundaryView): void {
  const { size, channels } = shown;
  const pixels = context.canvas.width;
  grid.width = grid.height = size;
  const gridContext = grid.getContext("2d");
  if (!gridContext) return;
  const colors = channels === 1 ? [cssRgb("low"), cssRgb("high")] : classColors;
  const middle = cssRgb("middle");
  const cell = channels === 1 ? signed(shown, middle) : strongest(shown, middle);
  paintCells(gridContext, size, size, (i) => cell((size - 1 - Math.floor(i / size)) * size + (i % size)));
  context.imageSmoothingQuality = "high";
  context.drawImage(grid, 0, 0, pixels, pixels);
  paintPoints(context, shown, colors);
}

function signed({ grid: values, classes }: BoundaryView, middle: Rgb): (i: number) => Rgb {
  const color = diverging(mix(middle, cssRgb("low"), faint), middle, mix(middle, cssRgb("high"), faint));
  const raw = values.some((value) => value < 0 || value > 1) && classes.every((label) => label <= 1);
  return (i) => color(raw ? Math.tanh(values[i] ?? 0) : 2 * (values[i] ?? 0.5) - 1);
}

function strongest({ grid: values, channels }: BoundaryView, middle: Rgb): (i: number) => Rgb {
  return (i) => {
    const scores = values.subarray(i * channels, (i + 1) * channels);
    const best = scores.indexOf(Math.max(...scores));
    const total = scores.reduce((sum, score) => sum + Math.exp(score - (scores[best] ?? 0)), 0);
    return mix(middle, classColors[best % classColors.length] ?? middle, faint / total);
  };
}

function paintPoints(
  context: CanvasRenderingContext2D,
  { points, classes, range }: BoundaryView,
  colors: readonly Rgb[],
): void {
  const pixels = context.canvas.width;
  const [xLow, xHigh, yLow, yHigh] = range;
  const radius = classes.length > 60 ? 7 : 15;
  context.lineWidth = classes.length > 60 ? 2 : 4;
  context.strokeStyle = cssColor("middle");
  classes.forEach((label, i) => {
    const x = (((points[2 * i] ?? 0) - xLow) / (xHigh - xLow)) * pixels;
    const y = (1 - ((points[2 * i + 1] ?? 0) - yLow) / (yHigh - yLow)) * pixels;
    context.fillStyle = `rgb(${colors[label % colors.length]?.join(" ") ?? "0 0 0"})`;
    context.beginPath();
    if (label % 2 === 0) context.arc(x, y, radius, 0, 2 * Math.PI);
    else context.roundRect(x - radius * 0.88, y - radius * 0.88, radius * 1.76, radius * 1.76, 2);
    context.fill();
    context.stroke();
  });
}
