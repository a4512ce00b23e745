"""A transformer that says which token comes next: GPT-2's architecture (norms before the layers, tanh GELU)."""

import math

from tinygrad import Tensor, TinyJit, dtypes, nn
from tinygrad._engine import ArgumentError

from .utils import CfgNode

SIZES = {
    "openai-gpt": (12, 12, 768),
    "gpt2": (12, 12, 768),
    "gpt2-medium": (24, 16, 1024),
    "gpt2-large": (36, 20, 1280),
    "gpt2-xl": (48, 25, 1600),
    "gopher-44m": (8, 16, 512),
    "gpt-mini": (6, 6, 192),
    "gpt-micro": (4, 4, 128),
    "gpt-nano": (3, 3, 48),
}


class CausalSelfAttention:
    """Each token looks at itself and those before it (arXiv 1706.03762)."""

    def __init__(self, config):
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)
        self.n_head, self.attn_pdrop, self.resid_pdrop = config.n_head, config.attn_pdrop, config.resid_pdrop

    def __call__(self, x, maps):
        batch, length, width = x.shape
        heads = self.c_attn(x).reshape(batch, length, 3, self.n_head, width // self.n_head)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        at = Tensor.arange(length)
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.n_head)
        attention = (at.unsqueeze(1) >= at).where(scores, -math.inf).softmax(-1)
        maps.append(attention)
        mixed = (attention.dropout(self.attn_pdrop) @ v).transpose(1, 2).reshape(batch, length, width)
        return self.c_proj(mixed).dropout(self.resid_pdrop)


class MLP:
    """Two layers for each token by itself, four times as wide between."""

    def __init__(self, config):
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd)
        self.resid_pdrop = config.resid_pdrop

    def __call__(self, x):
        return self.c_proj(self.c_fc(x).gelu()).dropout(self.resid_pdrop)


class Block:
    """Attention, then layers for each token; both add to what comes in."""

    def __init__(self, config):
        self.ln_1 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd)
        self.mlp = MLP(config)

    def __call__(self, x, maps):
        x = x + self.attn(self.ln_1(x), maps)
        return x + self.mlp(self.ln_2(x))


