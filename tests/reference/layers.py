"""Writes layers.json: what PyTorch's layers give for stored weights and inputs, with gradients of
sum(output * weights), and what tinygrad's layers start with after a seed.

    pip install torch tinygrad && DEV=PYTHON python tests/reference/layers.py
"""

import json
import pathlib

import tinygrad
import tinygrad.nn
import torch
from torch import nn

torch.manual_seed(1)


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def tensor(x):
    values = [round(v, 7) if isinstance(v, float) else v for v in x.detach().reshape(-1).tolist()]
    return {"shape": list(x.shape), "values": values}


def drawn(*shape):
    return (torch.rand(*shape) * 4 - 2).mul(1000).round() / 1000


def row(kind, layer, x, train=False, **args):
    layer.train(train)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            parameter.copy_(drawn(*parameter.shape))
        for name, buffer in layer.named_buffers():
            if name.startswith("running"):
                buffer.copy_(drawn(*buffer.shape).abs() + 0.5)
    state = {name: tensor(t) for name, t in layer.state_dict().items()}
    if x.is_floating_point():
        x.requires_grad_()
    out = layer(x)
    weights = drawn(*out.shape)
    (out * weights).sum().backward()
    grads = {name: tensor(p.grad) for name, p in layer.named_parameters()}
    if x.is_floating_point():
        grads["x"] = tensor(x.grad)
    after = {name: tensor(t) for name, t in layer.named_buffers()}
    given = {"layer": kind, "args": args, "train": train, "state": state, "x": tensor(x)}
    return {**given, "weights": tensor(weights), "out": tensor(out), "grads": grads, "after": after}


def conv(kind, x, channels, kernel, torch_kind=None, **args):
    return row(kind, getattr(nn, torch_kind or kind)(*channels, kernel, **args), x, channels=channels, kernel=kernel, **args)


ROWS = [
    row("Linear", nn.Linear(4, 3), drawn(2, 4), sizes=[4, 3]),
    row("Linear", nn.Linear(3, 2, bias=False), drawn(2, 2, 3), sizes=[3, 2], bias=False),
    conv("Conv2d", drawn(1, 2, 7), [2, 3], [3], "Conv1d"),
    conv("Conv2d", drawn(2, 2, 6), [2, 4], [2], "Conv1d", stride=2, padding=1, groups=2),
    conv("Conv2d", drawn(1, 2, 5, 4), [2, 3], [3, 2]),
    conv("Conv2d", drawn(1, 2, 5, 5), [2, 2], [2, 3], padding="same", dilation=[2, 1]),
    conv("Conv2d", drawn(1, 4, 5, 5), [4, 2], [3, 3], stride=2, padding=1, groups=2, bias=False),
    conv("Conv2d", drawn(1, 1, 3, 3, 3), [1, 2], [2, 2, 2], "Conv3d"),
    conv("ConvTranspose2d", drawn(1, 2, 4), [2, 3], [3], "ConvTranspose1d", stride=2, output_padding=1),
    conv("ConvTranspose2d", drawn(1, 2, 3, 2), [2, 2], [3, 2], stride=[2, 1], padding=[1, 0]),
    conv("ConvTranspose2d", drawn(1, 4, 2, 3), [4, 2], [2, 2], groups=2, dilation=2, bias=False),
    *(row("BatchNorm", nn.BatchNorm1d(3), drawn(4, 3), train, channels=3) for train in (True, False)),
    row("BatchNorm", nn.BatchNorm2d(2, momentum=0.3), drawn(2, 2, 2, 3), True, channels=2, momentum=0.3),
    row("BatchNorm", nn.BatchNorm3d(2, affine=False), drawn(2, 2, 2, 1, 2), True, channels=2, affine=False),
    row("BatchNorm", nn.BatchNorm1d(2, track_running_stats=False), drawn(4, 2), channels=2, track=False),
    row("GroupNorm", nn.GroupNorm(2, 4), drawn(2, 4, 3), channels=4, groups=2),
    row("GroupNorm", nn.GroupNorm(1, 2, affine=False), drawn(2, 2, 2, 2), channels=2, groups=1, affine=False),
    row("GroupNorm", nn.InstanceNorm2d(2, affine=True), drawn(2, 2, 2, 3), channels=2, groups=2),
    row("GroupNorm", nn.InstanceNorm1d(3), drawn(2, 3, 4), channels=3, groups=3, affine=False),
    row("LayerNorm", nn.LayerNorm(4), drawn(2, 3, 4), shape=[4]),
    row("LayerNorm", nn.LayerNorm([3, 2], eps=0.1), drawn(2, 3, 2), shape=[3, 2], eps=0.1),
    row("LayerNorm", nn.LayerNorm(3, elementwise_affine=False), drawn(2, 3), shape=[3], affine=False),
    row("LayerNorm2d", LayerNorm2d(2), drawn(2, 2, 2, 3), shape=[2]),
    row("RMSNorm", nn.RMSNorm(4, eps=1e-6), drawn(3, 4), size=4),
    row("RMSNorm", nn.RMSNorm(4, eps=0.1, elementwise_affine=False), drawn(3, 4), size=4, eps=0.1, affine=False),
    row("Embedding", nn.Embedding(5, 3), torch.tensor([[1, 4, 1], [0, 2, 1]]), sizes=[5, 3]),
    row("Flatten", nn.Flatten(), drawn(2, 3, 2)),
]

tinygrad.Tensor.manual_seed(7)
STARTS = [
    ("Linear", [3, 2], lambda: tinygrad.nn.Linear(3, 2)),
    ("Conv2d", [2, 4, 2, 3], lambda: tinygrad.nn.Conv1d(2, 4, 3, groups=2)),
    ("Conv2d", [2, 3, 1, 2, 2], lambda: tinygrad.nn.Conv2d(2, 3, 2)),
    ("ConvTranspose2d", [2, 4, 2, 2, 3], lambda: tinygrad.nn.ConvTranspose2d(2, 4, (2, 3), groups=2)),
    ("Embedding", [4, 3], lambda: tinygrad.nn.Embedding(4, 3)),
    ("ConvTranspose2d", [1, 2, 1, 2], lambda: tinygrad.nn.ConvTranspose1d(1, 2, 2)),
    ("BatchNorm", [2], lambda: tinygrad.nn.BatchNorm(2)),
    ("GroupNorm", [4], lambda: tinygrad.nn.GroupNorm(2, 4)),
    ("LayerNorm", [3], lambda: tinygrad.nn.LayerNorm(3)),
    ("RMSNorm", [3], lambda: tinygrad.nn.RMSNorm(3)),
    ("Linear", [2, 1], lambda: tinygrad.nn.Linear(2, 1)),
]


def start(kind, sizes, layer):
    state = tinygrad.nn.state.get_state_dict(layer())
    tinygrad.Tensor.realize(*state.values())
    values = {name: torch.tensor(t.tolist(), dtype=torch.float64) for name, t in state.items()}
    return {"layer": kind, "sizes": sizes, "state": {name: tensor(t) for name, t in values.items()}}


everything = {"layers": ROWS, "seed": 7, "starts": [start(*s) for s in STARTS]}
text = json.dumps(everything, separators=(",", ":")).replace(',{"layer"', ',\n{"layer"')
(pathlib.Path(__file__).parent / "layers.json").write_text(text + "\n")
