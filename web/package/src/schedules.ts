import { engine } from "./engine.js";
import { type Optimizer, settings } from "./optim.js";

const registry = new FinalizationRegistry<number>((id) => engine().releaseSchedule(id));

/** Sets an optimizer's learning rates; names, defaults and formulas are those of `torch.optim.lr_scheduler`. */
export abstract class Schedule {
  readonly #id: number;
  /** Whose rates it sets. */
  readonly optimizer: Optimizer;

  protected constructor(kind: string, optimizer: Optimizer, options: object) {
    this.optimizer = optimizer;
    this.#id = engine().schedule(kind, optimizer.id, ...settings(options));
    registry.register(this, this.#id);
  }

  /** Sets the next step's rates; call it after the optimizer's. `metric` is for `ReduceLROnPlateau` alone. */
  step(metric = Number.NaN): void {
    engine().scheduleStep(this.#id, metric);
  }

  /** What it keeps, as numbers. */
  get state(): number[] {
    return Array.from(engine().scheduleState(this.#id));
  }
  set state(value: readonly number[]) {
    engine().loadScheduleState(this.#id, Float64Array.from(value));
  }
}

/** Times `gamma` (0.1) every `stepSize` steps. */
export class StepLR extends Schedule {
  constructor(optimizer: Optimizer, options: { stepSize: number; gamma?: number }) {
    super("StepLR", optimizer, options);
  }
}

/** Times `gamma` (0.1) at each milestone. */
export class MultiStepLR extends Schedule {
  constructor(optimizer: Optimizer, options: { milestones: readonly number[]; gamma?: number }) {
    super("MultiStepLR", optimizer, options);
  }
}

/** Times `factor` (1/3) for `totalIters` (5) steps. */
export class ConstantLR extends Schedule {
  constructor(optimizer: Optimizer, options: { factor?: number; totalIters?: number } = {}) {
    super("ConstantLR", optimizer, options);
  }
}

/** Times a factor that goes from `startFactor` (1/3) to `endFactor` (1) in `totalIters` (5) steps. */
export class LinearLR extends Schedule {
  constructor(
    optimizer: Optimizer,
    options: { startFactor?: number; endFactor?: number; totalIters?: number } = {},
  ) {
    super("LinearLR", optimizer, options);
  }
}

/** Times `gamma` every step. */
export class ExponentialLR extends Schedule {
  constructor(optimizer: Optimizer, options: { gamma: number }) {
    super("ExponentialLR", optimizer, options);
  }
}

/** Down to 0 in `totalIters` (5) steps as `(1 - t / totalIters) ** power` (1). */
export class PolynomialLR extends Schedule {
  constructor(optimizer: Optimizer, options: { totalIters?: number; power?: number } = {}) {
    super("PolynomialLR", optimizer, options);
  }
}

/** Half a cosine down to `etaMin` (0) in `tMax` steps, after `warmup` (0) steps that rise in a line. */
export class CosineAnnealingLR extends Schedule {
  constructor(optimizer: Optimizer, options: { tMax: number; etaMin?: number; warmup?: number }) {
    super("CosineAnnealingLR", optimizer, options);
  }
}

/** A cosine that starts over after `t0` steps, then after `tMult` (1) times as many. */
export class CosineAnnealingWarmRestarts extends Schedule {
  constructor(optimizer: Optimizer, options: { t0: number; tMult?: number; etaMin?: number }) {
    super("CosineAnnealingWarmRestarts", optimizer, options);
  }
}

/** Up to `maxLr` and far down again in `totalSteps`; `linear` for lines rather than cosines. */
export class OneCycleLR extends Schedule {
  constructor(
    optimizer: Optimizer,
    options: {
      maxLr: number;
      totalSteps: number;
      pctStart?: number;
      linear?: boolean;
      divFactor?: number;
      finalDivFactor?: number;
      threePhase?: boolean;
    },
  ) {
    super("OneCycleLR", optimizer, options);
  }
}

/** Times `factor` (0.1) when `step(metric)` has not got better for `patience` (10) steps; `max` where more is better. */
export class ReduceLROnPlateau extends Schedule {
  constructor(
    optimizer: Optimizer,
    options: {
      max?: boolean;
      factor?: number;
      patience?: number;
      threshold?: number;
      absolute?: boolean;
      cooldown?: number;
      minLr?: number;
      eps?: number;
    } = {},
  ) {
    super("ReduceLROnPlateau", optimizer, options);
  }
}
