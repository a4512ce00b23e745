import { ArgumentError } from "../errors.js";
import { jit } from "../jit.js";
import { Dropout, Embedding, LayerNorm, Linear, stateDict } from "../nn.js";
import { integer } from "../shape.js";
import { Tensor, tensor } from "../tensor.js";

/** Layers, heads and width of the models that have a name. */
export const sizes = {
  "openai-gpt": [12, 12, 768],
  gpt2: [12, 12, 768],
  "gpt2-medium": [24, 16, 1024],
  "gpt2-large": [36, 20, 1280],
  "gpt2-xl": [48, 25, 1600],
  "gopher-44m": [8, 16, 512],
  "gpt-mini": [6, 6, 192],
  "gpt-micro": [4, 4, 128],
  "gpt-nano": [3, 3, 48],
} as const;

export type GPTSize = keyof typeof sizes;

/** A model by its name, or by `nLayer`, `nHead` and `nEmbd`. `nEmbd` is a multiple of `nHead`. */
export interface GPTOptions {
  /** How many kinds of tokens there are. */
  vocabSize: number;
  /** The most tokens it sees at once. */
  blockSize: number;
  modelType?: GPTSize;
  nLayer?: number;
  nHead?: number;
  nEmbd?: number;
  /** Dropped while `Tensor.training`, 0.1 each: of the embeddings, of what a block adds, of the attention. */
  embdPdrop?: number;
  residPdrop?: number;
  attnPdrop?: number;
}

type Config = Required<Omit<GPTOptions, "modelType">>;

/** How the next token is chosen. */
export interface Sampling {
  /** Below 1 likely tokens become likelier; 1 unless told. */
  temperature?: number;
  /** Only this many of the likeliest. */
  topK?: number;
  /** `false` takes the likeliest. */
  sample?: boolean;
}

function configured({ modelType, ...given }: GPTOptions): Config {
  const known = modelType === undefined ? [] : sizes[modelType];
  if (known === undefined)
    throw new ArgumentError(
      "GPT",
      `modelType "${modelType}"`,
      Object.keys(sizes).join(", "),
      "use one of these",
    );
  const [nLayer, nHead, nEmbd] = known;
  const config = { nLayer, nHead, nEmbd, embdPdrop: 0.1, residPdrop: 0.1, attnPdrop: 0.1, ...given };
  for (const name of ["vocabSize", "blockSize", "nLayer", "nHead", "nEmbd"] as const)
    integer("GPT", name, config[name] as number, 1);
  if (config.nEmbd! % config.nHead! !== 0)
    throw new ArgumentError(
      "GPT",
      `${config.nHead} heads for a width of ${config.nEmbd}`,
      "a width that is a multiple of the heads",
      "change nEmbd or nHead",
    );
  return config as Config;
}

/**
 * How many weights such a model has, without making it. Those of the head are left out, as minGPT does when it prints
 * the number: in GPT-2 the head is the embedding's own matrix.
 */
export function parameterCount(options: GPTOptions): number {
  const { vocabSize, blockSize, nLayer, nEmbd } = configured(options);
  return (vocabSize + blockSize + 2) * nEmbd + nLayer * (12 * nEmbd + 13) * nEmbd;
}

/** Causal self-attention (arXiv 1706.03762): each token looks at itself and those before it. */
class Attention {
  readonly c_attn: Linear;
  readonly c_proj: Linear;
  readonly #heads: number;
  readonly #attend: Dropout;
  readonly #residual: Dropout;

  constructor({ nEmbd, nHead, attnPdrop, residPdrop }: Config) {
    this.c_attn = new Linear(nEmbd, 3 * nEmbd);
    this.c_proj = new Linear(nEmbd, nEmbd);
    this.#heads = nHead;
    this.#attend = new Dropout(attnPdrop);
    this.#residual = new Dropout(residPdrop);
  }

