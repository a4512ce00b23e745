"""The model, from the selective scan up."""

import math
from dataclasses import dataclass

from tinygrad import Tensor, nn


@dataclass
class ModelArgs:
    """What a `Mamba` is made of. The vocabulary is rounded up to a multiple of `pad_vocab_size_multiple`."""

    d_model: int
    n_layer: int
    vocab_size: int
    d_state: int = 16
    expand: int = 2
    dt_rank: int | str = "auto"
    d_conv: int = 4
    pad_vocab_size_multiple: int = 8
    conv_bias: bool = True
    bias: bool = False

    def __post_init__(self):
        self.d_inner = self.expand * self.d_model
        if self.dt_rank == "auto":
            self.dt_rank = math.ceil(self.d_model / 16)
        multiple = self.pad_vocab_size_multiple
        self.vocab_size = math.ceil(self.vocab_size / multiple) * multiple


class RMSNorm(nn.RMSNorm):
    """Divides by the root of the mean square over the last axis, then scales. Input `[…, d]`, output the same."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__(d_model, eps)


def selective_scan(u, delta, A, B, C, D):
    """The recurrence `h[t] = exp(Δ[t]·A) · h[t - 1] + Δ[t]·B[t]·u[t]`, read as `y[t] = C[t]·h[t] + D·u[t]`.

    `u` and `delta` are `[batch, length, channels]`, `A` is `[channels, state]`, `B` and `C` are
    `[batch, length, state]`, `D` is `[channels]`; gives `[batch, length, channels]`. One kernel computes all states,
    one their way back; both walk the length once.
    """
    keep = (delta.unsqueeze(-1) * A).exp()
    add = (delta * u).unsqueeze(-1) * B.unsqueeze(2)
    states = Tensor.scan(keep, add, 1)
    return (states * C.unsqueeze(2)).sum(-1) + u * D


class MambaBlock:
    """One mixing of a sequence: a short convolution, the selective scan and a gate. Keeps `[batch, length, d_model]`."""

    def __init__(self, args):
        inner, state = args.d_inner, args.d_state
        self.sizes = [args.dt_rank, state, state]
        self.in_proj = nn.Linear(args.d_model, 2 * inner, bias=args.bias)
        self.conv1d = nn.Conv1d(
            inner, inner, args.d_conv, groups=inner, padding=args.d_conv - 1, bias=args.conv_bias
        )
        self.x_proj = nn.Linear(inner, sum(self.sizes), bias=False)
        self.dt_proj = nn.Linear(args.dt_rank, inner)
        self.dt_proj.bias.assign(_first_steps(inner))
        self.A_log = Tensor([[math.log(1 + i) for i in range(state)]] * inner, requires_grad=True)
        self.D = Tensor([1.0] * inner, requires_grad=True)
        self.out_proj = nn.Linear(inner, args.d_model, bias=args.bias)

    def __call__(self, x):
        u, delta, B, C, gate = self.select(x)
        y = selective_scan(u, delta, -self.A_log.exp(), B, C, self.D)
        return self.out_proj(y * gate.silu())

    def select(self, x):
        """What the scan is given, all made from the input: u, Δ, B, C and the gate; u, Δ and gate by channel."""
        inner, gate = self.in_proj(x).chunk(2, -1)
        seen = self.conv1d(inner.transpose(1, 2))[:, :, : x.shape[1]]
        u = seen.transpose(1, 2).silu()
        steps, B, C = self.x_proj(u).split(self.sizes, -1)
        return u, self.dt_proj(steps).softplus(), B, C, gate


def _first_steps(channels):
    """Biases whose softplus lies between 0.001 and 0.1, evenly on a log scale: the first step sizes."""
    steps = (Tensor.rand(channels) * math.log(100) + math.log(0.001)).exp()
    return (steps + (-(-steps).expm1()).log()).realize()


class ResidualBlock:
    """`mixer(norm(x)) + x`."""

    def __init__(self, args):
        self.mixer = MambaBlock(args)
        self.norm = RMSNorm(args.d_model)

    def __call__(self, x):
        return self.mixer(self.norm(x)) + x


class Mamba:
    """Tokens in, scores of the next token out. The head is the embedding's own matrix."""

    def __init__(self, args):
        self.args = args
        self.embedding = nn.Embedding(args.vocab_size, args.d_model)
        self.layers = [ResidualBlock(args) for _ in range(args.n_layer)]
        self.norm_f = RMSNorm(args.d_model)
        self.lm_head = nn.Linear(args.d_model, args.vocab_size, bias=False)
        self.lm_head.weight = self.embedding.weight

    def __call__(self, tokens):
        """Integers `[batch, length]` in, `[batch, length, vocabulary]` out."""
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.lm_head(self.norm_f(x))

    def step_sizes(self, tokens):
        """For looking: each block's step sizes Δ, `[batch, length, channels]`. Large ones take a token in."""
        x, found = self.embedding(tokens), []
        for layer in self.layers:
            found.append(layer.mixer.select(layer.norm(x))[1])
            x = layer(x)
        return found
