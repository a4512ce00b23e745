import { whole } from "./shape.js";
import { Tensor } from "./tensor.js";

/** Settings of recurrent layers. */
export interface RecurrentOptions {
  bias?: boolean;
  /** Input and output are `[batch, steps, features]`. */
  batchFirst?: boolean;
  /** Each layer also walks from the end; outputs of both ways are side by side. */
  bidirectional?: boolean;
  /** Probability with which outputs of all layers but the last are dropped in training. */
  dropout?: number;
}

/** Named as in PyTorch, so that saved models fit: `weight_ih_l0`, `bias_hh_l1_reverse`. */
type Weight = `${"weight" | "bias"}_${"ih" | "hh"}_l${string}`;

function uniform(shape: number[], bound: number): Tensor {
  const drawn = Tensor.uniform(shape, -bound, bound);
  drawn.requiresGrad = true;
  return drawn;
}

class Recurrent {
  [weight: Weight]: Tensor;
  #cell: string;
  #names: Weight[] = [];
  #options: RecurrentOptions;

  constructor(
    op: string,
    cell: string,
    gates: number,
    sizes: [inputSize: number, hiddenSize: number, numLayers: number],
    options: RecurrentOptions,
  ) {
    whole(op, sizes, 1);
    const [inputs, hidden, layers] = sizes;
    const ways = options.bidirectional ? ["", "_reverse"] : [""];
    const rows = gates * hidden;
    this.#cell = cell;
    this.#options = options;
    for (let layer = 0; layer < layers; layer += 1) {
      const features = layer === 0 ? inputs : ways.length * hidden;
      for (const way of ways) {
        const own: [Weight, number[]][] = [
          [`weight_ih_l${layer}${way}`, [rows, features]],
          [`weight_hh_l${layer}${way}`, [rows, hidden]],
        ];
        if (options.bias ?? true) {
          own.push([`bias_ih_l${layer}${way}`, [rows]], [`bias_hh_l${layer}${way}`, [rows]]);
        }
        for (const [name, shape] of own) {
          this[name] = uniform(shape, 1 / Math.sqrt(hidden));
          this.#names.push(name);
        }
      }
    }
  }

  /** Outputs and last states. @internal */
  protected run(x: Tensor, state: Tensor[]): Tensor[] {
    const weights = this.#names.map((name) => this[name]!);
    const { bias, batchFirst, bidirectional, dropout } = this.#options;
    return x.recurrent(this.#cell, weights, state, { bias, batchFirst, bidirectional, dropout });
  }
}

/** `h' = tanh(W·x + U·h + b)` over a sequence, in one or several layers. */
export class RNN extends Recurrent {
  constructor(
    inputSize: number,
    hiddenSize: number,
    numLayers = 1,
    options: RecurrentOptions & { nonlinearity?: "tanh" | "relu" } = {},
  ) {
    super("RNN", `rnn_${options.nonlinearity ?? "tanh"}`, 1, [inputSize, hiddenSize, numLayers], options);
  }

  /** Input `[steps, batch, features]`; gives the outputs and the state `[layers · directions, batch, hidden]`. */
  forward(x: Tensor, h?: Tensor | null): [output: Tensor, h: Tensor] {
    return this.run(x, h ? [h] : []) as [Tensor, Tensor];
  }
}

/** A gated recurrent unit over a sequence, in one or several layers. */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, numLayers = 1, options: RecurrentOptions = {}) {
    super("GRU", "gru", 3, [inputSize, hiddenSize, numLayers], options);
  }

  /** Input `[steps, batch, features]`; gives the outputs and the state `[layers · directions, batch, hidden]`. */
  forward(x: Tensor, h?: Tensor | null): [output: Tensor, h: Tensor] {
    return this.run(x, h ? [h] : []) as [Tensor, Tensor];
  }
}

/** Long short-term memory over a sequence, in one or several layers. */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, numLayers = 1, options: RecurrentOptions = {}) {
    super("LSTM", "lstm", 4, [inputSize, hiddenSize, numLayers], options);
  }

  /** Input `[steps, batch, features]`; gives the outputs and the states `[layers · directions, batch, hidden]`. */
  forward(x: Tensor, state?: [h: Tensor, c: Tensor] | null): [output: Tensor, state: [h: Tensor, c: Tensor]] {
    const [output, h, c] = this.run(x, state ?? []) as [Tensor, Tensor, Tensor];
    return [output, [h, c]];
  }
}

/** One step of an LSTM. Biases start at 0. */
export class LSTMCell {
  /** `[4 · hidden, in]`. */
  weight_ih: Tensor;
  /** `[4 · hidden, hidden]`. */
  weight_hh: Tensor;
  /** `[4 · hidden]`, or `null`. */
  bias_ih: Tensor | null;
  /** `[4 · hidden]`, or `null`. */
  bias_hh: Tensor | null;

  constructor(inputSize: number, hiddenSize: number, options: { bias?: boolean } = {}) {
    whole("LSTMCell", [inputSize, hiddenSize], 1);
    const bound = 1 / Math.sqrt(hiddenSize);
    const zeros = () => ((options.bias ?? true) ? uniform([4 * hiddenSize], 0) : null);
    this.weight_ih = uniform([4 * hiddenSize, inputSize], bound);
    this.weight_hh = uniform([4 * hiddenSize, hiddenSize], bound);
    this.bias_ih = zeros();
    this.bias_hh = zeros();
  }

  /** Input `[batch, features]` and the last states `[batch, hidden]`; gives the next. */
  forward(x: Tensor, state?: [h: Tensor, c: Tensor] | null): [h: Tensor, c: Tensor] {
    const bias = this.bias_ih && this.bias_hh ? [this.bias_ih, this.bias_hh] : [];
    const weights = [this.weight_ih, this.weight_hh, ...bias];
    const before = (state ?? []).map((s) => s.unsqueeze(0));
    const [, h, c] = x.unsqueeze(0).recurrent("lstm", weights, before, { bias: bias.length > 0 });
    return [h!.squeeze(0), c!.squeeze(0)];
  }
}
