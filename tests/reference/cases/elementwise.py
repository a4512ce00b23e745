"""One number in, one number out."""

import torch
import torch.nn.functional as F

from draw import b, case, f, forward, i, inf, nan, pos, v

TORCH = """neg exp exp2 log log2 sqrt rsqrt reciprocal sin cos tanh sigmoid relu abs sign square floor ceil round trunc
logical_not log10 log1p expm1 tan asin acos atan sinh cosh asinh acosh atanh erf isnan isfinite bitwise_not""".split()
FUNCTIONAL = "silu softsign mish logsigmoid relu6 hardswish elu celu selu hardtanh hardsigmoid".split()
BINARY = "add sub mul pow eq ne lt le gt ge fmod bitwise_and bitwise_or bitwise_xor".split()


def tensor_of(x, like):
    """A number takes the tensor's dtype, unless it is a float and that holds none."""
    if torch.is_tensor(x):
        return x
    return torch.tensor(x, dtype=None if isinstance(x, float) and not like.is_floating_point() else like.dtype)


def other_of(method):
    """Of two tensors, or a tensor and the number `other`."""

    def run(x, y=None, other=None, reverse=False):
        y = tensor_of(y if other is None else other, x)
        return method(y, x) if reverse else method(x, y)

    return run


def div(x, y=None, other=None, reverse=False, rounding_mode=None):
    return other_of(lambda a, b: torch.div(a, b, rounding_mode=rounding_mode))(x, y, other, reverse)


def isinf(x, detect_positive=True, detect_negative=True):
    return (torch.isposinf(x) & detect_positive) | (torch.isneginf(x) & detect_negative)


def power(x, y):
    return torch.pow(x, y.item() if y.ndim == 0 and not y.requires_grad else y)


