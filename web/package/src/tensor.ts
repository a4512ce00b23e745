import { install } from "./call.js";
import { arrayOf, bytesOf, type DTypeLike, dtypeOf, type TypedArray } from "./dtype.js";
import { engine, took } from "./engine.js";
import { ArgumentError, ShapeError } from "./errors.js";
import type { TensorMethods, TensorStatics } from "./generated/methods.js";
import { Handle, idOf, idsOf, make, makeAll, setConstructor } from "./handle.js";
import { product, type Shape, show, sizes } from "./shape.js";

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

/** What a tensor has by hand, and the methods that `install` adds. */
type Base = (abstract new (
  id: number,
) => Handle & TensorMethods) &
  Omit<typeof Handle, "prototype"> &
  TensorStatics;

/**
 * An array of numbers on a device, and how it came about. Methods build a graph and return at once; reading
 * (`data`, `item`, `tolist`, `toText`) computes. Memory takes care of itself.
 */
export class Tensor extends (Handle as unknown as Base) {
  private constructor(id: number) {
    super(id);
  }

  static {
    setConstructor((id) => new Tensor(id));
    install(Tensor);
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
    const before = engine().setGradEnabled(false);
    try {
      return work();
    } finally {
      engine().setGradEnabled(before);
    }
  }

  /** A tensor from nested arrays, a typed array or a number. Ragged arrays throw `ShapeError`. */
  static from(data: TensorData, options: TensorOptions = {}): Tensor {
    return tensor(data, options);
  }
  /** Gradients of `loss` (shape `[]`) as graphs of their own, which differentiate again. Leaves `grad` alone. */
  static grad(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
    return makeAll(engine().gradients(idOf("grad", loss), idsOf("grad", targets)));
  }
  /** Queues the work for several tensors as one submission. */
  static realize(...tensors: Tensor[]): void {
    engine().realize(idsOf("realize", tensors));
  }

  /** All axes in reverse order; the transpose of a matrix. */
  get T(): Tensor {
    return this.permute(this.shape.map((_, axis, all) => all.length - 1 - axis));
  }

  /** Applies the functions of a list one after the other. */
  sequential(list: ((x: Tensor) => Tensor)[]): Tensor {
    return list.reduce<Tensor>((x, f) => f(x), this);
  }

  /**
   * Adds the gradient of this loss (shape `[]`) to `grad` of every tensor below that requires one; with `gradient`, of
   * this tensor's shape, the gradient of the sum of `gradient * x`. Another shape throws `ShapeError`.
   */
  backward(gradient?: Tensor | null): this {
    engine().backward(this.id, gradient ? idOf("backward", gradient) : 0);
    return this;
  }
  /**
   * This value, computed from `inputs`, with a gradient of your own: `backward` takes the gradient of the output, the
   * output and the inputs, and gives for each input a gradient of its shape, or null. Nothing flows through what
   * computed the value. What `backward` holds lives as long as the output: let it use its arguments.
   */
  customGrad(
    inputs: readonly Tensor[],
    backward: (gradient: Tensor, output: Tensor, inputs: Tensor[]) => readonly (Tensor | null)[],
  ): Tensor {
    const rule = (g: number, y: number, x: Uint32Array) =>
      Uint32Array.from(backward(make(g), make(y), makeAll(x)), (t) => (t ? idOf("customGrad", t) : 0));
    return make(engine().customGrad(this.id, idsOf("customGrad", inputs), rule));
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
