/** The vertical range of a chart. Never narrower than numbers can tell apart: uPlot counts its ticks for ever otherwise. */
export function padded(low: number, high: number): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const narrowest = 1e-6 * Math.max(Math.abs(low), Math.abs(high));
  const span = high - low > narrowest ? high - low : Math.max(Math.abs(high), 1e-9);
  const floor = low >= 0 && low < span ? 0 : low - 0.06 * span;
  return [floor, high + 0.06 * span];
}
