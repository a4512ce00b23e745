import type { Tensor } from "playgrad";
import type { TensorView } from "../protocol";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";

const mostCells = 64 * 64;
const mostMaps = 16;

/**
 * A tensor, number or text in a panel of its own: shape, dtype, numbers, and a picture where it is a matrix or a few
 * of them. `names` stand at the rows and columns of square ones.
 */
export function show(value: Tensor | number | string, label?: string, names: readonly string[] = []): void {
  if (typeof value !== "object") {
    const name = label ?? (typeof value === "number" ? "value" : "text");
    const dtype = typeof value === "number" ? "number" : "text";
    addView({ id: `tensor:${name}`, sample: async () => showText(name, [], dtype, String(value)) });
    return;
  }
  value.realize();
  const name = label ?? `tensor [${value.shape.join(", ")}]`;
  const [columns = 0, rows = 0, count = 1] = value.shape.toReversed();
  if (names.length > 0 && (names.length !== rows || names.length !== columns))
    throw new UsageError(
      "show",
      `${names.length} names for shape [${value.shape.join(", ")}]`,
      "a name for each row of a square matrix",
      "Leave the names out, or give one for each row.",
    );
  const matrices = value.ndim === 2 || (value.ndim === 3 && count <= mostMaps);
  const drawable = matrices && value.numel > 1 && value.numel <= mostCells;
  addView({
    id: `tensor:${name}`,
    async sample() {
      const [words, values] = await Promise.all([value.toText(), drawable ? value.data() : null]);
      const heat = values && { values: Float32Array.from(values), count, rows, columns, names: [...names] };
      showText(name, value.shape, value.dtype, words, heat ?? undefined);
    },
  });
}

function showText(
  label: string,
  shape: number[],
  dtype: string,
  text: string,
  heat?: NonNullable<TensorView["heat"]>,
): void {
  post({
    type: "view",
    view: { kind: "tensor", id: `tensor:${label}`, label, shape, dtype, text, ...(heat ? { heat } : {}) },
  });
}
