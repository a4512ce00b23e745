"""Dtypes of 8, 16 and 64 bits. 16-bit floats agree to their own epsilon (`tolerance` of ops.rs): PyTorch and the engine
both compute in float32 and round, but not after the same steps."""

import torch
import torch.nn.functional as F

from draw import case, f, i, inf, nan, pos, v


def same(x, dtype):
    return x.to(getattr(torch, dtype))


OPS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "lt": torch.lt,
    "eq": torch.eq,
    "neg": torch.neg,
    "abs": torch.abs,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "cast": same,
    "sum": lambda x, axis: x.sum(axis, dtype=torch.int32 if x.dtype == torch.int8 else x.dtype),
    "mean": lambda x, axis: x.mean(axis),
    "max": lambda x, axis: x.amax(axis),
    "softmax": lambda x, axis: x.softmax(axis),
    "logsumexp": lambda x, axis: x.logsumexp(axis),
    "matmul": torch.matmul,
    "layernorm": lambda x, axis: F.layer_norm(x, x.shape[axis:]),
    "cat": lambda a, b: torch.cat([a, b]),
    "cumsum": lambda x, axis: x.cumsum(axis, dtype=x.dtype),
}

FLOATS = "float16", "bfloat16", "float64"
for d in FLOATS:
    for op in ("add", "sub", "mul", "maximum", "minimum"):
        case(op, f(3, 5, dtype=d), f(5, dtype=d))
    case("div", f(3, 5, dtype=d), pos(3, 5, low=0.5, dtype=d))
    case("add", f(3, 5, dtype=d), f(5))
    case("mul", f(2, 3, dtype=d), i(2, 3))
    for op in ("neg", "abs", "exp", "tanh", "sigmoid", "relu"):
        case(op, f(3, 5, dtype=d))
    for op in ("log", "sqrt"):
        case(op, pos(3, 5, dtype=d))
    for op in ("sum", "mean", "max", "softmax", "logsumexp"):
        case(op, f(3, 7, dtype=d), axis=1)
    case("sum", f(7, 3, dtype=d, view=[["permute", [1, 0]]]), axis=0)
    case("matmul", f(3, 6, dtype=d), f(6, 5, dtype=d))
    case("matmul", f(2, 3, 6, dtype=d), f(6, 4, dtype=d))
    case("layernorm", f(3, 6, dtype=d), axis=-1)
    case("cat", f(3, dtype=d), f(2, dtype=d))
    case("cast", f(3, 5, dtype=d), dtype="float32")
    case("cast", f(3, 5), dtype=d)
    case("lt", v([1.0, nan, -inf, 2.0], dtype=d), v([2.0, 1.0, inf, nan], dtype=d))
    case("max", v([[1.0, nan, 2.0], [-inf, -1.0, 0.0]], dtype=d), axis=1)
    case("exp", v([-inf, inf, nan, 0.0], dtype=d))
for d in ("int8", "int64"):
    for op in ("add", "sub", "mul", "maximum", "lt", "eq"):
        case(op, i(3, 5, dtype=d), i(5, dtype=d))
    case("add", i(3, dtype=d), f(3))
    case("neg", i(5, dtype=d))
    case("abs", i(5, dtype=d))
    case("sum", i(3, 7, dtype=d), axis=1)
    case("max", i(3, 7, dtype=d), axis=0)
    case("cast", i(5, dtype=d), dtype="float16")
    case("cast", f(5), dtype=d)
case("add", v([127, -128, 100], dtype="int8"), v([1, -1, 100], dtype="int8"))
case("mul", v([127, -128, 16], dtype="int8"), v([2, 2, 16], dtype="int8"))
case("cast", v([300, -129, 127], dtype="int32"), dtype="int8")
case("cast", v([65519.0, 65520.0, 6e-8, 1e-9, 2049.0, nan, -inf]), dtype="float16")
case("cast", v([1.00390625, 3.4e38, 1e-40, nan, -inf]), dtype="bfloat16")
case("cumsum", f(3, 4, dtype="float64"), axis=1)
