"""Recurrences along an axis; long rows by a few of their values, their gradients by those of what they repeat."""

import torch

from draw import b, case, f, i, inf, nan, v


def scan(a, x, axis=0, reverse=False):
    a, x = torch.broadcast_tensors(a, x)
    order = range(x.shape[axis])
    state, states = torch.zeros_like(x.select(axis, 0)), {}
    for t in reversed(order) if reverse else order:
        state = a.select(axis, t) * state + x.select(axis, t)
        states[t] = state
    return torch.stack([states[t] for t in order], axis)


def wide(x):
    """PyTorch adds integers up in int64, the engine in theirs."""
    return torch.int32 if x.dtype == torch.bool else x.dtype


def placed(found):
    return found.values, found.indices.int()


OPS = {
    "cumsum": lambda x, axis=0: x.cumsum(axis, dtype=wide(x)),
    "cumprod": lambda x, axis: x.cumprod(axis, dtype=wide(x)),
    "cummax": lambda x, axis=0: placed(x.cummax(axis)),
    "cummin": lambda x, axis=0: placed(x.cummin(axis)),
    "logcumsumexp": lambda x, axis=0: (x if x.is_floating_point() else x.float()).logcumsumexp(axis),
    "scan": scan,
    "chain_long_cumsum": lambda x: x.cumsum(1)[:, ::150],
    "chain_long_cumprod": lambda x: (x * 0.01 + 1).cumprod(1)[:, ::150],
    "chain_long_cummax": lambda x: (x + torch.arange(x.shape[1]) * 0.01).cummax(1)[0][:, ::150],
    "chain_long_logcumsumexp": lambda x: (x * 20).logcumsumexp(1)[:, ::150],
    "chain_long_scan": lambda a, x: scan(a.sigmoid(), x.sin(), 0, True)[::100].tanh(),
    "chain_selective_scan": lambda delta, a, x, u, c: (
        scan((delta * -a.exp()).exp(), delta * x * u, 1) * c
    ).sum(3),
    "chain_scan_of_scans": lambda x: x.cumsum(1).cumsum(0).cumprod(1),
}

METHODS = "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"
for op in METHODS:
    case(op, f(5), axis=0)
    case(op, f(3, 4, 2), axis=1)
    case(op, f(3, 4, 2), axis=-1)
    case(op, f(4, 5, view=[["permute", [1, 0]], ["flip", [0]]]), axis=0)
    case(op, f(2, 4, view=[["expand", [3, 2, 4]]]), axis=0)
    case(op, f(), axis=0)
    case(op, f(), axis=-1)
    case(op, f(3, 1), axis=1)
    case(op, f(0, 3), axis=1)
    case(op, f(3, 0), axis=1)
for op in ("cumsum", "cummax", "cummin", "logcumsumexp"):
    case(op, f(4, 3))
for op in ("cumsum", "cumprod", "cummax", "cummin"):
    case(op, i(3, 6), axis=1)
    case(op, v([2147483647, 1, -2147483648, 2147483647, -1], dtype="int32"), axis=0)
case("cumsum", b(2, 6), axis=1)
case("cumprod", b(2, 6), axis=1)
case("cumsum", v([1.0, inf, 2.0, -inf, 1.0]), axis=0)
case("cumsum", v([[1.0, nan, 2.0], [3.0, 4.0, nan]]), axis=1)
case("cumprod", v([[2.0, 0.0, 3.0, -1.0], [1.0, 2.0, 0.0, 0.0], [0.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]]), axis=1)
for op in ("cummax", "cummin"):
    case(op, v([[1.0, 3.0, 3.0, 2.0, 3.0, 1.0, 3.0], [2.0, 2.0, 2.0, 1.0, 1.0, 3.0, 1.0]]), axis=1)
    case(op, v([1.0, nan, 5.0, nan, 0.0]), axis=0)
    case(op, v([-inf, -inf, 0.0, -0.0, inf, 2.0, inf, -inf]), axis=0)
case("logcumsumexp", f(3, 6, low=-100, high=100), axis=1)
case("logcumsumexp", v([-300.0, 2.0, -500.0, 500.0, 499.0]), axis=0)
case("logcumsumexp", i(5), axis=0)

case("scan", f(6), f(6))
case("scan", f(2, 5, 3), f(2, 5, 3), axis=1)
case("scan", f(2, 5, 3), f(2, 5, 3), axis=-2, reverse=True)
case("scan", f(4, 1), f(3), axis=0)
case("scan", f(1), f(3, 4), axis=1, reverse=True)
case("scan", i(2, 4), i(2, 4), axis=1)
case("scan", v([1.0, 0.0, 2.0, 0.0, 0.0, 3.0]), f(6), axis=0)
case("scan", f(3, 1), f(3, 1), axis=1)
case("scan", f(4, 3, view=[["permute", [1, 0]]]), f(3, 4, view=[["flip", [1]]]), axis=1)
case("scan", v([1.0, 0.5, 0.5, 2.0]), v([1.0, inf, 3.0, nan]))

for dtype in ("float16", "bfloat16", "float64"):
    for op in METHODS:
        case(op, f(2, 6, dtype=dtype), axis=1)
    case("scan", f(6, dtype=dtype), f(6, dtype=dtype), axis=0)
for op in ("cumsum", "cumprod", "cummax", "cummin"):
    case(op, i(2, 6, dtype="int64"), axis=1)
for op in ("cummax", "cummin"):
    case(op, i(2, 6, dtype="int8"), axis=1)
    case(op, i(2, 6, low=0, high=200, dtype="uint8"), axis=1)
    case(op, b(2, 6), axis=1)

LONG = [["expand", [2, 250, 6]], ["reshape", [2, 1500]]]
for op in ("chain_long_cumsum", "chain_long_cumprod", "chain_long_cummax", "chain_long_logcumsumexp"):
    case(op, f(2, 1, 6, view=LONG))
case("chain_long_scan", f(1, 4, view=[["expand", [500, 4]], ["reshape", [1000, 2]]]), f(1, 2, view=[["expand", [1000, 2]]]))
case("chain_selective_scan", f(2, 5, 3, 1), f(3, 4), f(2, 5, 1, 4), f(2, 5, 3, 1), f(2, 5, 1, 4))
case("chain_scan_of_scans", f(3, 4))