  forward(x: Tensor, maps: Tensor[]): Tensor {
    const [batch = 0, length = 0, width = 0] = x.shape;
    const size = width / this.#heads;
    const heads = this.c_attn.forward(x).reshape(batch, length, 3, this.#heads, size).permute(2, 0, 3, 1, 4);
    const [q, k, v] = [heads.slice(0), heads.slice(1), heads.slice(2)];
    const at = Tensor.arange(length);
    const scores = q.matmul(k.transpose(-2, -1)).div(Math.sqrt(size));
    const attention = at.unsqueeze(1).ge(at).where(scores, Number.NEGATIVE_INFINITY).softmax(-1);
    maps.push(attention);
    const mixed = this.#attend.forward(attention).matmul(v).permute(0, 2, 1, 3).reshape(batch, length, width);
    return this.#residual.forward(this.c_proj.forward(mixed));
  }
}

/** Two layers for each token by itself, four times as wide between. */
class MLP {
  readonly c_fc: Linear;
  readonly c_proj: Linear;
  readonly #residual: Dropout;

  constructor({ nEmbd, residPdrop }: Config) {
    this.c_fc = new Linear(nEmbd, 4 * nEmbd);
    this.c_proj = new Linear(4 * nEmbd, nEmbd);
    this.#residual = new Dropout(residPdrop);
  }

  forward(x: Tensor): Tensor {
    return this.#residual.forward(this.c_proj.forward(this.c_fc.forward(x).gelu()));
  }
}

class Block {
  readonly ln_1: LayerNorm;
  readonly attn: Attention;
  readonly ln_2: LayerNorm;
  readonly mlp: MLP;

  constructor(config: Config) {
    this.ln_1 = new LayerNorm(config.nEmbd);
    this.attn = new Attention(config);
    this.ln_2 = new LayerNorm(config.nEmbd);
    this.mlp = new MLP(config);
  }

  forward(x: Tensor, maps: Tensor[]): Tensor {
    const attended = x.add(this.attn.forward(this.ln_1.forward(x), maps));
    return attended.add(this.mlp.forward(this.ln_2.forward(attended)));
  }
}

/**
 * A transformer that says which token comes next (GPT-2: norms before the layers, tanh GELU). Weights are named as
 * in minGPT and start normal with deviation 0.02, those that end a residual branch with 0.02 / √(2 · nLayer).
 */
export class GPT {
  readonly transformer: { wte: Embedding; wpe: Embedding; h: Block[]; ln_f: LayerNorm };
  readonly lm_head: Linear;
  readonly config: Readonly<Config>;
  readonly #drop: Dropout;
  // The weights are arguments: a step takes what else it reads to stay as it was.
  readonly #step = jit((_weights: Tensor[], ...rest: Parameters<GPT["choose"]>) => this.choose(...rest));

  constructor(options: GPTOptions) {
    const config = configured(options);
    const { vocabSize, blockSize, nEmbd, nLayer } = config;
    this.config = config;
    this.#drop = new Dropout(config.embdPdrop);
    this.transformer = {
      wte: new Embedding(vocabSize, nEmbd),
      wpe: new Embedding(blockSize, nEmbd),
      h: Array.from({ length: nLayer }, () => new Block(config)),
      ln_f: new LayerNorm(nEmbd),
    };
    this.lm_head = new Linear(nEmbd, vocabSize, { bias: false });
    for (const [name, weight] of Object.entries(stateDict(this))) {
      const std = name.endsWith("c_proj.weight") ? 0.02 / Math.sqrt(2 * nLayer) : 0.02;
      if (weight.ndim === 2) weight.assign(Tensor.normal(weight.shape, 0, std));
      else if (name.endsWith("bias")) weight.assign(weight.zerosLike());
    }
  }

  /** Tokens `[batch, length]` → logits `[batch, length, vocabSize]` of the token after each. */
  forward(tokens: Tensor): Tensor {
    return this.#run(tokens, []);
  }

