"""New tensors."""

import torch

from draw import case, f, i


def arange(start, stop=None, step=1):
    start, stop = (0, start) if stop is None else (start, stop)
    return torch.arange(start, stop, step)


def like(method):
    return lambda x, dtype=None, **args: method(x, dtype=dtype and getattr(torch, dtype), **args)


OPS = {
    "empty": lambda shape, dtype="float32": torch.zeros(shape, dtype=getattr(torch, dtype)),
    "zeros": lambda shape, dtype="float32": torch.zeros(shape, dtype=getattr(torch, dtype)),
    "ones": lambda shape, dtype="float32": torch.ones(shape, dtype=getattr(torch, dtype)),
    "full": lambda shape, value, dtype="float32": torch.full(shape, value, dtype=getattr(torch, dtype)),
    "zeros_like": like(torch.zeros_like),
    "ones_like": like(torch.ones_like),
    "full_like": like(lambda x, value, dtype: torch.full_like(x, value, dtype=dtype)),
    "arange": arange,
    "linspace": lambda start, stop, steps, dtype="float32": torch.linspace(start, stop, steps).to(getattr(torch, dtype)),
    "eye": lambda n, m=None, dtype="float32": torch.eye(n, n if m is None else m, dtype=getattr(torch, dtype)),
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
case("empty", shape=[0, 2])
case("zeros", shape=[2], dtype="bool")
case("zeros", shape=[])
case("ones", shape=[2, 2], dtype="int32")
case("ones_like", f(2, 3), dtype="int32")
case("zeros_like", i(0, 3))
case("full_like", f(2), value=-1.5)
case("linspace", start=3.0, stop=-3.0, steps=4, dtype="int32")
case("linspace", start=2.0, stop=9.0, steps=1)
case("linspace", start=2.0, stop=9.0, steps=0)
case("eye", n=2, m=4)
case("eye", n=3, m=1, dtype="int32")
case("eye", n=0)
case("arange", start=0)
case("arange", start=1.5)
