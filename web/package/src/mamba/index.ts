/**
 * Mamba, a sequence model whose state is updated once for each token (Gu and Dao, 2023, arXiv 2312.00752). Names of
 * classes and weights are those of mamba-minimal, so that its state dicts fit.
 */

import * as nn from "../nn.js";
import { Tensor, tensor } from "../tensor.js";

/** What a `Mamba` is made of. */
export interface ModelArgs {
  /** Numbers for each token. */
  dModel: number;
  nLayer: number;
  /** Kinds of tokens; the model rounds it up to a multiple of `padVocabSizeMultiple`. */
  vocabSize: number;
  /** Numbers of state for each channel. */
  dState?: number;
  /** Channels inside a block for each number of a token. */
  expand?: number;
  /** Numbers that the step sizes are made of; ⌈dModel / 16⌉ when left out. */
  dtRank?: number;
  /** Tokens that the convolution sees. */
  dConv?: number;
  padVocabSizeMultiple?: number;
  convBias?: boolean;
  bias?: boolean;
}

/** Divides by the root of the mean square over the last axis, then scales. Input `[…, d]`, output the same. */
export class RMSNorm extends nn.RMSNorm {
  constructor(d: number, eps = 1e-5) {
    super(d, { eps });
  }
}

/**
 * The recurrence `h[t] = exp(Δ[t]·A) · h[t - 1] + Δ[t]·B[t]·u[t]`, read as `y[t] = C[t]·h[t] + D·u[t]`.
 *
 * `u` and `delta` are `[batch, length, channels]`, `a` is `[channels, state]`, `b` and `c` are
 * `[batch, length, state]`, `d` is `[channels]`; gives `[batch, length, channels]`. One kernel computes all states,
 * one its way back; both walk the length once.
 */
export function selectiveScan(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor): Tensor {
  const keep = delta.unsqueeze(-1).mul(a).exp();
  const add = delta.mul(u).unsqueeze(-1).mul(b.unsqueeze(2));
  const states = Tensor.scan(keep, add, 1);
  return states.mul(c.unsqueeze(2)).sum(-1).add(u.mul(d));
}

/** One mixing of a sequence: a short convolution, the selective scan and a gate. Keeps `[batch, length, dModel]`. */
export class MambaBlock {
  in_proj: nn.Linear;
  conv1d: nn.Conv1d;
  x_proj: nn.Linear;
  dt_proj: nn.Linear;
  /** `[channels, state]`: the log of how fast each number of state is forgotten. */
  A_log: Tensor;
  /** `[channels]`: how much of the input passes by the state. */
  D: Tensor;
  out_proj: nn.Linear;
  readonly #sizes: [rank: number, state: number, state: number];

  constructor(args: ModelArgs) {
    const { dModel, dState = 16, expand = 2, dConv = 4, convBias = true, bias = false } = args;
    const { dtRank = Math.ceil(dModel / 16) } = args;
    const channels = expand * dModel;
    this.#sizes = [dtRank, dState, dState];
    this.in_proj = new nn.Linear(dModel, 2 * channels, { bias });
    this.conv1d = new nn.Conv1d(channels, channels, dConv, {
      groups: channels,
      padding: dConv - 1,
      bias: convBias,
    });
    this.x_proj = new nn.Linear(channels, dtRank + 2 * dState, { bias: false });
    this.dt_proj = new nn.Linear(dtRank, channels);
    this.dt_proj.bias?.assign(firstSteps(channels));
    const decays = Float32Array.from({ length: channels * dState }, (_, i) => Math.log(1 + (i % dState)));
    this.A_log = tensor(decays, { shape: [channels, dState], requiresGrad: true });
    this.D = tensor(new Float32Array(channels).fill(1), { requiresGrad: true });
    this.out_proj = new nn.Linear(channels, dModel, { bias });
  }

  forward(x: Tensor): Tensor {
    const { u, delta, b, c, gate } = this.select(x);
    const y = selectiveScan(u, delta, this.A_log.exp().neg(), b, c, this.D);
    return this.out_proj.forward(y.mul(gate.silu()));
  }

  /** What the scan is given, all of it made from the input: `u`, `delta` and `gate` have a number for each channel. */
  select(x: Tensor): Record<"u" | "delta" | "b" | "c" | "gate", Tensor> {
    const [inner, gate] = this.in_proj.forward(x).chunk(2, -1) as [Tensor, Tensor];
    const seen = this.conv1d.forward(inner.transpose(1, 2)).shrink([null, null, [0, x.shape[1]!]]);
    const u = seen.transpose(1, 2).silu();
    const [steps, b, c] = this.x_proj.forward(u).split(this.#sizes, -1) as [Tensor, Tensor, Tensor];
    return { u, delta: this.dt_proj.forward(steps).softplus(), b, c, gate };
  }
}

/** Biases whose softplus lies between 0.001 and 0.1, evenly on a log scale: the first step sizes. */
function firstSteps(channels: number): Tensor {
  const steps = Tensor.rand(channels).mul(Math.log(100)).add(Math.log(0.001)).exp();
  return steps.add(steps.neg().expm1().neg().log()).realize();
}

/** `mixer(norm(x)) + x`. */
export class ResidualBlock {
  mixer: MambaBlock;
  norm: RMSNorm;

  constructor(args: ModelArgs) {
    this.mixer = new MambaBlock(args);
    this.norm = new RMSNorm(args.dModel);
  }

  forward(x: Tensor): Tensor {
    return this.mixer.forward(this.norm.forward(x)).add(x);
  }
}

/** Tokens in, scores of the next token out. The head is the embedding's own matrix. */
export class Mamba {
  readonly args: ModelArgs;
  embedding: nn.Embedding;
  layers: ResidualBlock[];
  norm_f: RMSNorm;
  lm_head: nn.Linear;

  constructor(args: ModelArgs) {
    const { dModel, nLayer, vocabSize, padVocabSizeMultiple: multiple = 8 } = args;
    const padded = Math.ceil(vocabSize / multiple) * multiple;
    this.args = { ...args, vocabSize: padded };
    this.embedding = new nn.Embedding(padded, dModel);
    this.layers = Array.from({ length: nLayer }, () => new ResidualBlock(args));
    this.norm_f = new RMSNorm(dModel);
    this.lm_head = new nn.Linear(dModel, padded, { bias: false });
    this.lm_head.weight = this.embedding.weight;
  }

  /** Integers `[batch, length]` in, `[batch, length, padded vocabulary]` out. */
  forward(tokens: Tensor): Tensor {
    let x = this.embedding.forward(tokens);
    for (const layer of this.layers) x = layer.forward(x);
    return this.lm_head.forward(this.norm_f.forward(x));
  }

  /** For looking: each block's step sizes Δ for these tokens, `[batch, length, channels]`. Large ones take a token in. */
  stepSizes(tokens: Tensor): Tensor[] {
    let x = this.embedding.forward(tokens);
    return this.layers.map((layer) => {
      const { delta } = layer.mixer.select(layer.norm.forward(x));
      x = layer.forward(x);
      return delta;
    });
  }
}
