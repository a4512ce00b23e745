import type { DTypeLike, TypedArray } from "../dtype.js";
import { engine, memory } from "../engine.js";
import { ArgumentError } from "../errors.js";
import { idsOf, make } from "../handle.js";
import type { Tensor } from "../tensor.js";

/** Something, or a function of the inputs' shapes that gives it. */
type OfShapes<T> = T | ((...shapes: Elements[]) => T);

/** What `customKernel` takes. */
export interface KernelOptions<Names extends readonly string[] = readonly string[]> {
  /** What errors call it: letters, digits and `_`. */
  name: string;
  /** What its texts call the inputs; the output is `out`. */
  inputs: Names;
  /**
   * For WebGPU, in WGSL: the body of a function that runs once for each `i` below `threads`, or a whole `@compute`
   * function. `x[e]` is element `e` of the input `x` in row-major order; `x_size` and `x_shape` are constants.
   * Elements have 32 bits. What lies outside is the last element.
   */
  wgsl?: string;
  /** The same in CUDA C++, for the native engine; a browser does not use it. */
  cuda?: string;
  /** For the CPU: fills `output` from `inputs`; `shapes` are those of the inputs, then of the output. */
  cpu?: (inputs: { [I in keyof Names]: Elements }, output: Elements, shapes: Elements[]) => void;
  /** The output's shape; the first input's unless told. */
  shape?: OfShapes<readonly number[]>;
  /** The output's element type; the first input's unless told. */
  dtype?: DTypeLike;
  /** How many `i` there are; the output's elements unless told. With `groups`: invocations of a workgroup. */
  threads?: OfShapes<number>;
  /** How many workgroups a whole `@compute` function wants. */
  groups?: OfShapes<number>;
  /** The gradients of the inputs, null where there is none. */
  backward?: (
    gradient: Tensor,
    inputs: { [I in keyof Names]: Tensor },
    output: Tensor,
  ) => readonly (Tensor | null)[];
}

/** A typed array, 16-bit floats as their bits; or the numbers of a shape. Which elements it has is known when it runs. */
// biome-ignore lint/suspicious/noExplicitAny: a `!` at every index would hide the formula
export type Elements = any;

/** A function of tensors, computed by a kernel of the program's. */
export interface CustomKernel<Names extends readonly string[] = readonly string[]> {
  (...inputs: { [I in keyof Names]: Tensor }): Tensor;
  readonly options: KernelOptions<Names>;
  /** All bytes of a run whose output lies between 256 bytes that it must not touch. @internal */
  checked(...inputs: Tensor[]): Tensor;
}

/** Of the engine's element types, in its order. */
const ARRAYS = [
  Uint8Array,
  Int8Array,
  Uint8Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  Uint16Array,
  Uint16Array,
  Float32Array,
  Float64Array,
] as unknown as (new (
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
) => TypedArray)[];

/** What the engine calls: where the arguments lie in its memory. */
const onMemory = ({ name, cpu }: KernelOptions): ((described: Uint32Array) => void) | undefined =>
  cpu &&
  ((described: Uint32Array) => {
    const buffer = memory();
    const all: TypedArray[] = [];
    const shapes: number[][] = [];
    for (let at = 0; at < described.length; at += 3 + described[at + 2]!) {
      const shape = [...described.subarray(at + 3, at + 3 + described[at + 2]!)];
      const size = shape.reduce((n, size) => n * size, 1);
      shapes.push(shape);
      all.push(new ARRAYS[described[at + 1]!]!(buffer, described[at]!, size));
    }
    const output = all.pop()!;
    cpu(all, output, shapes);
    if (memory() === buffer) return;
    const fix = "read its inputs, write its output, and make tensors elsewhere";
    throw new ArgumentError("customKernel", `a cpu function of ${name} that made tensors`, "none", fix);
  });

/** What texts already have. */
const TAKEN = ["i", "out", "group", "thread"];

function checkNames({ name, inputs }: KernelOptions): void {
  const fine = (word: string) => /^[a-z]\w*$/i.test(word) && !TAKEN.includes(word);
  if (/^[a-z]\w*$/i.test(name) && inputs.every(fine) && new Set(inputs).size === inputs.length) return;
  const got = `the names ${name} and ${inputs.join(", ")}`;
  const fix = "choose other names; i, out, group and thread are taken";
  throw new ArgumentError("customKernel", got, "different names of letters, digits and _", fix);
}

function checkGrid({ name, wgsl }: KernelOptions, threads?: number, groups?: number): void {
  const whole = wgsl?.includes("@compute") ?? groups !== undefined;
  const most = groups === undefined ? 0xffffffff : 1024;
  if (whole === (groups !== undefined) && (groups ?? 0) <= 65_535 && (threads ?? 1) <= most) return;
  const expected =
    "threads for the body of a function; for a whole @compute function groups, at most 65535, of at most 1024 threads";
  const fix = "give groups where the wgsl has @compute, and there alone";
  throw new ArgumentError("customKernel", `${name}: threads ${threads}, groups ${groups}`, expected, fix);
}

const released = new FinalizationRegistry<number>((id) => engine().customRelease(id));

const told = <T>(value: OfShapes<T> | undefined, shapes: number[][]): T | undefined =>
  typeof value === "function" ? (value as (...shapes: number[][]) => T)(...shapes) : value;

/**
 * A function of tensors whose kernels the program writes. Its output is a tensor like any other: computed when it is
 * read, fused around, recorded by `jit`, differentiated by `backward`.
 *
 * Throws `ArgumentError` for a wrong number of inputs. When it is computed: `KernelError` for WGSL that does not
 * compile, with its line and column; `DeviceError` where there is no text for the device.
 */
export function customKernel<const Names extends readonly string[]>(
  given: KernelOptions<Names>,
): CustomKernel<Names> {
  const options = given as unknown as KernelOptions;
  const { name, inputs, wgsl, backward } = options;
  checkNames(options);
  const id = engine().customKernel(name, inputs.join(" "), wgsl, onMemory(options) as never);
  const call = (tensors: Tensor[], checked: boolean): Tensor => {
    const ids = idsOf("customKernel", tensors);
    if (tensors.length !== inputs.length) {
      const got = `${tensors.length} inputs for ${name}`;
      const expected = `${inputs.length}: ${inputs.join(", ")}`;
      throw new ArgumentError("customKernel", got, expected, "pass one tensor for each name");
    }
    const shapes = tensors.map((x) => x.shape);
    const shape = told(options.shape, shapes) ?? shapes[0] ?? [];
    const dtype = options.dtype ?? tensors[0]?.dtype ?? "float32";
    const [threads, groups] = [told(options.threads, shapes), told(options.groups, shapes)];
    checkGrid(options, threads, groups);
    const sizes = Uint32Array.from([threads ?? 0, groups ?? 0, ...shape]);
    return make(engine().customCall(id, ids, dtype, sizes, checked));
  };
  const rule = (gradient: Tensor, output: Tensor, of: Tensor[]): readonly (Tensor | null)[] => {
    if (backward) return backward(gradient, of, output);
    const fix = "give backward, or detach() the inputs";
    throw new ArgumentError("customKernel", `${name}, which has no gradient`, "a backward function", fix);
  };
  const kernel = (...tensors: Tensor[]): Tensor => {
    const output = call(tensors, false);
    return /float/.test(output.dtype) ? output.customGrad(tensors, rule) : output;
  };
  released.register(kernel, id);
  const checked = (...tensors: Tensor[]): Tensor => call(tensors, true);
  return Object.assign(kernel, { options, checked }) as unknown as CustomKernel<Names>;
}
