import { type Tensor, tensor } from "playgrad";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";
import { evaluate, type Model } from "./model";
import { offer } from "./save";

const size = 56;
const margin = 0.2;

interface Labelled {
  x: Tensor;
  y: Tensor;
}

/** The plane as the model sees it, with the training points on it; redrawn while it learns. */
export function boundary(model: Model, { x, y }: Labelled): void {
  if (x.ndim !== 2 || x.shape[1] !== 2)
    throw new UsageError(
      "boundary",
      `x of shape [${x.shape.join(", ")}]`,
      "[n, 2]",
      "Pass two numbers a point: its place in the plane.",
    );
  offer(model);
  let prepared: Promise<Plane> | null = null;
  addView({
    id: "boundary",
    async sample() {
      prepared ??= preparePlane(x, y);
      const plane = await prepared;
      const output = evaluate(model, plane.input);
      const atPoints = evaluate(model, x);
      const channels = output.numel / (size * size);
      const [grid, guesses] = await Promise.all([output.data(), atPoints.data()]);
      const values = Float32Array.from(grid);
      post(
        {
          type: "view",
          view: {
            kind: "boundary",
            id: "boundary",
            grid: values,
            size,
            channels,
            range: plane.range,
            points: plane.points,
            classes: plane.classes,
            correct: countCorrect(guesses, plane, channels),
          },
        },
        [values.buffer],
      );
    },
  });
}

interface Plane {
  input: Tensor;
  points: Float32Array;
  classes: Int32Array;
  range: [number, number, number, number];
  /** Where a single output changes class: 0.5 for 0/1 labels, 0 for −1/+1 labels. */
  threshold: number;
}

async function preparePlane(x: Tensor, y: Tensor): Promise<Plane> {
  const [raw, labels] = await Promise.all([x.data(), y.data()]);
  const points = Float32Array.from(raw);
  const signed = labels.some((label) => label < 0);
  const perPoint = labels.length / (points.length / 2);
  const classes = Int32Array.from({ length: points.length / 2 }, (_, i) => {
    if (perPoint <= 1) return Math.max(0, labels[i] ?? 0);
    const row = Array.from(labels.slice(i * perPoint, (i + 1) * perPoint));
    return row.indexOf(Math.max(...row));
  });
  const [xLow, xHigh] = extent(points, 0);
  const [yLow, yHigh] = extent(points, 1);
  const cells = new Float32Array(size * size * 2);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const at = 2 * (row * size + column);
      cells[at] = xLow + ((xHigh - xLow) * (column + 0.5)) / size;
      cells[at + 1] = yLow + ((yHigh - yLow) * (row + 0.5)) / size;
    }
  return {
    input: tensor(cells, { shape: [size * size, 2] }),
    points,
    classes,
    range: [xLow, xHigh, yLow, yHigh],
    threshold: signed ? 0 : 0.5,
  };
}

function extent(points: Float32Array, axis: 0 | 1): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = axis; i < points.length; i += 2) {
    low = Math.min(low, points[i] ?? low);
    high = Math.max(high, points[i] ?? high);
  }
  const pad = (high - low || 1) * margin;
  return [low - pad, high + pad];
}

function countCorrect(guesses: ArrayLike<number>, plane: Plane, channels: number): number {
  let correct = 0;
  plane.classes.forEach((label, i) => {
    let guess = 0;
    if (channels === 1) guess = (guesses[i] ?? 0) > plane.threshold ? 1 : 0;
    else
      for (let c = 1; c < channels; c++)
        if ((guesses[i * channels + c] ?? 0) > (guesses[i * channels + guess] ?? 0)) guess = c;
    if (guess === label) correct++;
  });
  return correct;
}
