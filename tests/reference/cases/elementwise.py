"""One number in, one number out."""

import torch
import torch.nn.functional as F

from draw import b, case, f, i, pos

UNARY = "neg exp exp2 log log2 sqrt rsqrt reciprocal sin cos tanh sigmoid relu abs sign square floor ceil round trunc logical_not".split()
BINARY = "add sub mul pow maximum minimum eq ne lt le gt ge".split()


def other_of(method):
    return lambda x, y=None, other=None: method(x, y if other is None else other)


def number(method):
    """For PyTorch's methods of two tensors: a number becomes one of the first's dtype."""
    return lambda x, y: method(x, y if torch.is_tensor(y) else torch.tensor(y, dtype=x.dtype))


OPS = {
    **{name: getattr(torch, name) for name in UNARY},
    **{name: other_of(getattr(torch, name)) for name in BINARY},
    "maximum": other_of(number(torch.maximum)),
    "minimum": other_of(number(torch.minimum)),
    "div": other_of(torch.true_divide),
    "mod": other_of(torch.remainder),
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "elu": F.elu,
    "softplus": F.softplus,
    "leaky_relu": lambda x, neg_slope=0.01: F.leaky_relu(x, neg_slope),
    "clip": lambda x, min=None, max=None: x.clamp(min, max),
    "float": lambda x: x.float(),
    "int": lambda x: x.int(),
    "cast": lambda x, dtype: x.to(getattr(torch, dtype)),
    "bitcast": lambda x, dtype: x.view(getattr(torch, dtype)),
    "where": lambda c, x, y=None, other=None: torch.where(c, x, y if other is None else other),
}

for op in "neg exp exp2 sin cos tanh sigmoid relu gelu silu elu softplus abs square".split():
    case(op, f(3, 5))
case("exp", f(2, 3, low=-80, high=80))
case("softplus", f(6, low=-40, high=40))
for op in "log log2 sqrt rsqrt reciprocal".split():
    case(op, pos(3, 5))
for op in "sign floor ceil round trunc".split():
    case(op, f(3, 4, low=-4, high=4))
case("leaky_relu", f(3, 4))
case("leaky_relu", f(3, 4), neg_slope=0.2)
case("clip", f(3, 4), min=-0.5, max=1.0)
case("logical_not", b(5))
case("float", i(4))
case("int", f(7, low=-9, high=9))
case("cast", f(5, low=0, high=250), dtype="uint8")
case("cast", i(5), dtype="bool")
case("cast", b(5), dtype="float32")
case("bitcast", i(5), dtype="float32")
case("neg", f())
case("exp", f(1))
case("square", f(0, 3))
case("relu", f(4, 6, view=[["permute", [1, 0]], ["slice", [[1, 5, 2], [0, 4]]]]))
case("tanh", f(3, 1, view=[["expand", [3, 4]]]))

for op in "add sub mul maximum minimum".split():
    case(op, f(2, 3), f(2, 3))
    case(op, f(4, 1, 3), f(2, 1))
case("div", f(2, 3), pos(3))
case("div", f(3, 1), pos(1, 4))
case("div", i(5), i(5, low=1, high=4))
for op in "add sub mul div".split():
    case(op, f(2, 3), other=1.5)
case("add", i(2, 3), i(3))
case("add", i(4), f(4))
case("mul", i(2, 2), other=3)
case("add", f(), f(2, 2))
case("add", f(0, 3), f(3))
case("add", f(3, 4, view=[["permute", [1, 0]]]), f(4, 3, view=[["flip", [0]]]))
case("mul", f(5, view=[["pad", [[1, 2]]]]), f(8))
case("pow", pos(2, 3), f(3))
case("pow", f(2, 3), other=2)
case("pow", f(2, 3), other=3)
case("pow", pos(2, 3), other=0.5)
case("pow", pos(2, 3), other=-1.5)
case("mod", f(2, 5, low=-9, high=9), pos(5, low=1, high=3))
case("mod", i(8, low=-9, high=10), other=4)
case("maximum", f(2, 3), f(1))
for op in "eq ne lt le gt ge".split():
    case(op, i(3, 4, low=0, high=3), i(4, low=0, high=3))
case("lt", f(2, 3), other=0.5)
case("eq", i(6, low=0, high=3), other=1)
case("where", b(2, 3), f(2, 3), f(3))
case("where", b(3, 1), f(1, 4), f())
case("where", b(2, 3), f(2, 3), other=-1.0)