  /** The mean cross-entropy of the targets `[batch, length]`; those of -1 do not count, in the mean neither. */
  loss(tokens: Tensor, targets: Tensor): Tensor {
    const scores = this.forward(tokens).logSoftmax(-1).flatten(0, 1);
    return scores.nllLoss(targets.flatten(), null, -1);
  }

  /** How much each token looks at each before it: per block `[batch, heads, length, length]`, rows sum to 1. */
  attention(tokens: Tensor): Tensor[] {
    const maps: Tensor[] = [];
    evaluating(() => this.#run(tokens, maps));
    return maps;
  }

  /** Tokens `[batch, length]` with `count` more after them; sees the last `blockSize` of them. Waits for nothing. */
  generate(tokens: Tensor, count: number, options: Sampling = {}): Tensor {
    const { blockSize } = this.config;
    const length = tokens.shape[1] ?? 0;
    const made = [tokens];
    let at = Math.min(length, blockSize);
    let window = tokens.slice(null, [length - at, length]).pad([
      [0, 0],
      [0, blockSize - at],
    ]);
    for (let i = 0; i < count; i++) {
      const next = this.#next(window, at, options);
      made.push(next);
      if (at === blockSize) window = Tensor.cat([window.slice(null, [1, blockSize]), next], 1);
      else window = Tensor.arange(blockSize).eq(at++).where(next, window);
    }
    return Tensor.cat(made, 1);
  }

  /** The token after these: for writing one by one, between other work. */
  async next(tokens: readonly number[], options: Sampling = {}): Promise<number> {
    const seen = tokens.slice(-this.config.blockSize);
    const window = [...seen, ...new Array(this.config.blockSize - seen.length).fill(0)];
    return this.#next(tensor([window], { dtype: "int32" }), seen.length, options).item();
  }

  #next(window: Tensor, length: number, { temperature = 1, topK = 0, sample = true }: Sampling): Tensor {
    if (length === 0)
      throw new ArgumentError("GPT", "no tokens", "at least one to go on from", "begin with any token");
    const at = tensor([length - 1], { dtype: "int32" });
    return evaluating(() =>
      this.#step(Object.values(stateDict(this)), window, at, tensor([temperature]), topK, sample),
    );
  }

  /** @internal */
  choose(window: Tensor, at: Tensor, temperature: Tensor, topK: number, sample: boolean): Tensor {
    const logits = this.forward(window).transpose(0, 1).index(at).reshape(-1, this.config.vocabSize);
    if (!sample) return logits.argmax(-1, { keepdim: true });
    const scaled = logits.div(temperature);
    const k = Math.min(topK, this.config.vocabSize);
    if (k === 0) return scaled.softmax(-1).multinomial(1);
    const least = scaled.topk(k)[0]!.slice(null, [k - 1, k]);
    return scaled.lt(least).where(Number.NEGATIVE_INFINITY, scaled).softmax(-1).multinomial(1);
  }

  #run(tokens: Tensor, maps: Tensor[]): Tensor {
    const length = tokens.shape[1] ?? 0;
    if (tokens.ndim !== 2 || length > this.config.blockSize)
      throw new ArgumentError(
        "GPT",
        `tokens of shape [${tokens.shape.join(", ")}]`,
        `[batch, length] of at most ${this.config.blockSize} tokens`,
        "cut them, or make the model with a larger blockSize",
      );
    const { wte, wpe, h, ln_f } = this.transformer;
    const first = this.#drop.forward(wte.forward(tokens).add(wpe.weight.slice([0, length])));
    const last = h.reduce((x, block) => block.forward(x, maps), first);
    return this.lm_head.forward(ln_f.forward(last));
  }
}

/** Without dropout, whatever goes on around. */
function evaluating<T>(work: () => T): T {
  const training = Tensor.training;
  Tensor.training = false;
  try {
    return work();
  } finally {
    Tensor.training = training;
  }
}
