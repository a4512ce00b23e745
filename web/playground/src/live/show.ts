import type { Tensor } from "playgrad";
import { addView } from "../runner/feed";
import { post } from "../runner/port";

const mostCells = 64 * 64;

/** A tensor (or number) in a panel of its own: shape, dtype, numbers, and a picture where it is a matrix. */
export function show(value: Tensor | number, label?: string): void {
  if (typeof value === "number") {
    showText(label ?? "value", [], "number", String(value));
    return;
  }
  value.realize();
  const name = label ?? `tensor [${value.shape.join(", ")}]`;
  addView({
    id: `tensor:${name}`,
    async sample() {
      const drawable = value.ndim === 2 && value.numel > 1 && value.numel <= mostCells;
      const [words, values] = await Promise.all([value.toText(), drawable ? value.data() : null]);
      const [rows = 0, columns = 0] = value.shape;
      showText(
        name,
        value.shape,
        value.dtype,
        words,
        values ? { values: Float32Array.from(values), rows, columns } : undefined,
      );
    },
  });
}

function showText(
  label: string,
  shape: number[],
  dtype: string,
  text: string,
  heat?: { values: Float32Array; rows: number; columns: number },
): void {
  post({
    type: "view",
    view: { kind: "tensor", id: `tensor:${label}`, label, shape, dtype, text, ...(heat ? { heat } : {}) },
  });
}
