import type { Tensor } from "playgrad";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";
import { tileShape } from "./weights";

const most = 12;

/**
 * Rows of grey images, one below the other, each under its name: `images({ noisy, cleaned, clean })`. A row is
 * `[n, h, w]`, `[n, 1, h, w]` or `[n, side²]`, in 0 … 1 or uint8. Called again, it shows the new ones.
 */
export function images(rows: Record<string, Tensor>, label = "images"): void {
  const named = Object.entries(rows);
  const shapes = named.map(([, tensor]) => tileShape(tensor.shape));
  const [first] = shapes;
  const odd = shapes.findIndex(({ height, width }) => height !== first?.height || width !== first.width);
  if (!first || odd > 0)
    throw new UsageError(
      "images",
      first ? `${named[odd]?.[0]} of shape [${named[odd]?.[1].shape.join(", ")}]` : "no rows",
      first ? `images of ${first.height} by ${first.width}, as the row before` : "at least one row",
      "Give each row as [n, height, width].",
    );
  const { height, width } = first;
  const count = Math.min(most, ...shapes.map((shape) => shape.count));
  const shown = named.map(([name, tensor], i) => {
    const pixels = tensor.reshape(shapes[i]?.count ?? 0, height * width).slice([0, count]);
    return { name, scale: tensor.dtype === "uint8" ? 255 : 1, pixels: pixels.realize() };
  });
  const id = `images:${label}`;
  addView({
    id,
    async sample() {
      const read = shown.map(async ({ name, scale, pixels }) => ({
        name,
        pixels: Float32Array.from(await pixels.data(), (value) => value / scale),
      }));
      const view = {
        kind: "images",
        id,
        label,
        rows: await Promise.all(read),
        count,
        height,
        width,
      } as const;
      post({ type: "view", view });
    },
  });
}
