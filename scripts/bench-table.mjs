import { bytesOf, flopsOf } from "../web/bench/workloads.js";

export const median = (values) => {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

export const number = (value) =>
  value === undefined ? "" : value.toPrecision(3).includes("e") ? value.toFixed(0) : value.toPrecision(3);

function lines(rows) {
  const wide = rows.filter(({ length }) => length > 2);
  const widths = rows[0].map((_, i) => Math.max(...wide.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(21) : cell.padStart(row.length > 2 ? widths[i] : 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const isOurs = ({ engine }) => engine.startsWith("playgrad");
const onGpu = ({ engine }) => engine.includes("webgpu");
const best = (rows) => Math.min(...rows.map(({ ms }) => ms));

/** A workload's results as text: medians, rates, and times as multiples of our best on any device and on WebGPU. */
export function table(one, results, checkOnly) {
  const title = `\n${one.name}: ${one.title}`;
  if (checkOnly) {
    const rows = results.map(({ engine, error, cannot }) =>
      cannot ? [engine, `failed: ${cannot}`] : [engine, `error ${error.toExponential(0)}`],
    );
    return `${title}\n${lines([["engine", ""], ...rows])}`;
  }
  const done = results.filter(({ ms }) => ms !== undefined);
  const ours = best(done.filter(isOurs));
  const oursGpu = best(done.filter((row) => isOurs(row) && onGpu(row)));
  const ratio = (ms, base) => (Number.isFinite(base) ? `${number(ms / base)}×` : "");
  const flops = flopsOf(one);
  const bytes = bytesOf(one);
  const unit = flops ? "GFLOP/s" : "GB/s";
  const head = [
    "engine",
    "ms/step",
    "min–max",
    unit,
    "÷ ours",
    "÷ our gpu",
    "first ms",
    "threads",
    "KB gzip",
  ];
  const rows = results.map((row) => {
    if (row.cannot) return [row.engine, `cannot: ${row.cannot}`];
    const { engine, ms, times, first, about, bytes: loaded } = row;
    return [
      engine,
      number(ms),
      `${number(Math.min(...times))}–${number(Math.max(...times))}`,
      number((flops ?? bytes) / ms / 1e6),
      ratio(ms, ours),
      onGpu(row) ? ratio(ms, oursGpu) : "",
      first.toFixed(0),
      String(about.threads ?? ""),
      String(Math.round(loaded / 1024)),
    ];
  });
  const peer = best(done.filter((row) => !isOurs(row) && !row.engine.startsWith("copy")));
  const peerGpu = best(done.filter((row) => !isOurs(row) && onGpu(row) && !row.engine.startsWith("copy")));
  const verdict = [
    [peer, ours, "fastest peer ÷ ours"],
    [peerGpu, oursGpu, "fastest WebGPU peer ÷ our WebGPU"],
  ].flatMap(([a, b, words]) => (Number.isFinite(a / b) ? [`${words}: ${number(a / b)}×`] : []));
  return `${title}\n${lines([head, ...rows])}\n${verdict.join(", ")}`;
}
