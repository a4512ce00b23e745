"""New tensors."""

import torch

from draw import case, f, i


def arange(start, stop=None, step=1):
    start, stop = (0, start) if stop is None else (start, stop)
    return torch.arange(start, stop, step)


OPS = {
    "zeros": lambda shape: torch.zeros(shape),
    "ones": lambda shape: torch.ones(shape),
    "full": lambda shape, value, dtype="float32": torch.full(shape, value, dtype=getattr(torch, dtype)),
    "zeros_like": torch.zeros_like,
    "ones_like": torch.ones_like,
    "full_like": lambda x, value: torch.full_like(x, value),
    "arange": arange,
    "linspace": lambda start, stop, steps: torch.linspace(start, stop, steps),
    "eye": torch.eye,
}

case("zeros", shape=[2, 3])
case("ones", shape=[3])
case("full", shape=[2, 2], value=2.5)
case("full", shape=[2], value=7, dtype="int32")
case("zeros_like", f(2, 3))
case("ones_like", i(4))
case("full_like", i(2, 2), value=3)
case("arange", start=5)
case("arange", start=2, stop=11, step=3)
case("arange", start=5, stop=0, step=-2)
case("arange", start=0.0, stop=1.0, step=0.25)
case("linspace", start=-1.0, stop=1.0, steps=7)
case("eye", n=3)
