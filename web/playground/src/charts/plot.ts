import uPlot from "uplot";
import { cssColor } from "./colors";
import { ema } from "./ema";
import { formatNamed } from "./format";
import { padded } from "./range";
import type { Series } from "./series";

/** One chart: the raw values faint, their moving average on top, earlier runs in grey behind. */

export interface PlotOptions {
  name: string;
  log: boolean;
  axis: "step" | "time";
  smoothing: number;
  earlier: Series[];
  onHover: (index: number | null) => void;
}

const font = "11px system-ui, sans-serif";

export function createPlot(target: HTMLElement, options: PlotOptions): uPlot {
  const muted = cssColor("muted");
  const line = cssColor("line");
  const accent = cssColor("accent");
  const share = (values: (number | null)[]) =>
    values.map((value) => (value === null ? "" : label(options.name, value)));
  const axis: uPlot.Axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return new uPlot(
    {
      width: 200,
      height: 176,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "charts" }, points: { size: 7 }, drag: { x: true, y: false } },
      scales: {
        x: { time: false },
        y: options.log ? { distr: 3 } : { range: (_, low, high) => padded(low, high) },
      },
      axes: [
        { ...axis, size: 26, values: (_, values) => values.map((value) => shortNumber(value, options.axis)) },
        { ...axis, size: 50, values: (_, values) => share(values) },
      ],
      series: [
        {},
        { stroke: accent, alpha: 0.28, width: 1, points: { show: false } },
        { stroke: accent, width: 2, points: { show: (chart) => chart.data[0].length < 3 } },
      ],
      hooks: {
        drawAxes: [(chart) => drawEarlier(chart, options)],
        setCursor: [(chart) => options.onHover(chart.cursor.idx ?? null)],
      },
    },
    [[], [], []],
    target,
  );
}

export function plotData(
  series: Series | undefined,
  options: Pick<PlotOptions, "axis" | "log" | "smoothing">,
): uPlot.AlignedData {
  if (!series) return [[], [], []];
  const xs = options.axis === "step" ? series.steps : series.seconds;
  const shown = (value: number) => (Number.isFinite(value) && (!options.log || value > 0) ? value : null);
  const smooth = Array.from(ema(series.values, options.smoothing), shown);
  return [xs, series.values.map(shown), smooth];
}

function drawEarlier(chart: uPlot, { earlier, axis, smoothing, log }: PlotOptions): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = cssColor("ghost");
  ctx.lineWidth = 1.25 * devicePixelRatio;
  for (const series of earlier) {
    const xs = axis === "step" ? series.steps : series.seconds;
    const smooth = ema(series.values, smoothing);
    ctx.beginPath();
    smooth.forEach((value, i) => {
      if (log && value <= 0) return;
      ctx.lineTo(chart.valToPos(xs[i] ?? 0, "x", true), chart.valToPos(value, "y", true));
    });
    ctx.stroke();
  }
  ctx.restore();
}

function label(name: string, value: number): string {
  if (/accuracy/i.test(name)) return formatNamed(name, value).replace(".0", "");
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e5 ? value.toExponential(0) : String(Number(value.toPrecision(3)));
}

function shortNumber(value: number, axis: "step" | "time"): string {
  const text = value >= 10_000 ? `${value / 1000}k` : String(Number(value.toPrecision(4)));
  return axis === "time" ? `${text}s` : text;
}
