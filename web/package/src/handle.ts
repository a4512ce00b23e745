import { type DType, handed, numbersOf, type TypedArray } from "./dtype.js";
import { breathe, disown, engine, grew, own, took } from "./engine.js";
import { ArgumentError, ShapeError } from "./errors.js";
import { product, type Shape, show } from "./shape.js";
import type { Tensor } from "./tensor.js";

/** A number, or arrays of them as deep as the shape has axes. */
export type Nested = number | boolean | Nested[];

let construct: (id: number) => Tensor;

/** @internal */
export function setConstructor(make: (id: number) => Tensor): void {
  construct = make;
}

/** The tensor of an engine handle. @internal */
export const make = (id: number): Tensor => construct(id);
/** @internal */
export function makeAll(ids: Uint32Array): Tensor[] {
  const made: Tensor[] = [];
  for (let i = 0; i < ids.length; i += 1) made.push(construct(ids[i]!));
  return made;
}

/** Of a list of names and one of handles. @internal */
export function named([names, ids]: unknown[]): Record<string, Tensor> {
  const all = makeAll(ids as Uint32Array);
  return Object.fromEntries((names as string[]).map((name, i) => [name, all[i]!]));
}

/** The handle of an argument that has to be a tensor. @internal */
export function idOf(op: string, value: unknown): number {
  if (value instanceof Handle) return value.id;
  const got =
    value === null ? "null" : Array.isArray(value) ? "an array" : `${typeof value} ${String(value)}`;
  throw new ArgumentError(op, got, "a tensor", "wrap it: tensor(…)");
}

/** @internal */
export function idsOf(op: string, values: readonly unknown[]): Uint32Array {
  if (Array.isArray(values)) return Uint32Array.from(values, (value) => idOf(op, value));
  throw new ArgumentError(op, String(values), "a list of tensors", "put it in brackets: [x]");
}

function nest(data: ArrayLike<number>, shape: Shape, dtype: DType): Nested {
  let next = 0;
  const level = (axis: number): Nested => {
    if (axis < shape.length) return Array.from({ length: shape[axis]! }, () => level(axis + 1));
    const value = data[next++]!;
    return dtype === "bool" ? value !== 0 : value;
  };
  return level(0);
}

/** What every tensor knows about itself, and how it is read. A cheap handle: the engine owns the memory. */
export abstract class Handle {
  #id: number;
  #shape: number[] | undefined;
  #dtype: DType | undefined;
  #text: string | undefined;

  protected constructor(id: number) {
    this.#id = id;
    own(this, id);
  }

  /** @internal */
  get id(): number {
    if (this.#id !== 0) return this.#id;
    throw new ArgumentError(
      "tensor",
      "a disposed tensor",
      "a live one",
      "use it before dispose(), or leave dispose() out",
    );
  }

  /** Sizes per axis, outermost first; `[]` for a single number. */
  get shape(): number[] {
    this.#shape ??= Array.from(engine().shape(this.id));
    return this.#shape.slice();
  }

  /** Element type. */
  get dtype(): DType {
    this.#dtype ??= engine().dtype(this.id) as DType;
    return this.#dtype;
  }

  /** Number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get numel(): number {
    return product(this.shape);
  }

  /** Name of the device that holds the value, or that will compute it. */
  get device(): string {
    return engine().tensorDevice(this.id);
  }

  /**
   * Whether `backward()` fills `grad`. Float tensors made from data or by an initialiser do once they are
   * parameters of an optimizer or this is set.
   */
  get requiresGrad(): boolean {
    return engine().requiresGrad(this.id);
  }

  set requiresGrad(value: boolean) {
    engine().setRequiresGrad(this.id, value);
  }

  /** The gradient `backward()` left, of this tensor's shape; `null` before it. Gradients add up until `zeroGrad()`. */
  get grad(): Tensor | null {
    const id = engine().grad(this.id);
    return id === 0 ? null : make(id);
  }

  /**
   * Computes the value if needed, and reads it: a typed array in row-major order; `bool` as 0 and 1, `int64` as
   * `data<BigInt64Array>()`, 16-bit floats as {@link TypedArray} says.
   */
  data(): Promise<TypedArray>;
  data<A extends TypedArray | BigInt64Array>(): Promise<A>;
  async data(): Promise<TypedArray | BigInt64Array> {
    const { dtype } = this;
    const array = handed(await engine().read(this.id), dtype);
    took(array.byteLength);
    grew();
    await breathe();
    return array;
  }

  /** The only element, as a number. Any shape with one element. */
  async item(): Promise<number> {
    if (this.numel !== 1) {
      const fix = "reduce first: t.sum() or t.mean(), or read all with data()";
      throw new ShapeError("item", show(this.shape), "one element", fix);
    }
    const { dtype } = this;
    return numbersOf(await this.data(), dtype)[0]!;
  }

  /** The value as nested arrays; a number for shape `[]`, booleans for `bool`. */
  async tolist(): Promise<Nested> {
    const { shape, dtype } = this;
    return nest(numbersOf(await this.data(), dtype), shape, dtype);
  }

  /** The value as NumPy prints it: long tensors are shortened. */
  async toText(): Promise<string> {
    const text: string = await engine().toText(this.id);
    await breathe();
    return text;
  }

  /** `Tensor(float32 [2, 3])`: what it is, without computing it. */
  toString(): string {
    if (this.#id === 0) return "Tensor(disposed)";
    this.#text ??= `Tensor(${this.dtype} ${show(this.shape)})`;
    return this.#text;
  }

  /** Gives the handle back now; optional, twice does no harm. Tensors made from this one stay valid. */
  dispose(): void {
    if (this.#id === 0) return;
    disown(this, this.#id);
    this.#id = 0;
  }

  /** `using t = …` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
