import { Tensor } from "playgrad";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";
import { firstParameter } from "./model";
import { offer } from "./save";

const mostTiles = 32;

/** The first layer's weights (or any tensor) as small images, one a row or filter. */
export function weights(source: Tensor | object, label = "first layer"): void {
  const id = `weights:${label}`;
  if (!(source instanceof Tensor)) offer(source);
  addView({
    id,
    async sample() {
      const weight = source instanceof Tensor ? source : firstParameter(source);
      if (!weight)
        throw new UsageError(
          "weights",
          "a model without parameters",
          "a module with layers, or a tensor",
          "Pass the model itself: weights(model).",
        );
      const { count, height, width } = tileShape(weight.shape);
      const shown = Math.min(count, mostTiles);
      const rows = weight.reshape(count, height * width).slice([0, shown]);
      const tiles = Float32Array.from(await rows.data());
      let scale = 0;
      for (const value of tiles) scale = Math.max(scale, Math.abs(value));
      post(
        {
          type: "view",
          view: { kind: "weights", id, label, tiles, count: shown, total: count, height, width, scale },
        },
        [tiles.buffer],
      );
    },
  });
}

/** How a tensor is cut into small images. */
export function tileShape(shape: number[]): { count: number; height: number; width: number } {
  if (shape.length >= 3) {
    const [height = 1, width = 1] = shape.slice(-2);
    return { count: shape.slice(0, -2).reduce((a, b) => a * b, 1), height, width };
  }
  const [count = 1, length = shape[0] ?? 1] = shape.length === 2 ? shape : [1];
  const side = Math.sqrt(length);
  return Number.isInteger(side)
    ? { count, height: side, width: side }
    : { count: 1, height: count, width: length };
}
