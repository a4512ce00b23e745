"""Writes optim.json: weights after training steps by PyTorch's and tinygrad's optimizers, and learning rates by
PyTorch's schedules.

    pip install torch tinygrad && DEV=PYTHON python tests/reference/optim.py

The model is `tanh(x · wᵀ + b)`, the loss its mean square distance from `y`; weights are stored after the first and
the last step. PyTorch computes in float64, but its Muon in bfloat16 inside: compare that one loosely.
"""

import json
import math
import pathlib

import numpy as np
import tinygrad.nn.optim as tiny
import torch
from tinygrad import Tensor
from tinygrad.helpers import Context

STEPS = 6
rng = np.random.default_rng(7)
X, Y = rng.uniform(-2, 2, (5, 4)), rng.uniform(-1, 1, (5, 3))
W, B = rng.uniform(-1, 1, (3, 4)), rng.uniform(-1, 1, 3)
X, Y, W, B = (np.round(v, 3) for v in (X, Y, W, B))

CASES = [
    ("torch", "SGD", {"lr": 0.1}, {}),
    ("torch", "SGD", {"lr": 0.1, "momentum": 0.9}, {}),
    ("torch", "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {}),
    ("torch", "Adam", {"lr": 0.05}, {}),
    ("torch", "Adam", {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-3, "weight_decay": 0.05}, {}),
    ("torch", "AdamW", {"lr": 0.05}, {}),
    ("torch", "AdamW", {"lr": 0.05, "weight_decay": 0.2}, {}),
    ("torch", "Muon", {"lr": 0.05}, {"frozen": True}),
    ("torch", "SGD", {"lr": 0.1, "momentum": 0.9}, {"clip_norm": [0.1, 2]}),
    ("torch", "SGD", {"lr": 0.1}, {"clip_norm": [0.1, 1]}),
    ("torch", "SGD", {"lr": 0.1}, {"clip_norm": [0.05, 3]}),
    ("torch", "Adam", {"lr": 0.05}, {"clip_norm": [0.05, math.inf]}),
    ("torch", "SGD", {"lr": 0.1}, {"clip_norm": [100, 2]}),
    ("torch", "SGD", {"lr": 0.1}, {"clip_value": 0.05}),
    ("torch", "SGD", {"lr": 0.1, "momentum": 0.9}, {"groups": [{}, {"lr": 0.01, "weight_decay": 0.3}]}),
    ("torch", "AdamW", {"lr": 0.05}, {"groups": [{"weight_decay": 0.1}, {"weight_decay": 0}]}),
    ("tinygrad", "SGD", {"lr": 0.1, "momentum": 0.9, "classic": True}, {}),
    ("tinygrad", "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02, "classic": True}, {}),
    ("tinygrad", "AdamW", {}, {}),
    ("tinygrad", "LAMB", {"lr": 0.05}, {}),
    ("tinygrad", "LAMB", {"lr": 0.05, "b1": 0.8, "b2": 0.95, "eps": 1e-3, "weight_decay": 0.1}, {}),
    ("tinygrad", "LAMB", {"lr": 0.05, "weight_decay": 0.1, "adam": True}, {}),
    ("tinygrad", "LARS", {}, {}),
    ("tinygrad", "LARS", {"lr": 10, "tcoef": 0.01, "weight_decay": 0.05}, {}),
    ("tinygrad", "LARS", {"lr": 10, "tcoef": 0.01, "nesterov": True, "classic": False}, {}),
    ("tinygrad", "Muon", {"lr": 0.05}, {}),
    ("tinygrad", "Muon", {"lr": 0.05, "nesterov": False, "momentum": 0.8, "weight_decay": 0, "ns_steps": 3}, {}),
    ("tinygrad", "Muon", {"lr": 0.05, "ns_coefficients": [2, -1.5, 0.5], "weight_decay": 0.2}, {}),
]


def by_torch(name, settings, how):
    w, b = (torch.tensor(v, requires_grad=True) for v in (W, B))
    params = [w] if how.get("frozen") else [w, b]
    if "groups" in how:
        params = [{"params": [p], **own} for p, own in zip(params, how["groups"])]
    optimizer = getattr(torch.optim, name)(params, **settings)
    x, y = torch.tensor(X), torch.tensor(Y)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (torch.tanh(x @ w.T + b) - y).square().mean().backward()
        norm = None
        if "clip_norm" in how:
            norm = torch.nn.utils.clip_grad_norm_([w, b], *how["clip_norm"])
        if "clip_value" in how:
            torch.nn.utils.clip_grad_value_([w, b], how["clip_value"])
        optimizer.step()
        yield w.tolist(), b.tolist(), norm


def by_tinygrad(name, settings, how):
    assert not how
    w, b = (Tensor(v.astype(np.float32)).is_param_() for v in (W, B))
    optimizer = getattr(tiny, name)([w, b], **settings)
    x, y = Tensor(X.astype(np.float32)), Tensor(Y.astype(np.float32))
    for _ in range(STEPS):
        optimizer.zero_grad()
        with Context(TRAINING=1):
            ((x @ w.transpose() + b).tanh() - y).square().mean().backward()
            optimizer.step()
        yield w.tolist(), b.tolist(), None


def short(value):
    if isinstance(value, list):
        return [short(v) for v in value]
    return float(f"{value:.8g}")


def trajectory(source, name, settings, how):
    run = list({"torch": by_torch, "tinygrad": by_tinygrad}[source](name, settings, how))
    row = {"source": source, "optimizer": name, "settings": settings, **how}
    if "clip_norm" in how:
        row["clip_norm"] = [str(v) for v in how["clip_norm"]]
        row["norms"] = [short(norm.item()) for _, _, norm in run]
    return {**row, "first": short([run[0][0], run[0][1]]), "last": short([run[-1][0], run[-1][1]])}


SCHEDULES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 6, 15]}),
    ("ConstantLR", {"total_iters": 4}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1, "end_factor": 0.1, "total_iters": 7}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {"total_iters": 8, "power": 2}),
    ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 12, "warmup": 4}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 2, "eta_min": 0.001}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 16}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 16, "pct_start": 0.25, "linear": True, "div_factor": 10}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 16, "three_phase": True, "final_div_factor": 100}),
    ("ReduceLROnPlateau", {"patience": 1}),
    ("ReduceLROnPlateau", {"patience": 0, "factor": 0.5, "cooldown": 2, "min_lr": 0.02}),
    ("ReduceLROnPlateau", {"max": True, "patience": 2, "threshold": 0.3, "absolute": True}),
]
METRICS = [1.0, 0.9, 0.95, 0.9, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, -0.5, -0.4, -0.6, -0.6, 0.0]


