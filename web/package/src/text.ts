import type { DType, TypedArray } from "./dtype.js";
import type { Shape } from "./shape.js";

/** A number, or arrays of them as deep as the shape has axes. */
export type Nested = number | boolean | Nested[];

/** @internal */
export function nest(data: TypedArray, shape: Shape, dtype: DType): Nested {
  let next = 0;
  const level = (axis: number): Nested => {
    if (axis < shape.length) return Array.from({ length: shape[axis]! }, () => level(axis + 1));
    const value = data[next++]!;
    return dtype === "bool" ? value !== 0 : value;
  };
  return level(0);
}

const THRESHOLD = 1000;
const EDGE = 3;
const LINE = 75;

/** NumPy's `str(array)`. @internal */
export function print(data: TypedArray, shape: Shape, dtype: DType): string {
  if (shape.includes(0)) return "[]";
  const short = data.length > THRESHOLD;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const picks = shape.map((size) => (short && size > 2 * EDGE ? edges(size) : whole(size)));
  const offsets = picks.reduce<number[]>(
    (found, pick, axis) => found.flatMap((at) => pick.filter((i) => i >= 0).map((i) => at + i * strides[axis]!)),
    [0],
  );
  const words = format(
    offsets.map((at) => data[at]!),
    dtype,
  );
  let next = 0;
  const level = (axis: number, indent: number): string => {
    if (axis === shape.length) return words[next++]!;
    const parts = picks[axis]!.map((i) => (i < 0 ? "..." : level(axis + 1, indent + 1)));
    if (axis === shape.length - 1) return `[${wrap(parts, indent + 1)}]`;
    const gap = "\n".repeat(shape.length - 1 - axis);
    return `[${parts.join(gap + " ".repeat(indent + 1))}]`;
  };
  return shape.length === 0 ? words[0]!.trim() : level(0, 0);
}

const whole = (size: number): number[] => Array.from({ length: size }, (_, i) => i);
const edges = (size: number): number[] => [0, 1, 2, -1, size - 3, size - 2, size - 1];

function wrap(parts: string[], indent: number): string {
  const lines = [""];
  for (const part of parts) {
    const line = lines.at(-1)!;
    const longer = line === "" ? part : `${line} ${part}`;
    if (line !== "" && longer.length + indent >= LINE) lines.push(part);
    else lines[lines.length - 1] = longer;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}

function format(values: number[], dtype: DType): string[] {
  if (dtype === "bool") return pad(values.map((value) => (value ? "True" : "False")));
  if (dtype !== "float32") return pad(values.map(String));
  const finite = values.filter(Number.isFinite).map(Math.abs);
  const most = Math.max(0, ...finite);
  const least = Math.min(...finite.filter((value) => value > 0), most);
  const exponent = most >= 1e8 || (least > 0 && (least < 1e-4 || most / least > 1000));
  const special = (value: number) => (Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf");
  if (exponent) return pad(scientific(values, special));
  const digits = values.map((value) => (Number.isFinite(value) ? shortest(value).split(".")[1]?.length : 0) ?? 0);
  const places = Math.min(8, Math.max(0, ...digits));
  return pad(
    values.map((value) => {
      if (!Number.isFinite(value)) return special(value);
      const [whole, fraction = ""] = value.toFixed(places).split(".");
      return `${whole}.${fraction.replace(/0+$/, "").padEnd(places)}`;
    }),
  );
}

function scientific(values: number[], special: (value: number) => string): string[] {
  const digits = (value: number) => shortest(value).replace(/^-?0\.0*|[-.]|e.*$/g, "").replace(/0+$/, "").length;
  const places = Math.min(8, Math.max(0, ...values.map((v) => (Number.isFinite(v) ? digits(v) - 1 : 0))));
  return values.map((value) => {
    if (!Number.isFinite(value)) return special(value);
    const [mantissa, power] = value.toExponential(places).split("e");
    const size = power!.slice(1).padStart(2, "0");
    return `${mantissa!.includes(".") ? mantissa : `${mantissa}.`}e${power![0]}${size}`;
  });
}

/** The fewest digits that name this float32. */
function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(Number(value.toPrecision(9)));
}

function pad(words: string[]): string[] {
  const width = Math.max(...words.map((word) => word.length));
  return words.map((word) => word.padStart(width));
}
