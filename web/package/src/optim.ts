import { engine, grew } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { idsOf, make, named } from "./handle.js";
import { parameters } from "./nn.js";
import { Tensor } from "./tensor.js";

const registry = new FinalizationRegistry<number>((id) => engine().releaseOptimizer(id));

/** Tensors, or models whose `nn.parameters` are meant. */
export type Trained = readonly object[];
/** What an optimizer changes; in groups where some have settings of their own. */
export type Params<Options> = Trained | readonly ({ params: Trained } & Options)[];

/** Settings as the engine takes them: a list's name comes once for each of its numbers. @internal */
export function settings(given: object): [string[], Float64Array] {
  const pairs = Object.entries(given).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [value].flat().map((one): [string, number] => [name, +one]),
  );
  return [pairs.map(([name]) => name), Float64Array.from(pairs, ([, value]) => value)];
}

const tensors = (list: Trained): Tensor[] =>
  list.flatMap((item) => (item instanceof Tensor ? [item] : parameters(item)));

/** Parameters with a learning rate of their own. */
export class Group {
  /** @internal */
  readonly id: number;
  /** The tensors it changes. */
  readonly params: readonly Tensor[];

  /** @internal */
  constructor(id: number, params: readonly Tensor[]) {
    this.id = id;
    this.params = params;
    registry.register(this, id);
  }

  /** Learning rate; may change at any time. */
  get lr(): number {
    return engine().learningRate(this.id);
  }
  set lr(value: number) {
    engine().setLearningRate(this.id, value);
  }
}

function groups(kind: string, given: Params<object>, options: object): Group[] {
  if (!Array.isArray(given) || given.length === 0) {
    const got = Array.isArray(given) ? "no parameters" : typeof given;
    throw new ArgumentError(
      kind,
      got,
      "an array of tensors",
      `write new optim.${kind}(nn.parameters(model))`,
    );
  }
  const grouped = given.every((group) => Array.isArray(group?.params));
  return (grouped ? given : [{ params: given }]).map(({ params, ...own }) => {
    const all = tensors(params);
    return new Group(engine().optimizer(kind, idsOf(kind, all), ...settings({ ...options, ...own })), all);
  });
}

/** Changes parameters by their gradients. Its state lives in the engine. */
export abstract class Optimizer extends Group {
  /** One for each group of parameters. */
  readonly groups: readonly Group[];

  protected constructor(groups: readonly Group[]) {
    const id = engine().optimizerGroup(Uint32Array.from(groups, (group) => group.id));
    super(
      id,
      groups.flatMap((group) => group.params),
    );
    this.groups = groups;
  }

  /**
   * Changes every parameter by its gradient, in one submission together with the loss that `backward()` started
   * from. Waits for nothing. Parameters without a gradient throw `ArgumentError`.
   */
  step(): void {
    engine().optimizerStep(this.id);
    grew();
  }

  /** Forgets the gradients; without it they add up. */
  zeroGrad(): void {
    engine().zeroGrad(this.id);
  }

  /** All it keeps from step to step, for `saveSafetensors`. */
  stateDict(): Record<string, Tensor> {
    return named(engine().optimizerState(this.id));
  }

  /** Goes on where the optimizer was that gave `state`. Other names or shapes throw `DataError`. */
  loadStateDict(state: Record<string, Tensor>): void {
    const ids = idsOf("loadStateDict", Object.values(state));
    engine().loadOptimizerState(this.id, Object.keys(state), ids);
  }
}

/** Several optimizers as one: a step changes the parameters of all, in one submission. */
export class OptimizerGroup extends Optimizer {
  constructor(...optimizers: Optimizer[]) {
    super(optimizers.flatMap((one) => one.groups));
  }
}

/** Stochastic gradient descent; `classic` puts the learning rate into the momentum. */
export interface SGDOptions {
  lr?: number;
  momentum?: number;
  nesterov?: boolean;
  weightDecay?: number;
  classic?: boolean;
}

/** Adam and AdamW. */
export interface AdamOptions {
  lr?: number;
  betas?: readonly [number, number];
  eps?: number;
  weightDecay?: number;
}

/** LAMB; `adam` leaves out the ratio of norms. */
export interface LAMBOptions extends AdamOptions {
  adam?: boolean;
}

/** LARS; `preWd` adds weight decay to the gradient, `tcoef` is the trust coefficient. */
export interface LARSOptions extends SGDOptions {
  nsSteps?: number;
  nsCoefficients?: readonly [number, number, number];
  preWd?: boolean;
  tcoef?: number;
}

/** Muon; `nsSteps` and `nsCoefficients` are of its Newton-Schulz iteration. */
export interface MuonOptions {
  lr?: number;
  momentum?: number;
  weightDecay?: number;
  nsSteps?: number;
  nsCoefficients?: readonly [number, number, number];
  nesterov?: boolean;
}

/** Stochastic gradient descent, with momentum as in PyTorch. lr 0.001. */
export class SGD extends Optimizer {
  constructor(params: Params<SGDOptions>, options: SGDOptions = {}) {
    super(groups("SGD", params, options));
  }
}

/** Adam (arXiv 1412.6980); weight decay is added to the gradient. lr 0.001, betas 0.9 and 0.999, eps 1e-8. */
export class Adam extends Optimizer {
  constructor(params: Params<AdamOptions>, options: AdamOptions = {}) {
    super(groups("Adam", params, options));
  }
}

/** AdamW (arXiv 1711.05101): weight decay, 0.01, apart from the gradient. */
export class AdamW extends Optimizer {
  constructor(params: Params<AdamOptions>, options: AdamOptions = {}) {
    super(groups("AdamW", params, options));
  }
}

/** LAMB (arXiv 1904.00962): Adam's step scaled by the ratio of norms. eps 1e-6. */
export class LAMB extends Optimizer {
  constructor(params: Params<LAMBOptions>, options: LAMBOptions = {}) {
    super(groups("LAMB", params, options));
  }
}

/** LARS (arXiv 1708.03888): SGD scaled by the ratio of norms. Momentum 0.9, weight decay 1e-4, tcoef 0.001. */
export class LARS extends Optimizer {
  constructor(params: Params<LARSOptions>, options: LARSOptions = {}) {
    super(groups("LARS", params, options));
  }
}

/** Muon (arXiv 2502.16982): momentum made orthogonal, for matrices. Momentum 0.95, weight decay 0.1. */
export class Muon extends Optimizer {
  constructor(params: Params<MuonOptions>, options: MuonOptions = {}) {
    super(groups("Muon", params, options));
  }
}

/**
 * Scales the gradients so that their norm taken together is at most `maxNorm`; gives the norm they had. Computed
 * with the optimizer's step. `normType` may be `Infinity`.
 */
export const clipGradNorm = (params: Trained, maxNorm: number, normType = 2): Tensor =>
  make(engine().clipGradNorm(idsOf("clipGradNorm", tensors(params)), maxNorm, normType));

/** Limits each element of the gradients to ±`clipValue`. */
export const clipGradValue = (params: Trained, clipValue: number): void =>
  engine().clipGradValue(idsOf("clipGradValue", tensors(params)), clipValue);

export * from "./schedules.js";
