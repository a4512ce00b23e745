/** Exponential moving average as TensorBoard draws it: debiased, so that it does not start at zero. */
export function ema(values: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let last = 0;
  let remaining = 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (Number.isFinite(value)) {
      last = last * weight + (1 - weight) * value;
      remaining *= weight;
    }
    out[i] = remaining < 1 ? last / (1 - remaining) : value;
  }
  return out;
}