def rates(name, settings):
    kinds, given = torch.optim.lr_scheduler, dict(settings)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    if warmup := given.pop("warmup", 0):
        rise = kinds.LinearLR(optimizer, start_factor=1 / (warmup + 1), end_factor=1, total_iters=warmup)
        fall = kinds.CosineAnnealingLR(optimizer, **given)
        schedule = kinds.SequentialLR(optimizer, [rise, fall], milestones=[warmup])
    else:
        if name == "OneCycleLR":
            given |= {"cycle_momentum": False}
            given |= {"anneal_strategy": "linear"} if given.pop("linear", False) else {}
        if name == "ReduceLROnPlateau":
            given |= {"mode": "max"} if given.pop("max", False) else {}
            given |= {"threshold_mode": "abs"} if given.pop("absolute", False) else {}
        schedule = getattr(kinds, name)(optimizer, **given)
    seen = [optimizer.param_groups[0]["lr"]]
    for metric in METRICS:
        optimizer.step()
        schedule.step(*([metric] if name == "ReduceLROnPlateau" else []))
        seen.append(optimizer.param_groups[0]["lr"])
    return {"schedule": name, "settings": settings, "rates": short(seen)}


def write(name, value):
    text = json.dumps(value, separators=(",", ":")).replace(',{"', ',\n{"').replace('],"', '],\n"')
    (pathlib.Path(__file__).parent / name).write_text(text + "\n")


write(
    "optim.json",
    {
        "x": X.tolist(),
        "y": Y.tolist(),
        "w": W.tolist(),
        "b": B.tolist(),
        "steps": STEPS,
        "metrics": METRICS,
        "trajectories": [trajectory(*case) for case in CASES],
        "schedules": [rates(*case) for case in SCHEDULES],
    },
)
