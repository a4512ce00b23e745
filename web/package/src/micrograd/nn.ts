import { ArgumentError } from "../errors.js";
import { Value, weighted } from "./value.js";

let state = 0x5bd1e995;

/** Weights drawn from now on follow from this number. */
export function seed(start: number): void {
  state = Math.imul(start, 0x9e3779b9) ^ 0x5bd1e995 || 1;
}

/** Uniform between -1 and 1, by Marsaglia's xorshift. */
function draw(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state / 2 ** 31;
}

/** Something with parameters. */
export abstract class Module {
  /** The values that training changes. */
  abstract parameters(): Value[];

  /** Sets all gradients to 0; without it they add up. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = 0;
  }
}

type Input = readonly (Value | number)[];

/** `relu(w · x + b)`, or without the relu. Weights start uniform between -1 and 1, the bias at 0. */
export class Neuron extends Module {
  readonly w: Value[];
  readonly b = new Value(0);
  readonly relu: boolean;

  constructor(inputs: number, { relu = true } = {}) {
    super();
    this.w = Array.from({ length: inputs }, () => new Value(draw()));
    this.relu = relu;
  }

  forward(x: Input): Value {
    if (
      x?.length !== this.w.length ||
      !x.every((value) => value instanceof Value || typeof value === "number")
    )
      throw new ArgumentError(
        "Neuron",
        Array.isArray(x) ? `${x.length} inputs: ${x}` : `a ${typeof x}`,
        `${this.w.length} numbers or Values, one a weight`,
        "pass as many numbers as the network was made for",
      );
    const total = weighted(this.w, x, this.b);
    return this.relu ? total.relu() : total;
  }

  parameters(): Value[] {
    return [...this.w, this.b];
  }
}

/** Neurons side by side. */
export class Layer extends Module {
  readonly neurons: Neuron[];

  constructor(inputs: number, outputs: number, options: { relu?: boolean } = {}) {
    super();
    this.neurons = Array.from({ length: outputs }, () => new Neuron(inputs, options));
  }

  forward(x: Input): Value[] {
    return this.neurons.map((neuron) => neuron.forward(x));
  }

  parameters(): Value[] {
    return this.neurons.flatMap((neuron) => neuron.parameters());
  }
}

/** Layers one after another, of `outputs` neurons each; the last is linear. */
export class MLP extends Module {
  readonly layers: Layer[];

  constructor(inputs: number, outputs: readonly number[]) {
    super();
    const last = outputs.length - 1;
    this.layers = outputs.map((size, i) => new Layer(outputs[i - 1] ?? inputs, size, { relu: i !== last }));
  }

  forward(x: Input): Value[] {
    return this.layers.reduce<Input>((values, layer) => layer.forward(values), x) as Value[];
  }

  parameters(): Value[] {
    return this.layers.flatMap((layer) => layer.parameters());
  }
}
