import { gradcheck as byDifferences, type Differentiable } from "../autodiff.js";
import { device } from "../devices.js";
import type { TypedArray as Elements } from "../dtype.js";
import { ArgumentError, PlaygradError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type { CustomKernel } from "./kernel.js";

/** One thing that was looked at: whether it is as it should be, and what was found. */
export interface Check {
  what: string;
  ok: boolean;
  found: string;
}

/** What was looked at, for people: a line for each. */
export class Report {
  constructor(
    readonly title: string,
    readonly checks: readonly Check[],
  ) {}

  get ok(): boolean {
    return this.checks.every((check) => check.ok);
  }

  toString(): string {
    const lines = this.checks.map(
      ({ what, ok, found }) => `${ok ? "✓" : "✗"} ${what}${found && `: ${found}`}`,
    );
    return [this.title, ...lines].join("\n");
  }
}

/** Bytes around the output of a checked run, and what is there at first; as float32 it is not a number. */
const ZONE = 256;
const FILL = 0x7fc12345;

/** How far float results of two devices may be apart: `ATOL + RTOL * |value|`. */
const ATOL = 1e-5;
const RTOL = 1e-4;

const place = (element: number, shape: readonly number[]): string => {
  const at: number[] = [];
  for (const size of [...shape].reverse()) {
    at.unshift(element % size);
    element = Math.floor(element / size);
  }
  return `[${at.join(", ")}]`;
};

const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]));

/** What a run wrote where it should not have, or did not write; nothing if all is well. */
function strays(bytes: Uint8Array, size: number, output: Tensor): string {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const first = ZONE / 4;
  const last = (ZONE + size * output.numel) / 4;
  const outside = words.findIndex((word, i) => word !== FILL && (i < first || i >= Math.ceil(last)));
  if (outside >= 0) return "an element outside the output was written";
  const missing = words.subarray(first, Math.floor(last)).indexOf(FILL);
  return missing < 0
    ? ""
    : `element ${place(Math.floor((missing * 4) / size), output.shape)} was never written`;
}

/** An array that throws where it is read or written outside, which JavaScript ignores. */
const fenced = (array: Elements, name: string, shape: readonly number[]): Elements =>
  new Proxy(array, {
    get(target, key) {
      if (typeof key === "string" && /^-?\d+$/.test(key)) inside(target, key, name, shape);
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
    set(target, key, value) {
      if (typeof key === "string" && /^-?\d+$|NaN/.test(key)) inside(target, key, name, shape);
      return Reflect.set(target, key, value);
    },
  });

function inside(array: Elements, key: string, name: string, shape: readonly number[]): void {
  if (Number(key) >= 0 && Number(key) < array.length) return;
  const expected = `0 to ${array.length - 1}, of shape [${shape.join(", ")}]`;
  throw new ArgumentError("opcheck", `element ${key} of ${name}`, expected, "correct the index in cpu");
}

/** What the cpu function gives for these elements. */
function byFunction(
  kernel: CustomKernel,
  inputs: Tensor[],
  data: Elements[],
  like: Elements,
  output: Tensor,
): Elements {
  const { cpu, inputs: names } = kernel.options;
  const shapes = [...inputs, output].map((x) => x.shape);
  const made = like.slice().fill(NaN);
  const all = data.map((x, i) => fenced(x.slice(), names[i]!, shapes[i]!));
  cpu?.(all, fenced(made, "out", output.shape), shapes);
  return made;
}

/** The largest difference, measured by what is allowed; and where. */
function furthest(a: Elements, b: Elements, float: boolean): [apart: number, element: number] {
  let worst: [number, number] = [0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const allowed = float ? ATOL + RTOL * Math.abs(b[i]!) : 0.5;
    const apart = Object.is(a[i], b[i]) ? 0 : Math.abs(a[i]! - b[i]!) / allowed;
    if (!(apart <= worst[0])) worst = [Number.isNaN(apart) ? Infinity : apart, i];
  }
  return worst;
}

async function attempt(what: string, work: () => Promise<string> | string, good = ""): Promise<Check> {
  try {
    const wrong = await work();
    return { what, ok: wrong === "", found: wrong || good };
  } catch (error) {
    if (!(error instanceof PlaygradError)) throw error;
    return { what, ok: false, found: error.message };
  }
}

/**
 * Runs a kernel on `inputs` and looks at all that can be seen of it: the output's shape and type, elements it never
 * writes, writes outside the output or to inputs, another result when it runs again, another result of its `cpu`
 * function, gradients of another shape. Text that does not compile throws `KernelError`.
 */
export async function opcheck<const Names extends readonly string[]>(
  given: CustomKernel<Names>,
  inputs: readonly Tensor[],
): Promise<Report> {
  const kernel = given as unknown as CustomKernel;
  const { options } = kernel;
  const own = inputs.map((x) => x.detach());
  const before = await Promise.all(own.map((x) => x.data()));
  const output = kernel(...own);
  const got = await output.data();
  const where = output.device;
  const size = got.BYTES_PER_ELEMENT;
  const [first, second] = await Promise.all([kernel.checked(...own).data(), kernel.checked(...own).data()]);
  const after = await Promise.all(own.map((x) => x.data()));
  const float = output.dtype.includes("float");
  const text = where === "cpu" ? "cpu function" : "wgsl";
  const checks = [
    { what: `gives ${output.dtype} [${output.shape.join(", ")}]`, ok: true, found: "" },
    await attempt("writes its output, all of it, and nothing else", () =>
      strays(first as Uint8Array, size, output),
    ),
    await attempt("leaves its inputs as they are", () => {
      const changed = before.findIndex((x, i) => !same(x, after[i]!));
      return changed < 0 ? "" : `${options.inputs[changed]} has changed`;
    }),
    await attempt("gives the same again", () => (same(first, second) ? "" : "two runs differ")),
  ];
  if (options.cpu && ![...own, output].some((x) => /float16/.test(x.dtype))) {
    const what =
      where === "cpu" ? "its cpu function stays inside its arrays" : "agrees with its cpu function";
    const work = () => {
      const [apart, element] = furthest(got, byFunction(kernel, own, before, got, output), float);
      return apart <= 1 ? "" : `far apart at ${place(element, output.shape)}`;
    };
    checks.push(await attempt(what, work));
  }
  if (options.backward && float)
    checks.push(await attempt("backward gives gradients that fit", () => fits(kernel, own)));
  return new Report(`opcheck ${options.name} on ${where} (${text})`, checks);
}

async function fits(kernel: CustomKernel, inputs: Tensor[]): Promise<string> {
  const leaves = inputs.map((x) => x.mul(1));
  const floats = leaves.filter((x) => x.dtype.includes("float"));
  const output = kernel(...leaves);
  const gradients = output.sum().gradient(floats, null, true);
  await Promise.all(gradients.map((g) => g.data()));
  return "";
}

/**
 * Holds the gradients of `f` against `(f(x + eps) - f(x - eps)) / (2 * eps)` for every element of every input, as
 * `gradcheck` of `playgrad` does, and says in words what it found.
 */
export async function gradcheck(
  f: Differentiable,
  inputs: readonly Tensor[],
  options: { eps?: number; atol?: number; rtol?: number } = {},
): Promise<Report> {
  const count = inputs.reduce((n, x) => n + x.numel, 0);
  const check = await attempt(`${count} gradients are the slopes that differences give`, async () => {
    await byDifferences(f, inputs, options);
    return "";
  });
  return new Report(`gradcheck on ${device().name}`, [check]);
}
