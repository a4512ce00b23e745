import { Binary, Unary, UnaryWith } from "../wasm/playgrad.js";
import type { DTypeLike } from "./dtype.js";
import { engine } from "./engine.js";
import { Handle, idOf, make } from "./handle.js";
import type { Tensor } from "./tensor.js";

/** A tensor, or a number that takes part in broadcasting with the other operand's type. */
export type Operand = Tensor | number;

const METHODS = Object.fromEntries(
  Object.entries(Binary).map(([name]) => [name, name.charAt(0).toLowerCase() + name.slice(1)]),
) as Record<keyof typeof Binary, string>;

/** @internal */
export function unary(op: Unary, x: Handle): Tensor {
  return make(engine().unary(op, x.id));
}

/** @internal */
export function unaryWith(op: UnaryWith, x: Handle, value: number): Tensor {
  return make(engine().unaryWith(op, x.id, value));
}

/** @internal */
export function binary(op: Binary, a: Handle, b: Operand): Tensor {
  if (typeof b === "number") return make(engine().binaryNumber(op, a.id, b));
  return make(engine().binary(op, a.id, idOf(METHODS[Binary[op] as keyof typeof Binary], b)));
}

/**
 * One number in, one number out. Operands broadcast as in NumPy: shapes are compared from the last axis, and a
 * size of 1 stretches. Integers meet floats as floats. Shapes that do not broadcast throw `ShapeError`.
 */
export abstract class Elementwise extends Handle {
  /** `a + b`. */
  add(other: Operand): Tensor {
    return binary(Binary.Add, this, other);
  }
  /** `a - b`. */
  sub(other: Operand): Tensor {
    return binary(Binary.Sub, this, other);
  }
  /** `a * b`, element by element. */
  mul(other: Operand): Tensor {
    return binary(Binary.Mul, this, other);
  }
  /** `a / b`; integers give `float32`. */
  div(other: Operand): Tensor {
    return binary(Binary.Div, this, other);
  }
  /** `a` to the power `b`. */
  pow(other: Operand): Tensor {
    return binary(Binary.Pow, this, other);
  }
  /** Remainder with the sign of `b`, as in Python. */
  mod(other: Operand): Tensor {
    return binary(Binary.Mod, this, other);
  }
  /** The larger of both. */
  maximum(other: Operand): Tensor {
    return binary(Binary.Maximum, this, other);
  }
  /** The smaller of both. */
  minimum(other: Operand): Tensor {
    return binary(Binary.Minimum, this, other);
  }
  /** `a == b`, as `bool`. */
  eq(other: Operand): Tensor {
    return binary(Binary.Eq, this, other);
  }
  /** `a != b`, as `bool`. */
  ne(other: Operand): Tensor {
    return binary(Binary.Ne, this, other);
  }
  /** `a < b`, as `bool`. */
  lt(other: Operand): Tensor {
    return binary(Binary.Lt, this, other);
  }
  /** `a <= b`, as `bool`. */
  le(other: Operand): Tensor {
    return binary(Binary.Le, this, other);
  }
  /** `a > b`, as `bool`. */
  gt(other: Operand): Tensor {
    return binary(Binary.Gt, this, other);
  }
  /** `a >= b`, as `bool`. */
  ge(other: Operand): Tensor {
    return binary(Binary.Ge, this, other);
  }
  /** `this ? a : b` for each element; `this` is `bool`. */
  where(a: Operand, b: Operand): Tensor {
    const operand = (value: Operand) => (typeof value === "number" ? 0 : idOf("where", value));
    const number = (value: Operand) => (typeof value === "number" ? value : 0);
    return make(engine().where(this.id, operand(a), operand(b), number(a), number(b)));
  }

  /** `-x`. */
  neg(): Tensor {
    return unary(Unary.Neg, this);
  }
  /** e to the power x. */
  exp(): Tensor {
    return unary(Unary.Exp, this);
  }
  /** 2 to the power x. */
  exp2(): Tensor {
    return unary(Unary.Exp2, this);
  }
  /** Natural logarithm. */
  log(): Tensor {
    return unary(Unary.Log, this);
  }
  /** Logarithm to the base 2. */
  log2(): Tensor {
    return unary(Unary.Log2, this);
  }
  /** Square root. */
  sqrt(): Tensor {
    return unary(Unary.Sqrt, this);
  }
  /** `1 / sqrt(x)`. */
  rsqrt(): Tensor {
    return unary(Unary.Rsqrt, this);
  }
  /** `1 / x`. */
  reciprocal(): Tensor {
    return unary(Unary.Reciprocal, this);
  }
  /** Sine of an angle in radians. */
  sin(): Tensor {
    return unary(Unary.Sin, this);
  }
  /** Cosine of an angle in radians. */
  cos(): Tensor {
    return unary(Unary.Cos, this);
  }
  /** Hyperbolic tangent: into (-1, 1). */
  tanh(): Tensor {
    return unary(Unary.Tanh, this);
  }
  /** `1 / (1 + exp(-x))`: into (0, 1). */
  sigmoid(): Tensor {
    return unary(Unary.Sigmoid, this);
  }
  /** `max(x, 0)`. */
  relu(): Tensor {
    return unary(Unary.Relu, this);
  }
  /** `x` where positive, else `slope * x`. */
  leakyRelu(slope = 0.01): Tensor {
    return unaryWith(UnaryWith.LeakyRelu, this, slope);
  }
  /** Gaussian error linear unit, tanh form (arXiv 1606.08415). */
  gelu(): Tensor {
    return unary(Unary.Gelu, this);
  }
  /** `x * sigmoid(x)`, also called swish. */
  silu(): Tensor {
    return unary(Unary.Silu, this);
  }
  /** `x` where positive, else `alpha * (exp(x) - 1)`. */
  elu(alpha = 1): Tensor {
    return unaryWith(UnaryWith.Elu, this, alpha);
  }
  /** `log(1 + exp(x))`. */
  softplus(): Tensor {
    return unary(Unary.Softplus, this);
  }
  /** Absolute value. */
  abs(): Tensor {
    return unary(Unary.Abs, this);
  }
  /** -1, 0 or 1. */
  sign(): Tensor {
    return unary(Unary.Sign, this);
  }
  /** `x * x`. */
  square(): Tensor {
    return unary(Unary.Square, this);
  }
  /** Held between `low` and `high`; leave one out with `-Infinity` or `Infinity`. */
  clip(low: number, high: number): Tensor {
    return make(engine().clip(this.id, low, high));
  }
  /** Down to the next whole number. */
  floor(): Tensor {
    return unary(Unary.Floor, this);
  }
  /** Up to the next whole number. */
  ceil(): Tensor {
    return unary(Unary.Ceil, this);
  }
  /** To the nearest whole number, halves to the even one. */
  round(): Tensor {
    return unary(Unary.Round, this);
  }
  /** Towards zero to a whole number. */
  trunc(): Tensor {
    return unary(Unary.Trunc, this);
  }
  /** True where the element is zero. */
  logicalNot(): Tensor {
    return unary(Unary.LogicalNot, this);
  }
  /** The same numbers in another element type. Unknown types throw `DTypeError`. */
  cast(dtype: DTypeLike): Tensor {
    return make(engine().cast(this.id, dtype));
  }
  /** `cast("float32")`. */
  float(): Tensor {
    return this.cast("float32");
  }
  /** `cast("int32")`: towards zero. */
  int(): Tensor {
    return this.cast("int32");
  }
}
