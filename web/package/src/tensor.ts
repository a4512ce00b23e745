import { Random } from "../wasm/playgrad.js";
import { arrayOf, bytesOf, type DTypeLike, dtypeOf, type TypedArray } from "./dtype.js";
import { engine, took } from "./engine.js";
import { ArgumentError, ShapeError } from "./errors.js";
import { idOf, idsOf, make, makeAll, setConstructor } from "./handle.js";
import { Neural } from "./neural.js";
import { integer, product, type Shape, show, sizes } from "./shape.js";

/** What a tensor can be made from. */
export type TensorData = number | boolean | TypedArray | BigInt64Array | readonly TensorData[] | Tensor;

/** How a tensor is made from data. */
export interface TensorOptions {
  /** Another shape with as many elements. */
  shape?: Shape;
  /** Element type; by default that of the typed array, `bool` for booleans, else `float32`. */
  dtype?: DTypeLike;
  /** Whether `backward()` fills `grad`. */
  requiresGrad?: boolean;
}

/** How a filled or random tensor is made. */
export interface FillOptions {
  dtype?: DTypeLike;
  requiresGrad?: boolean;
}

const random = (kind: Random, op: string, shape: Shape, a = 0, b = 1): Tensor =>
  make(engine().random(kind, sizes(op, [shape]), a, b));

const full = (op: string, shape: number[] | [Shape], value: number, dtype: DTypeLike = "float32"): Tensor =>
  make(engine().full(sizes(op, shape), value, dtype));

const list = (shape: number[] | [Shape]): Shape => (Array.isArray(shape[0]) ? shape[0] : (shape as number[]));

/**
 * An array of numbers on a device, and how it came about. Methods build a graph and return at once; reading
 * (`data`, `item`, `tolist`, `toText`) computes. Memory takes care of itself.
 */
export class Tensor extends Neural {
  private constructor(id: number) {
    super(id);
  }

  static {
    setConstructor((id) => new Tensor(id));
  }

  /** Whether dropout drops and batch norm learns its statistics; set it to `true` around training. */
  static get training(): boolean {
    return engine().training();
  }
  static set training(value: boolean) {
    engine().setTraining(value);
  }

  /** Runs `work` without recording gradients and returns what it returns. */
  static noGrad<T>(work: () => T): T {
    return engine().noGrad(work);
  }

  /** A tensor from nested arrays, a typed array or a number. Ragged arrays throw `ShapeError`. */
  static from(data: TensorData, options: TensorOptions = {}): Tensor {
    return tensor(data, options);
  }
  /** Zeros: `Tensor.zeros(2, 3)` or `Tensor.zeros([2, 3])`. */
  static zeros(...shape: number[] | [Shape]): Tensor {
    return full("zeros", shape, 0);
  }
  /** Ones. */
  static ones(...shape: number[] | [Shape]): Tensor {
    return full("ones", shape, 1);
  }
  /** One value everywhere. */
  static full(shape: Shape, value: number, options: FillOptions = {}): Tensor {
    const made = full("full", [shape], value, options.dtype);
    if (options.requiresGrad !== undefined) made.requiresGrad = options.requiresGrad;
    return made;
  }
  /** Zeros of the same shape and type. */
  static zerosLike(other: Tensor): Tensor {
    return full("zerosLike", [other.shape], 0, other.dtype);
  }
  /** Ones of the same shape and type. */
  static onesLike(other: Tensor): Tensor {
    return full("onesLike", [other.shape], 1, other.dtype);
  }
  /** One value in the shape and type of another tensor. */
  static fullLike(other: Tensor, value: number): Tensor {
    return full("fullLike", [other.shape], value, other.dtype);
  }
  /** `arange(stop)` or `arange(start, stop, step)`: `int32` for whole numbers, else `float32`. */
  static arange(start: number, stop?: number, step = 1, options: { dtype?: DTypeLike } = {}): Tensor {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const dtype = options.dtype ?? ([from, to, step].every(Number.isInteger) ? "int32" : "float32");
    return make(engine().arange(from, to, step, dtype));
  }
  /** `steps` numbers from `start` to `stop`, both included. */
  static linspace(start: number, stop: number, steps: number): Tensor {
    return make(engine().linspace(start, stop, integer("linspace", "steps", steps, 0)));
  }
  /** The identity matrix. */
  static eye(n: number): Tensor {
    return make(engine().eye(integer("eye", "n", n, 0)));
  }
  /** Uniform in [0, 1). Random numbers follow `manualSeed` and are the same on every device. */
  static rand(...shape: number[] | [Shape]): Tensor {
    return random(Random.Uniform, "rand", list(shape));
  }
  /** Normal, mean 0 and variance 1. */
  static randn(...shape: number[] | [Shape]): Tensor {
    return random(Random.Normal, "randn", list(shape));
  }
  /** Uniform in [low, high). */
  static uniform(shape: Shape, low = 0, high = 1): Tensor {
    return random(Random.Uniform, "uniform", shape, low, high);
  }
  /** Normal with that mean and standard deviation. */
  static normal(shape: Shape, mean = 0, std = 1): Tensor {
    return random(Random.Normal, "normal", shape).mul(std).add(mean);
  }
  /** Whole numbers in [low, high), `int32`. */
  static randint(shape: Shape, low: number, high: number): Tensor {
    return random(
      Random.Integer,
      "randint",
      shape,
      integer("randint", "low", low),
      integer("randint", "high", high),
    );
  }
  /** Kaiming's uniform initialiser for weights `[out, in, …]` (arXiv 1502.01852). */
  static kaimingUniform(shape: Shape, slope = 0.01): Tensor {
    return random(Random.KaimingUniform, "kaimingUniform", shape, slope);
  }
  /** Glorot's uniform initialiser (Glorot and Bengio 2010). */
  static glorotUniform(shape: Shape): Tensor {
    return random(Random.GlorotUniform, "glorotUniform", shape);
  }

