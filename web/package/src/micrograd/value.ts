import { ArgumentError } from "../errors.js";

let passes = 0;

/** A number with a gradient; after `y.backward()`, `x.grad` is dy/dx for every `x` that `y` was computed from. */
export class Value {
  data: number;
  grad = 0;
  /** Its name in a drawn graph. */
  label: string;
  /** What it was computed by; empty where it was given. */
  readonly op: string;
  /** What it was computed from. */
  readonly inputs: readonly Value[];
  /** How much it moves when each input moves a little. */
  readonly slopes: readonly number[];

  #mark = 0;

  constructor(
    data: number,
    label = "",
    op = "",
    inputs: readonly Value[] = [],
    slopes: readonly number[] = [],
  ) {
    if (typeof data !== "number")
      throw new ArgumentError("Value", `a ${typeof data}`, "a number", "write new Value(2)");
    this.data = data;
    this.label = label;
    this.op = op;
    this.inputs = inputs;
    this.slopes = slopes;
  }

  add(other: Value | number): Value {
    const by = asValue(other, "add");
    return new Value(this.data + by.data, "", "+", [this, by], [1, 1]);
  }

  mul(other: Value | number): Value {
    const by = asValue(other, "mul");
    return new Value(this.data * by.data, "", "*", [this, by], [by.data, this.data]);
  }

  /** `power` is a number. */
  pow(power: number): Value {
    if (typeof power !== "number")
      throw new ArgumentError("pow", `a ${typeof power}`, "a number", "write a.pow(2)");
    const slope = power === 0 ? 0 : power * this.data ** (power - 1);
    return new Value(this.data ** power, "", `**${power}`, [this], [slope]);
  }

  /** 0 where negative. */
  relu(): Value {
    return new Value(Math.max(this.data, 0), "", "ReLU", [this], [this.data > 0 ? 1 : 0]);
  }

  /** The hyperbolic tangent. */
  tanh(): Value {
    const t = Math.tanh(this.data);
    return new Value(t, "", "tanh", [this], [1 - t * t]);
  }

  /** e to this power. */
  exp(): Value {
    const e = Math.exp(this.data);
    return new Value(e, "", "exp", [this], [e]);
  }

  neg(): Value {
    return this.mul(-1);
  }

  sub(other: Value | number): Value {
    return this.add(asValue(other, "sub").neg());
  }

  div(other: Value | number): Value {
    return this.mul(asValue(other, "div").pow(-1));
  }

  /** Adds to `grad` of every value below this one the derivative of this one by it. */
  backward(): void {
    this.grad = 1;
    const order = this.#order();
    for (let at = order.length - 1; at >= 0; at--) {
      const { inputs, slopes, grad } = order[at] as Value;
      for (let i = 0; i < inputs.length; i++) (inputs[i] as Value).grad += (slopes[i] ?? 0) * grad;
    }
  }

  /** All values below this one, each behind what it was computed from. */
  #order(): Value[] {
    const order: Value[] = [];
    const [entered, left] = [++passes, ++passes];
    const stack: Value[] = [this];
    for (let value = stack.pop(); value; value = stack.pop()) {
      if (value.#mark === left) continue;
      if (value.#mark === entered) {
        value.#mark = left;
        order.push(value);
        continue;
      }
      value.#mark = entered;
      stack.push(value);
      for (const input of value.inputs) if (input.#mark < entered) stack.push(input);
    }
    return order;
  }

  toString(): string {
    return `Value(data=${this.data}, grad=${this.grad})`;
  }
}

function asValue(value: Value | number, op: string): Value {
  if (value instanceof Value) return value;
  if (typeof value === "number") return new Value(value);
  throw new ArgumentError(op, `a ${typeof value}`, "a Value or a number", "wrap it: new Value(2)");
}

/** `w · x + b` in one node: the weights' slopes are the inputs, the inputs' slopes the weights. */
export function weighted(w: readonly Value[], x: readonly (Value | number)[], b: Value): Value {
  const inputs = [b];
  const slopes = [1];
  let total = b.data;
  w.forEach((weight, i) => {
    const by = x[i] ?? 0;
    const data = by instanceof Value ? by.data : by;
    total += weight.data * data;
    inputs.push(weight);
    slopes.push(data);
    if (by instanceof Value) {
      inputs.push(by);
      slopes.push(weight.data);
    }
  });
  return new Value(total, "", "w·x+b", inputs, slopes);
}

/** The sum of all, from the first on. */
export function sum(values: readonly Value[]): Value {
  return values.reduce((total, value) => total.add(value), new Value(0));
}