class GPT:
    """Weights are named as in minGPT. They start normal with deviation 0.02, those that end a residual branch with
    0.02 / √(2 · n_layer); biases start at 0."""

    @staticmethod
    def get_default_config():
        """To be given `vocab_size`, `block_size` and either `model_type` or `n_layer`, `n_head` and `n_embd`."""
        return CfgNode(
            model_type=None,
            n_layer=None,
            n_head=None,
            n_embd=None,
            vocab_size=None,
            block_size=None,
            embd_pdrop=0.1,
            resid_pdrop=0.1,
            attn_pdrop=0.1,
        )

    def __init__(self, config):
        _complete(config)
        self.block_size, self.vocab_size, self.embd_pdrop = (
            config.block_size,
            config.vocab_size,
            config.embd_pdrop,
        )
        self.transformer = {
            "wte": nn.Embedding(config.vocab_size, config.n_embd),
            "wpe": nn.Embedding(config.block_size, config.n_embd),
            "h": [Block(config) for _ in range(config.n_layer)],
            "ln_f": nn.LayerNorm(config.n_embd),
        }
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        for name, weight in nn.state.get_state_dict(self).items():
            std = 0.02 / math.sqrt(2 * config.n_layer) if name.endswith("c_proj.weight") else 0.02
            if weight.ndim == 2:
                weight.assign(Tensor.normal(*weight.shape, mean=0.0, std=std))
            elif name.endswith("bias"):
                weight.assign(weight.zeros_like())
        self._step = TinyJit(self._choose)

    def __call__(self, idx, targets=None):
        """Tokens `(batch, length)` → logits `(batch, length, vocab_size)` of the token after each, and the mean
        cross-entropy of `targets` `(batch, length)`, where those of -1 do not count, in the mean neither; or None."""
        logits = self._run(idx, [])
        if targets is None:
            return logits, None
        return logits, logits.log_softmax(-1).flatten(0, 1).nll_loss(targets.flatten(), ignore_index=-1)

    def attention(self, idx):
        """How much each token looks at each before it: per block `(batch, n_head, length, length)`, rows sum to 1."""
        maps = []
        with Tensor.train(False):
            self._run(idx, maps)
        return maps

    def generate(self, idx, max_new_tokens, temperature=1.0, do_sample=False, top_k=None):
        """Tokens `(batch, length)` with more after them; sees the last `block_size`. Without `do_sample` it takes the
        likeliest, else draws: of the `top_k` likeliest, the likelier the lower the `temperature`."""
        length = idx.shape[1]
        made, at = [idx], min(length, self.block_size)
        window = idx[:, length - at :].pad(((0, 0), (0, self.block_size - at)))
        for _ in range(max_new_tokens):
            token = self._next(window, at, temperature, do_sample, top_k)
            made.append(token)
            if at == self.block_size:
                window = window[:, 1:].cat(token, dim=1)
            else:
                window = (Tensor.arange(self.block_size) == at).where(token, window)
                at += 1
        return made[0].cat(*made[1:], dim=1)

    def next(self, tokens, temperature=1.0, do_sample=True, top_k=None):
        """The token after those in a list: for writing one by one, between other work."""
        seen = list(tokens[-self.block_size :])
        window = Tensor([seen + [0] * (self.block_size - len(seen))], dtype=dtypes.int32)
        return self._next(window, len(seen), temperature, do_sample, top_k).item()

    def _next(self, window, length, temperature, do_sample, top_k):
        if length == 0:
            raise ArgumentError("GPT", "no tokens", "at least one to go on from", "begin with any token")
        at = Tensor([length - 1], dtype=dtypes.int32)
        # The weights are arguments: a recorded step takes what else it reads to stay as it was.
        weights = nn.state.get_parameters(self)
        with Tensor.train(False):
            return self._step(weights, window, at, Tensor([float(temperature)]), do_sample, top_k)

    def _choose(self, weights, window, at, temperature, do_sample, top_k):
        logits = self._run(window, []).transpose(0, 1)[at].reshape(-1, self.vocab_size)
        if not do_sample:
            return logits.argmax(-1, keepdim=True)
        logits = logits / temperature
        if top_k is not None:
            values, _ = logits.topk(min(top_k, self.vocab_size))
            logits = (logits < values[:, -1:]).where(-math.inf, logits)
        return logits.softmax(-1).multinomial(1)

    def _run(self, idx, maps):
        if idx.ndim != 2 or idx.shape[1] > self.block_size:
            expected = f"(batch, length) of at most {self.block_size} tokens"
            fix = "cut them, or make the model with a larger block_size"
            raise ArgumentError("GPT", f"tokens of shape {idx.shape}", expected, fix)
        wte, wpe, blocks, ln_f = self.transformer.values()
        x = (wte(idx) + wpe.weight[: idx.shape[1]]).dropout(self.embd_pdrop)
        for block in blocks:
            x = block(x, maps)
        return self.lm_head(ln_f(x))


def parameter_count(config):
    """How many weights a model of this config has, without making it; those of the head are left out, as in minGPT."""
    _complete(config)
    width = config.n_embd
    return (config.vocab_size + config.block_size + 2) * width + config.n_layer * (12 * width + 13) * width


def _complete(config):
    """Fills in what the name of the model says, and checks the rest."""
    if config.model_type is not None:
        if config.model_type not in SIZES:
            raise ArgumentError("GPT", f"model_type {config.model_type!r}", ", ".join(SIZES), "use one of these")
        config.n_layer, config.n_head, config.n_embd = SIZES[config.model_type]
    for name in ("vocab_size", "block_size", "n_layer", "n_head", "n_embd"):
        value = getattr(config, name)
        if not isinstance(value, int) or value < 1:
            raise ArgumentError("GPT", f"{name} {value}", "a whole number from 1", f"set config.{name}")
    if config.n_embd % config.n_head != 0:
        got = f"{config.n_head} heads for a width of {config.n_embd}"
        expected = "a width that is a multiple of the heads"
        raise ArgumentError("GPT", got, expected, "change n_embd or n_head")
