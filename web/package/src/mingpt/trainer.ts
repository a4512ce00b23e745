import { ArgumentError } from "../errors.js";
import { jit } from "../jit.js";
import { stateDict } from "../nn.js";
import { AdamW, clipGradNorm } from "../optim.js";
import { Tensor, tensor } from "../tensor.js";
import type { GPT } from "./model.js";

/**
 * What is learned: pairs of tokens and of what comes after each, all of one length, from which batches are drawn; or
 * a function that makes a batch of that many, two tensors `[batch, length]`.
 */
export type Dataset =
  | readonly (readonly [readonly number[], readonly number[]])[]
  | ((batch: number) => readonly [Tensor, Tensor]);

/** minGPT's settings and defaults. */
export interface TrainerOptions {
  batchSize?: number;
  learningRate?: number;
  betas?: readonly [number, number];
  weightDecay?: number;
  gradNormClip?: number;
}

/** Trains a GPT with AdamW; weight decay acts on the weights of linear layers alone. */
export class Trainer {
  readonly optimizer: AdamW;
  readonly batchSize: number;
  readonly #batch: (batch: number) => readonly [Tensor, Tensor];
  readonly #step: (x: Tensor, y: Tensor) => Tensor;
  #steps = 0;

  constructor(model: GPT, dataset: Dataset, options: TrainerOptions = {}) {
    const { batchSize = 64, learningRate = 3e-4, betas = [0.9, 0.95], gradNormClip = 1 } = options;
    const { weightDecay = 0.1 } = options;
    const named = Object.entries(stateDict(model));
    const of = (decays: boolean) =>
      named.filter(([name]) => /(c_\w+|lm_head)\.weight$/.test(name) === decays).map(([, weight]) => weight);
    this.batchSize = batchSize;
    this.optimizer = new AdamW(
      [
        { params: of(true), weightDecay },
        { params: of(false), weightDecay: 0 },
      ],
      { lr: learningRate, betas },
    );
    this.#batch = typeof dataset === "function" ? dataset : drawFrom(dataset);
    this.#step = jit((x: Tensor, y: Tensor) => {
      const loss = model.loss(x, y);
      this.optimizer.zeroGrad();
      loss.backward();
      clipGradNorm([model], gradNormClip);
      this.optimizer.step();
      return loss;
    });
  }

  /** Steps made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** One step on one batch; gives its loss. */
  step(): Tensor {
    this.#steps++;
    const training = Tensor.training;
    Tensor.training = true;
    try {
      return this.#step(...this.#batch(this.batchSize));
    } finally {
      Tensor.training = training;
    }
  }
}

function drawFrom(pairs: Exclude<Dataset, (batch: number) => unknown>) {
  if (pairs.length === 0)
    throw new ArgumentError(
      "Trainer",
      "an empty dataset",
      "pairs of tokens and targets",
      "give at least one",
    );
  const [x, y] = [0, 1].map((i) =>
    tensor(
      pairs.map((pair) => [...pair[i]!]),
      { dtype: "int32" },
    ),
  ) as [Tensor, Tensor];
  return (batch: number) => {
    const pick = Tensor.randint([batch], 0, pairs.length);
    return [x.index(pick), y.index(pick)] as const;
  };
}
