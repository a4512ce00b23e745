import { describe, expect, it } from "vitest";
import { ema } from "../src/charts/ema";
import { formatBytes, formatNamed, formatValue } from "../src/charts/format";
import { padded } from "../src/charts/range";
import { Series, toCsv } from "../src/charts/series";

describe("moving average", () => {
  it("is debiased: it starts at the first value", () => {
    expect([...ema([5, 5, 5], 0.9)]).toEqual([5, 5, 5].map((value) => expect.closeTo(value, 12)));
    expect([...ema([1, 0], 0.5)]).toEqual([1, expect.closeTo(1 / 3, 12)]);
  });

  it("is the raw line at weight 0 and skips what is not a number", () => {
    expect([...ema([1, 2, 3], 0)]).toEqual([1, 2, 3]);
    expect([...ema([1, NaN, 1], 0.5)]).toEqual([1, 1, 1]);
  });
});

describe("series", () => {
  it("stays small, keeps its order, its extremes and its last point", () => {
    const series = new Series();
    for (let i = 0; i < 50_000; i++) series.add(i, i / 100, Math.sin(i));
    expect(series.length).toBeLessThanOrEqual(2001);
    expect(series.steps.at(-1)).toBe(49_999);
    expect(series.steps).toEqual([...series.steps].sort((a, b) => a - b));
    expect(series.high).toBeCloseTo(1, 3);
    expect(series.first).toBe(0);
  });

  it("is written as CSV", () => {
    const series = new Series();
    series.add(0, 0.5, 0.25);
    expect(toCsv([{ series: new Map([['a,"b', series]]) }])).toBe(
      'run,series,step,seconds,value\n1,"a,""b",0,0.5000,0.25\n',
    );
  });
});

describe("numbers", () => {
  it("read well", () => {
    expect(formatValue(0.25)).toBe("0.2500");
    expect(formatValue(0.000012)).toBe("1.20e-5");
    expect(formatValue(NaN)).toBe("NaN");
    expect(formatNamed("test accuracy", 0.975)).toBe("97.5%");
    expect(formatBytes(1_500_000)).toBe("1.5 MB");
  });
});

describe("vertical range", () => {
  it("is wide enough to count ticks in, even for values that differ by rounding", () => {
    for (const [low, high] of [
      [0.5, 0.5],
      [0.49999999999999994, 0.5],
      [0, 0],
      [1e20, 1e20 + 1e5],
      [-3, -3],
    ] as const) {
      const [from, to] = padded(low, high);
      expect(from).toBeLessThanOrEqual(low);
      expect(to).toBeGreaterThanOrEqual(high);
      expect(to - from).toBeGreaterThan(1e-7 * Math.abs(high));
    }
  });
});