OPS = {
    **{name: getattr(torch, name) for name in TORCH},
    **{name: getattr(F, name) for name in FUNCTIONAL},
    **{name: other_of(getattr(torch, name)) for name in BINARY},
    "pow": other_of(power),
    "mod": other_of(torch.remainder),
    "maximum": other_of(torch.maximum),
    "minimum": other_of(torch.minimum),
    "copysign": other_of(torch.copysign),
    "logaddexp": other_of(torch.logaddexp),
    "lshift": other_of(torch.bitwise_left_shift),
    "rshift": other_of(torch.bitwise_right_shift),
    "div": div,
    "idiv": other_of(lambda x, y: torch.div(x, y, rounding_mode="trunc")),
    "floordiv": other_of(lambda x, y: torch.div(x, y, rounding_mode="floor")),
    "swish": F.silu,
    "leaky_relu": lambda x, neg_slope=0.01: F.leaky_relu(x, neg_slope),
    "gelu": lambda x, approximate="tanh": F.gelu(x, approximate=approximate),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "softplus": lambda x, beta=1.0: F.softplus(x, beta),
    "clip": lambda x, *bounds, min=None, max=None: x.clamp(*bounds) if bounds else x.clamp(min, max),
    "isinf": isinf,
    "isclose": lambda x, y, **args: torch.isclose(x, y, **args),
    "allclose": lambda x, y, **args: torch.allclose(x, y, **args),
    "lerp": lambda x, end, w=None, weight=None: torch.lerp(x, end, w if weight is None else weight),
    "float": lambda x: x.float(),
    "int": lambda x: x.int(),
    "bool": lambda x: x.bool(),
    "half": lambda x: x.half(),
    "bfloat16": lambda x: x.bfloat16(),
    "double": lambda x: x.double(),
    "long": lambda x: x.long(),
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

for op in "log10 log1p acosh".split():
    case(op, pos(3, 5, low=1.01, high=4))
for op in "tan atan sinh cosh asinh erf expm1 logsigmoid hardsigmoid relu6 hardswish hardtanh quick_gelu swish celu selu mish softsign".split():
    case(op, f(3, 5))
    case(op, f(2, 6, low=-12, high=12))
for op in "asin acos atanh".split():
    case(op, f(3, 5, low=-0.99, high=0.99))
for op in "asin atan sinh asinh atanh erf expm1 log1p tanh sigmoid silu mish softsign tan gelu".split():
    case(op, f(6, low=-1e-3, high=1e-3))
    case(op, v([0.0]))
case("gelu", f(3, 5), approximate="none")
case("gelu", f(8, low=-6, high=6), approximate="none")
case("softplus", f(3, 5), beta=3.0)
case("softplus", f(3, 5, low=-30, high=30), beta=0.5)
case("celu", f(3, 5), alpha=0.5)
case("elu", f(3, 5), alpha=1.7)
case("elu", f(6, low=-120, high=120))
case("hardtanh", f(3, 5), min_val=-0.3, max_val=1.2)
case("leaky_relu", v([-0.0, -1e30, 1e30]))

# Far out and at the ends of a domain: no NaN where PyTorch has a number.
FAR = [-1e30, -1e4, -200.0, -100.0, -89.0, -30.0, 30.0, 89.0, 100.0, 200.0, 1e4, 1e30]
for op in "sigmoid tanh logsigmoid softplus mish silu elu celu selu relu6 hardswish hardsigmoid softsign erf atan asinh".split():
    case(op, v(FAR))
    forward(op, v([inf, -inf, nan]))
case("gelu", v(FAR[1:-1]))
case("gelu", v(FAR[1:-1]), approximate="none")
for op in "sinh cosh".split():
    case(op, v([-80.0, -40.0, -20.0, 20.0, 40.0, 80.0, inf, nan]))
    case(op, v([-89.0, -0.3, -0.29, 0.29, 0.3, 89.0]))
case("atanh", v([-1.0, 1.0, 0.999999, -0.999999, 1.5, nan]))
case("acosh", v([1.0, 1.000001, 2.0, 1e6, 0.5, nan]))
case("acosh", v([1e15, 1e30]))
forward("acosh", v([inf]))
case("asin", v([0.5, -0.5, 0.9999, -0.9999, 1.5, nan]))
case("asin", v([1, -1, 0], dtype="int32"))
case("acos", v([0.5, -0.5, 0.9999, -0.9999, 1.5, nan]))
case("acos", v([1, -1, 0], dtype="int32"))
case("atan", v([0.41421, 0.41422, -0.41421, -0.41422, 2.41421, 2.41422, -2.41421, -2.41422, 1.0, -1.0]))
case("log1p", v([-1.0, -0.5, -0.03, -0.0299, 0.0299, 0.03, 1e10, inf, nan, -2.0]))
case("expm1", v([-inf, -100.0, -0.03, -0.0299, 0.0299, 0.03, 80.0, inf, nan]))
case("exp", v([-inf, -200.0, 200.0, inf, nan]))
case("log", v([0.0, inf, nan, -1.0, 1e-30]))
case("log10", v([0.0, inf, nan, -1.0, 1000.0]))
case("sqrt", v([inf, nan, -1.0, 1e-30, 1e30]))
case("rsqrt", v([inf, nan, -1.0, 1e-30, 1e30]))
case("reciprocal", v([inf, -inf, nan, 1e-30, 1e30]))
case("erf", v([0.9999, 1.0, 1.0001, -0.9999, -1.0, -1.0001, 3.0, -3.0]))
case("exp", i(5))
case("sigmoid", b(4))
case("erf", i(5))

for op in "floor ceil round trunc".split():
    case(op, v([-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 0.49999997, -0.49999997, 8388609.0, 1e20, inf, -inf, nan]))
    case(op, i(4))
for op in "isnan isinf isfinite".split():
    case(op, v([1.0, nan, inf, -inf, 0.0, 3e38]))
    case(op, i(3))
case("isinf", v([1.0, nan, inf, -inf]), detect_positive=False)
case("isinf", v([1.0, nan, inf, -inf]), detect_negative=False)
case("sign", v([nan, inf, -inf, -0.0, 0.0]))
case("sign", i(5))
case("abs", v([-2147483648, 2147483647, -1, 0], dtype="int32"))
case("abs", v([nan, -inf, -0.0]))
case("neg", v([-2147483648, 2147483647], dtype="int32"))
case("neg", v([0, 1, 255], dtype="uint8"))
case("bool", v([0.0, -0.0, nan, 0.5, inf]))
case("int", v([-1.9, 1.9, 2e9, -2e9]))
case("logical_not", v([0.0, -0.0, 0.5, nan]))
case("square", v([46341, -3, 65536], dtype="int32"))

for op in "bitwise_and bitwise_or bitwise_xor".split():
    case(op, i(2, 4), i(4))
    case(op, b(6), b(6))
    case(op, v([-2147483648, 2147483647, -1], dtype="int32"), other=255)
    case(op, i(5, dtype="uint8", low=0, high=256), other=15, reverse=True)
case("bitwise_not", i(5))
case("bitwise_not", b(4))
case("bitwise_not", v([0, 1, 255], dtype="uint8"))
for op in "lshift rshift".split():
    case(op, i(6), i(6, low=0, high=8))
    case(op, v([1, -8, -2147483648, 7], dtype="int32"), v([31, 32, 1, 0], dtype="int32"))
    case(op, i(4, dtype="uint8", low=0, high=256), other=3)
    case(op, i(4, low=0, high=5), other=9, reverse=True)

WHOLE = v([-7, 7, -8, 8, 0, 2147483647, -2147483648], dtype="int32")
for op in "mod fmod idiv floordiv".split():
    case(op, WHOLE, other=3)
    case(op, WHOLE, other=-3)
    case(op, i(8, low=-9, high=10), v([1, -1, 2, -2, 3, -3, 5, -5], dtype="int32"))
    case(op, i(6, dtype="uint8", low=0, high=256), other=7)
    case(op, f(2, 5, low=-9, high=9), pos(5, low=1, high=3))
    case(op, f(6, low=-9, high=9), other=-1.5)
    forward(op, v([7.5, -7.5, inf, nan, 0.0, 1.0]), v([inf, 2.0, 2.0, 1.0, -3.0, 0.1]))
case("mod", v([5.0, -5.0]), v([0.0, 0.0]))
case("mod", i(5, low=1, high=6), other=17, reverse=True)
case("floordiv", v([5.0, -5.0, 1.0, -1.0]), v([0.0, 0.0, inf, inf]))
case("floordiv", i(5, low=1, high=6), other=17, reverse=True)
for mode in "trunc floor".split():
    case("div", i(6, low=-9, high=10), i(6, low=1, high=5), rounding_mode=mode)
    case("div", f(6, low=-9, high=9), other=2.0, rounding_mode=mode)
case("div", pos(5), other=2.0, reverse=True)
case("div", i(5, low=1, high=5), other=2, reverse=True)
case("div", v([1.0, -1.0, 0.0, inf]), v([0.0, 0.0, 0.0, inf]))
case("div", i(5), other=0)
case("sub", f(4), other=1.5, reverse=True)
case("sub", i(4), other=3, reverse=True)
case("add", v([2147483647, -2147483648], dtype="int32"), v([1, -1], dtype="int32"))
case("sub", v([0, 1, 255], dtype="uint8"), v([1, 2, 3], dtype="uint8"))
case("mul", v([65536, -2147483648, 46341], dtype="int32"), v([65536, -1, 46341], dtype="int32"))
case("add", v([inf, inf, nan]), v([-inf, 1.0, 1.0]))

for p in (0, 1, 2, 5, 20, -1, -2, 2.5, -0.5):
    case("pow", pos(4), other=p)
for p in (3, 4, -3):
    case("pow", v([-1.5, -0.5, 0.5, 1.5]), other=p)
case("pow", f(4, low=-2, high=-0.5), other=0.5)
case("pow", f(4), other=2.0, reverse=True)
case("pow", i(4), other=2.5, reverse=True)
case("pow", i(4, low=0, high=8), other=3, reverse=True)
case("pow", i(6), other=3)
case("pow", i(6), other=0)
case("pow", v([7, -7, 3, 10, -1, 46341], dtype="int32"), v([11, 11, 19, 10, 31, 2], dtype="int32"))
case("pow", v([2, -1, 1, -2, -1, 5], dtype="int32"), v([-1, -3, -2, -3, -2, 0], dtype="int32"))
case("pow", i(5, dtype="uint8", low=0, high=256), other=3)
case("pow", v([0.0, 0.0, 0.0]), v([0, 1, 3], dtype="int32"))
case("pow", v([-2.0, -2.0, -1.0, -0.5]), v([3, -2, 5, -3], dtype="int32"))
SPECIAL = [-inf, -2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, inf, nan]
EXPONENTS = [-inf, -3.0, -2.0, -0.5, 0.0, 0.5, 2.0, 3.0, inf, nan]
forward("pow", *(v(list(x)) for x in zip(*((a, p) for a in SPECIAL for p in EXPONENTS))))

for op in "maximum minimum".split():
    case(op, v([1.0, 2.0, nan, 1.0]), v([1.0, 3.0, 1.0, nan]))
    case(op, v([1.0, 2.0, 0.0]), other=1.0)
    case(op, v([-2147483648, 2147483647, 0], dtype="int32"), v([2147483647, -2147483648, 0], dtype="int32"))
    case(op, i(4, dtype="uint8", low=0, high=256), i(4, dtype="uint8", low=0, high=256))
    case(op, b(4), b(4))
    case(op, v([inf, -inf, inf]), v([-inf, inf, inf]))
case("clip", f(3, 4), min=0.0)
case("clip", f(3, 4), max=0.0)
case("clip", f(3, 4), f(4, low=-1, high=0), f(4, low=0, high=1))
forward("clip", v([nan, -1.0, 1.0, inf, -inf]), min=-1.0, max=1.0)
case("clip", i(6), min=-1, max=2)
case("clip", v([0.5]), min=2.0, max=1.0)
case("copysign", f(6), f(6))
forward("copysign", v([1.0, -1.0, 2.0, 0.0, nan]), v([-0.0, 0.0, -inf, -1.0, -1.0]))
case("copysign", f(4), other=-1.0)
case("logaddexp", f(3, 4), f(4))
case("logaddexp", v([100.0, -200.0, 1.0, 1e30]), v([100.0, -200.0, -90.0, 0.0]))
case("logaddexp", v([-inf, inf, -inf], view=[["expand", [3]]]), v([1.0, 1.0, 2.0]))
case("lerp", f(3, 4), f(3, 4), weight=0.3)
case("lerp", f(3, 4), f(4), f(3, 1, low=0, high=1))
case("isclose", v([1.0, 1.000001, nan, inf, inf, 1.1]), v([1.0, 1.0, nan, inf, -inf, 1.0]))
case("isclose", v([1.0, 1.05, nan]), v([1.0, 1.0, nan]), rtol=0.1, atol=0.0, equal_nan=True)
case("allclose", v([1.0, 2.0]), v([1.0, 2.0000001]))
case("allclose", v([1.0, nan]), v([1.0, nan]))
case("allclose", v([1.0, nan]), v([1.0, nan]), equal_nan=True)
for op in "eq ne lt le gt ge".split():
    case(op, v([nan, 1.0, inf, -inf, 0.0]), v([nan, nan, inf, inf, -0.0]))
    case(op, v([-2147483648, 2147483647], dtype="int32"), v([2147483647, -2147483648], dtype="int32"))
    case(op, b(4), b(4))
case("where", b(3), i(3), i(3))
case("where", b(0), f(0), f(0))
case("add", f(3, 0), f(1))
case("exp", f(0))
case("sigmoid", f(3, 4, view=[["permute", [1, 0]], ["flip", [0]]]))
for op in "half bfloat16".split():
    forward(op, f(6))
    forward(op, v([65520.0, -1e30, inf, nan, 1e-8]))
forward("double", f(4, dtype="float64"))
forward("long", v([-1, 2147483647, 2147483648], dtype="int64"))
