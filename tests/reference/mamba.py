"""Writes mamba.json: a small Mamba in PyTorch, written as the recurrence itself, with stored weights: its scores for
stored tokens and the gradients of sum(scores * weights), and the same for the selective scan alone.

    pip install torch && python tests/reference/mamba.py
"""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
SIZES = {"d_model": 8, "n_layer": 2, "vocab_size": 11, "d_state": 4, "expand": 2, "d_conv": 4}


def tensor(x):
    values = [float(f"{v:.7g}") if isinstance(v, float) else v for v in x.detach().reshape(-1).tolist()]
    return {"shape": list(x.shape), "values": values}


def drawn(*shape, low=-0.5, high=0.5):
    return (torch.rand(*shape) * (high - low) + low).mul(1000).round() / 1000


def selective_scan(u, delta, a, b, c, d):
    """One token after another."""
    state = torch.zeros(u.shape[0], *a.shape)
    out = []
    for t in range(u.shape[1]):
        keep = torch.exp(delta[:, t, :, None] * a)
        state = keep * state + (delta[:, t] * u[:, t])[:, :, None] * b[:, t, None, :]
        out.append((state * c[:, t, None, :]).sum(-1))
    return torch.stack(out, 1) + u * d


class Mixer(nn.Module):
    def __init__(self, d_model, d_state, expand, d_conv, **_):
        super().__init__()
        inner, rank = expand * d_model, math.ceil(d_model / 16)
        self.sizes = [rank, d_state, d_state]
        self.in_proj = nn.Linear(d_model, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, d_conv, groups=inner, padding=d_conv - 1)
        self.x_proj = nn.Linear(inner, sum(self.sizes), bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.A_log = nn.Parameter(torch.empty(inner, d_state))
        self.D = nn.Parameter(torch.empty(inner))
        self.out_proj = nn.Linear(inner, d_model, bias=False)

    def forward(self, x):
        inner, gate = self.in_proj(x).chunk(2, -1)
        u = F.silu(self.conv1d(inner.mT)[:, :, : x.shape[1]].mT)
        steps, b, c = self.x_proj(u).split(self.sizes, -1)
        y = selective_scan(u, F.softplus(self.dt_proj(steps)), -self.A_log.exp(), b, c, self.D)
        return self.out_proj(y * F.silu(gate))


class Layer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.mixer, self.norm = Mixer(**sizes), nn.RMSNorm(sizes["d_model"], eps=1e-5)

    def forward(self, x):
        return self.mixer(self.norm(x)) + x


class Mamba(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        d_model, padded = sizes["d_model"], -(-sizes["vocab_size"] // 8) * 8
        self.embedding = nn.Embedding(padded, d_model)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes["n_layer"]))
        self.norm_f = nn.RMSNorm(d_model, eps=1e-5)
        self.lm_head = nn.Linear(d_model, padded, bias=False)
        self.lm_head.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.lm_head(self.norm_f(x))


def of_model():
    model = Mamba(SIZES)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(drawn(*parameter.shape, low=-1, high=1))
    tokens = torch.randint(0, SIZES["vocab_size"], (2, 7))
    scores = model(tokens)
    weights = drawn(*scores.shape)
    (scores * weights).sum().backward()
    return {
        "sizes": SIZES,
        "state": {name: tensor(value) for name, value in model.state_dict().items()},
        "tokens": tensor(tokens),
        "weights": tensor(weights),
        "out": tensor(scores),
        "grads": {name: tensor(p.grad) for name, p in model.named_parameters()},
    }


def of_scan():
    batch, length, channels, n = 2, 6, 3, 4
    given = {
        "u": drawn(batch, length, channels, low=-2, high=2),
        "delta": drawn(batch, length, channels, low=0.01, high=1),
        "a": drawn(channels, n, low=-4, high=-0.1),
        "b": drawn(batch, length, n, low=-2, high=2),
        "c": drawn(batch, length, n, low=-2, high=2),
        "d": drawn(channels, low=-2, high=2),
    }
    for x in given.values():
        x.requires_grad_()
    out = selective_scan(**given)
    weights = drawn(*out.shape)
    (out * weights).sum().backward()
    return {
        "given": {name: tensor(x) for name, x in given.items()},
        "weights": tensor(weights),
        "out": tensor(out),
        "grads": {name: tensor(x.grad) for name, x in given.items()},
    }


text = json.dumps({"model": of_model(), "scan": of_scan()}, separators=(",", ":"))
(pathlib.Path(__file__).parent / "mamba.json").write_text(text.replace("},\"", "},\n\"") + "\n")
