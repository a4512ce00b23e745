import { Optim } from "../wasm/playgrad.js";
import { engine, grew } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { idsOf } from "./handle.js";
import type { Tensor } from "./tensor.js";

const registry = new FinalizationRegistry<number>((id) => engine().releaseOptimizer(id));

/** Changes parameters by their gradients. Its state lives in the engine. */
export abstract class Optimizer {
  readonly #id: number;
  /** The tensors it changes. */
  readonly params: readonly Tensor[];

  protected constructor(kind: Optim, params: readonly Tensor[], lr: number, settings: number[]) {
    const op = Optim[kind]!;
    if (!Array.isArray(params) || params.length === 0) {
      const got = Array.isArray(params) ? "no parameters" : typeof params;
      throw new ArgumentError(op, got, "an array of tensors", `write new optim.${op}(nn.parameters(model))`);
    }
    this.params = params;
    this.#id = engine().optimizer(kind, idsOf(op, params), Float64Array.from([lr, ...settings]));
    registry.register(this, this.#id);
  }

  /** Learning rate; may change at any time. */
  get lr(): number {
    return engine().learningRate(this.#id);
  }
  set lr(value: number) {
    engine().setLearningRate(this.#id, value);
  }

  /**
   * Changes every parameter by its gradient, in one submission together with the loss that `backward()` started
   * from. Waits for nothing. Parameters without a gradient throw `ArgumentError`.
   */
  step(): void {
    engine().optimizerStep(this.#id);
    grew();
  }

  /** Forgets the gradients; without it they add up. */
  zeroGrad(): void {
    engine().zeroGrad(this.#id);
  }
}

/** Stochastic gradient descent. */
export interface SGDOptions {
  lr?: number;
  momentum?: number;
  nesterov?: boolean;
  weightDecay?: number;
}

/** Adam and AdamW. */
export interface AdamOptions {
  lr?: number;
  betas?: readonly [number, number];
  eps?: number;
  weightDecay?: number;
}

/** Stochastic gradient descent, with momentum as in PyTorch. */
export class SGD extends Optimizer {
  constructor(params: readonly Tensor[], options: SGDOptions = {}) {
    const { lr = 0.001, momentum = 0, nesterov = false, weightDecay = 0 } = options;
    super(Optim.SGD, params, lr, [momentum, weightDecay, Number(nesterov)]);
  }
}

/** Adam (arXiv 1412.6980); weight decay is added to the gradient. */
export class Adam extends Optimizer {
  constructor(params: readonly Tensor[], options: AdamOptions = {}) {
    const { lr = 0.001, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
    super(Optim.Adam, params, lr, [betas[0], betas[1], eps, weightDecay]);
  }
}

/** AdamW (arXiv 1711.05101): weight decay apart from the gradient. */
export class AdamW extends Optimizer {
  constructor(params: readonly Tensor[], options: AdamOptions = {}) {
    const { lr = 0.001, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options;
    super(Optim.AdamW, params, lr, [betas[0], betas[1], eps, weightDecay]);
  }
}
