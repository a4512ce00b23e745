import { Tensor } from "playgrad";
import { elapsed, stepsTaken } from "../runner/control";
import { addPoint, type Plotted } from "../runner/feed";
import { UsageError } from "../runner/usage";

/** Adds a point to one chart per key: plot({ loss, accuracy }). Tensors are read later, in batches. */
export function plot(values: Record<string, Plotted>): void {
  for (const [key, value] of Object.entries(values)) {
    if (value instanceof Tensor && value.numel !== 1) throw notOneNumber(key, value);
    if (!(value instanceof Tensor) && typeof value !== "number")
      throw new UsageError(
        "plot",
        `${key} of type ${typeof value}`,
        "a number or a tensor with one element",
        "Pass the value itself.",
      );
  }
  // Before the next step changes the weights it was made from.
  Tensor.realize(...Object.values(values).filter((value) => value instanceof Tensor));
  addPoint(stepsTaken(), elapsed(), values);
}

function notOneNumber(key: string, value: Tensor): Error {
  return new UsageError(
    "plot",
    `${key} of shape [${value.shape.join(", ")}]`,
    "a tensor with one element",
    `Reduce it first, as in ${key}.mean().`,
  );
}
