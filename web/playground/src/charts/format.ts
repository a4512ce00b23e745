/** Numbers as a person reads them, in a width that stays the same while they change. */

export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e5)) return value.toExponential(2);
  return value.toFixed(size < 1 ? 4 : size < 100 ? 3 : 1);
}

export function formatPercent(value: number): string {
  return `${(100 * value).toFixed(1)}%`;
}

export function isShare(name: string): boolean {
  return /accuracy|acc$|precision|recall/i.test(name);
}

export function formatNamed(name: string, value: number): string {
  return isShare(name) ? formatPercent(value) : formatValue(value);
}

const counts = new Intl.NumberFormat("en");

export function formatCount(value: number): string {
  return counts.format(value);
}

export function formatRate(value: number): string {
  return value >= 100 ? formatCount(Math.round(value)) : value.toFixed(value >= 10 ? 0 : 1);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