  /** Joins tensors along an existing axis; the other sizes must agree. */
  static cat(tensors: readonly Tensor[], axis = 0): Tensor {
    return make(engine().cat(idsOf("cat", tensors), integer("cat", "axis", axis)));
  }
  /** Joins tensors of one shape along a new axis. */
  static stack(tensors: readonly Tensor[], axis = 0): Tensor {
    return make(engine().stack(idsOf("stack", tensors), integer("stack", "axis", axis)));
  }

  /** Gradients of `loss` (shape `[]`) as graphs of their own, which differentiate again. Leaves `grad` alone. */
  static grad(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
    return makeAll(engine().gradients(idOf("grad", loss), idsOf("grad", targets)));
  }
  /** Queues the work for several tensors as one submission. */
  static realize(...tensors: Tensor[]): void {
    engine().realize(idsOf("realize", tensors));
  }

  /** Adds the gradient of this loss (shape `[]`) to `grad` of every tensor below that requires one. */
  backward(): this {
    engine().backward(this.id);
    return this;
  }
  /** The same value, cut off from its history: no gradient flows back. */
  detach(): Tensor {
    return make(engine().detach(this.id));
  }
  /** The value laid out in memory by itself, so that later kernels read it instead of fusing it. */
  contiguous(): Tensor {
    return make(engine().contiguous(this.id));
  }
  /** Queues the work for this tensor now; waits for nothing. */
  realize(): this {
    engine().realize(Uint32Array.of(this.id));
    return this;
  }
  /** Makes this tensor hold another value of its shape and type. What was made from the old value keeps it. */
  assign(value: Tensor): this {
    engine().assign(this.id, idOf("assign", value));
    return this;
  }
  /** A copy on another device. Unknown or missing devices throw `DeviceError`. */
  async to(device: string): Promise<Tensor> {
    return make(await engine().to(this.id, device));
  }
}

/**
 * A tensor from nested arrays, a typed array or a number. JavaScript numbers become `float32` (also whole ones),
 * booleans `bool`; a typed array keeps its type, but a `Float64Array` becomes `float32` unless the dtype says
 * `float64`. A `Uint16Array` holds bits where the dtype is `float16` or `bfloat16`. Ragged arrays throw `ShapeError`.
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  if (data instanceof Tensor) return options.dtype ? data.cast(options.dtype) : data;
  const { values, shape, dtype } = flatten(data, options.dtype);
  const wanted = options.shape ?? shape;
  if (product(wanted) !== values.length) {
    const fix = "change the shape or the data";
    throw new ShapeError(
      "tensor",
      `${values.length} elements for shape ${show(wanted)}`,
      `${product(wanted)} elements`,
      fix,
    );
  }
  took(values.byteLength);
  return make(engine().fromBytes(bytesOf(values), dtype, sizes("tensor", [wanted]), options.requiresGrad));
}

interface Flat {
  values: TypedArray | BigInt64Array;
  shape: Shape;
  dtype: DTypeLike;
}

function flatten(data: Exclude<TensorData, Tensor>, dtype: DTypeLike | undefined): Flat {
  if (data instanceof Float64Array)
    return { values: arrayOf(data, dtype ?? "float32"), shape: [data.length], dtype: dtype ?? "float32" };
  if (ArrayBuffer.isView(data)) {
    if (!("length" in data)) throw mismatch(data, 0, []);
    const own = dtypeOf(data);
    if (own && (dtype === undefined || dtype === own))
      return { values: data, shape: [data.length], dtype: own };
    return { values: arrayOf(data, dtype ?? "float32"), shape: [data.length], dtype: dtype ?? "float32" };
  }
  const shape: number[] = [];
  for (let level: TensorData = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const numbers: number[] = [];
  let booleans = true;
  const walk = (value: unknown, axis: number): void => {
    if (Array.isArray(value) && axis < shape.length && value.length === shape[axis]) {
      for (const inner of value) walk(inner, axis + 1);
    } else if (axis === shape.length && (typeof value === "number" || typeof value === "boolean")) {
      booleans &&= typeof value === "boolean";
      numbers.push(Number(value));
    } else {
      throw mismatch(value, axis, shape);
    }
  };
  walk(data, 0);
  const type = dtype ?? (booleans && numbers.length > 0 ? "bool" : "float32");
  return { values: arrayOf(numbers, type), shape, dtype: type };
}

function mismatch(value: unknown, axis: number, shape: Shape): Error {
  if (Array.isArray(value) || (axis < shape.length && typeof value === "number")) {
    const got = Array.isArray(value) ? `an array of ${value.length}` : `the number ${value}`;
    const expected =
      axis < shape.length ? `an array of ${shape[axis]} at depth ${axis}` : `a number at depth ${axis}`;
    return new ShapeError("tensor", got, expected, "make all rows equally long");
  }
  return new ArgumentError(
    "tensor",
    value === null ? "null" : typeof value,
    "numbers or booleans",
    "convert it first",
  );
}
