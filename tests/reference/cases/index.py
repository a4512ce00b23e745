"""Picking, putting and sorting elements. What an index means is NumPy's word: it picks places, PyTorch the values."""

import numpy as np
import torch
import torch.nn.functional as F

from draw import b, case, f, i, inf, nan, v


def places(x, index):
    """The places of `x` an index names, as NumPy sees it."""

    def part(p):
        if isinstance(p, str):
            ends = [int(e) if e.strip() else None for e in p.split(":")]
            return slice(*ends)
        if isinstance(p, list):
            return p[0] if isinstance(p[0], list) else slice(*p)
        return p.detach().numpy() if torch.is_tensor(p) else p

    parts = tuple(... if isinstance(p, str) and p == "..." else part(p) for p in index)
    return torch.from_numpy(np.array(np.arange(x.numel()).reshape(x.shape)[parts]))


def put(x, at, value):
    """`value` at those flat places, the last where several meet."""
    last = {place: n for n, place in enumerate(at.reshape(-1).tolist())}
    keys, order = (torch.tensor(list(part), dtype=torch.int64) for part in (last.keys(), last.values()))
    values = value.reshape(-1)[order].to(x.dtype)
    return x.reshape(-1).index_put((keys,), values).reshape(x.shape)


def with_at(x, value, index):
    at = places(x, index)
    return put(x, at, torch.as_tensor(value).expand(at.shape))


def scatter(x, index, src, dim, reduce=None):
    src = torch.full(index.shape, src, dtype=x.dtype) if not torch.is_tensor(src) else src
    src = src[tuple(slice(n) for n in index.shape)]
    if reduce:
        return x.scatter_reduce(dim, index.long(), src, {"add": "sum", "multiply": "prod"}[reduce])
    own = torch.arange(x.numel()).reshape(x.shape)
    inside = (index >= 0) & (index < x.shape[dim])
    grid = list(torch.meshgrid(*(torch.arange(n) for n in index.shape), indexing="ij"))
    grid[dim] = index.long().clamp(0, x.shape[dim] - 1)
    return put(x, own[tuple(grid)][inside], src[inside])


def scatter_reduce(x, index, src, dim, reduce, include_self=True):
    src = src[tuple(slice(n) for n in index.shape)]
    return x.scatter_reduce(dim, index.long(), src, reduce, include_self=include_self)


def sized(found, size, fill):
    if size is None:
        return found
    rest = torch.full((max(size - len(found), 0), *found.shape[1:]), fill, dtype=found.dtype)
    return torch.cat([found[:size], rest])


def sort(x, dim=-1, descending=False):
    return torch.sort(x, dim=dim, descending=descending, stable=True)


def topk(x, k, dim=-1, largest=True):
    return [part.narrow(dim, 0, k) if x.ndim else part for part in sort(x, dim, largest)]


OPS = {
    "at": lambda x, index: x.reshape(-1)[places(x, index)],
    "at_masked": lambda x, index: x.reshape(-1)[places(x, index)],
    "with_at": with_at,
    "set_at": with_at,
    "gather": lambda x, index, dim: x.gather(dim, index.long()),
    "index": lambda x, index: x[index.long()],
    "one_hot": lambda x, num_classes: F.one_hot(x.long(), num_classes),
    "scatter": scatter,
    "scatter_reduce": scatter_reduce,
    "masked_fill": lambda x, mask, value: torch.where(mask, value, x),
    "masked_select": lambda x, mask, size=None, fill_value=0: sized(x.masked_select(mask), size, fill_value),
    "nonzero": lambda x, size=None, fill_value=0: sized(x.nonzero(), size, fill_value),
    "sort": sort,
    "argsort": lambda x, dim=-1, descending=False: sort(x, dim, descending)[1],
    "topk": topk,
}

turned = [["permute", [1, 0]]]

case("at", f(4, 5), index=[1])
case("at", f(4, 5), index=[-1, "1:4"])
case("at", f(4, 5), index=["::2", "::-1"])
case("at", f(6, 4), index=[[4, 0, -2], 0])
case("at", f(7), index=["-2:1:-3"])
case("at", f(7), index=["9:-9:-1"])
case("at", f(3, 4), index=["5:", ":"])
case("at", f(3, 4), index=[None, ":", None, 2])
case("at", f(2, 3, 4), index=["...", 1])
case("at", f(2, 3, 4), index=[0, "...", [1, None]])
case("at", f(2, 3), index=[])
case("at", f(), index=["..."])
case("at", f(), index=[None])
case("at", f(2, 3), index=[True])
case("at", f(2, 3), index=[False, 0])
case("at", f(4, 3), index=[[[2, 0, 2, -1]]])
case("at", f(4, 3), i(2, 2, low=-4, high=4), index=["$1"])
case("at", f(4, 3), i(3, low=-4, high=4), i(3, low=0, high=3), index=["$1", "$2"])
case("at", f(4, 3), i(2, 1, low=0, high=4), i(3, low=0, high=3), index=["$1", "$2"])
case("at", f(2, 4, 3), i(5, low=0, high=4), index=[":", "$1"])
case("at", f(2, 4, 3), i(2, low=0, high=4), i(2, low=0, high=3), index=[":", "$1", "$2"])
case("at", f(3, 2, 4), i(2, low=0, high=3), i(2, low=0, high=4), index=["$1", ":", "$2"])
case("at", f(2, 3, 2, 4), i(2, low=0, high=3), i(2, low=0, high=4), index=[":", "$1", ":", "$2"])
case("at", f(3, 4), i(2, low=0, high=3), i(2, low=0, high=4), index=["$1", None, "$2"])
case("at", f(3, 5), i(2, low=0, high=2), index=["1:", "$1"])
case("at", f(5, 3), i(3, low=0, high=3), index=["::-2", "$1"])
case("at", f(3, 4, view=turned), i(3, low=-4, high=4), index=["$1"])
case("at", f(4, 2), i(3, low=0, high=4, dtype="uint8"), index=["$1"])
case("at", f(4, 2), i(0, low=0, high=4), index=["$1"])
case("at", i(4, 2), i(3, low=0, high=4), index=["$1", 1])
case("at", b(4, 3), i(2, low=0, high=3), index=["1:3", "$1"])
case("at", f(3, 4), i(low=0, high=3), index=["$1"])
case("at_masked", f(4, 3), v([True, False, True, True], dtype="bool"), index=["$1"])
case("at_masked", f(2, 3), v([[True, False, True], [False, False, True]], dtype="bool"), index=["$1"])
case("at_masked", f(2, 3, 2), v([True, False, True], dtype="bool"), index=[1, "$1", "::-1"])
case("at_masked", f(3), v([False, False, False], dtype="bool"), index=["$1"])
case("with_at", f(3, 4), f(4), index=[1])
case("with_at", f(3, 4), index=[":", -1], value=2.5)
case("with_at", f(5, 4), f(2, 2), index=["3::-2", "1:3"])
case("with_at", f(7), f(3), index=["::3"])
case("with_at", f(6, 2), f(1, 2), index=["1::2"])
case("with_at", f(2, 3), f(2, 3), index=["..."])
case("with_at", f(2, 3), f(), index=[None, 0, 1])
case("with_at", f(3), f(0), index=["2:2"])
case("with_at", f(4, 3), i(3, low=0, high=4), f(3, 3), index=["$1"], value="$2")
case("with_at", f(4, 3), f(2, 3), index=[[[1, 1]]])
case("with_at", f(4, 3), v([0, 3, 0, -4], dtype="int32"), f(4), index=["$1", 2], value="$2")
case("with_at", f(3, 4), v([0, 2, 0], dtype="int32"), v([1, 3, 1], dtype="int32"), f(3), index=["$1", "$2"], value="$3")
case("with_at", f(2, 4, 3), v([3, 1], dtype="int32"), f(2, 1, 3), index=["::-1", "$1"], value="$2")
case("with_at", f(2, 3, 2), v([1, 0], dtype="int32"), v([1, 1], dtype="int32"), f(2, 3), index=["$1", ":", "$2"], value="$3")
case("with_at", f(2, 3), v([[True, False, True], [False, False, True]], dtype="bool"), index=["$1"], value=-1.0)
case("with_at", f(2, 3), v([True, False, True], dtype="bool"), f(2, 2), index=[":", "$1"], value="$2")
case("with_at", f(4), v([True, False, True, True], dtype="bool"), f(3), index=["$1"], value="$2")
case("with_at", f(3, 2), v([True, False, True], dtype="bool"), f(2), index=["$1"], value="$2")
case("with_at", i(4), i(2), index=["1:3"])
case("with_at", i(5, dtype="uint8", low=0, high=9), index=["::2"], value=3)
case("with_at", b(4), index=[2], value=True)
case("gather", f(4, 5), i(4, 2, low=0, high=5), dim=1)
case("gather", f(4, 5), i(3, 5, low=0, high=4), dim=0)
case("gather", f(2, 3, 4), i(2, 3, 2, low=0, high=4), dim=-1)
case("gather", f(3, 4), i(2, 6, low=0, high=4), dim=1)
case("gather", v([[nan, 1], [inf, -inf]]), v([[1, 0], [0, 1]], dtype="int32"), dim=1)
case("gather", b(3, 2), i(2, 2, low=0, high=3), dim=0)
case("index", f(6, 3), i(4, low=0, high=6))
case("index", f(6, 2, 2), i(2, 3, low=0, high=6))
case("index", f(5), i(7, low=0, high=5))
case("index", f(5, 2), i(4, low=-5, high=5))
case("index", i(6, 2, dtype="uint8", low=0, high=255), i(3, low=0, high=6))
case("one_hot", i(5, low=0, high=4), num_classes=4)
case("scatter", f(3, 5), i(1, 4, low=0, high=3), f(2, 5), dim=0)
case("scatter", f(3, 5), v([[0, 1, 2], [0, 1, 4]], dtype="int32"), f(2, 5), dim=1)
case("scatter", f(2, 4), v([[2, 2, 2], [3, 0, 3]], dtype="int32"), f(2, 3), dim=-1)
case("scatter", f(2, 4), v([[2], [3]], dtype="int32"), dim=1, src=1.5)
case("scatter", f(2, 4), v([[2], [3]], dtype="int32"), dim=1, src=1.5, reduce="add")
case("scatter", f(2, 4), v([[2], [3]], dtype="int32"), dim=1, src=1.5, reduce="multiply")
case("scatter", f(2, 3), v([[1, 5, -1], [0, 3, 2]], dtype="int32"), f(2, 3), dim=1)
case("scatter", i(4), v([1, 1, 3], dtype="int32"), i(3), dim=0)
case("scatter", b(4), v([1, 0], dtype="int32"), b(2), dim=0)
case("scatter", v([nan, 1, 2]), v([1, 1, 2], dtype="int32"), v([inf, nan, -inf]), dim=0)
case("scatter", f(2, 2, 3), i(2, 1, 3, low=0, high=2), f(2, 1, 3), dim=1)
for reduce in ["sum", "prod", "mean", "amax", "amin"]:
    for include_self in [True, False]:
        args = {"dim": 1, "reduce": reduce, "include_self": include_self}
        case("scatter_reduce", f(3, 4), v([[0, 0, 3], [1, 0, 1], [2, 2, 2]], dtype="int32"), f(3, 3), **args)
    case("scatter_reduce", f(4, 2), i(3, 2, low=0, high=4), f(3, 2), dim=0, reduce=reduce)
case("scatter_reduce", v([1, 2, 3]), v([0, 0, 1, 1], dtype="int32"), v([2, 2, 2, 1]), dim=0, reduce="amax")
case("scatter_reduce", v([2, 2, 3]), v([0, 0, 1, 1], dtype="int32"), v([2, 2, 2, 1]), dim=0, reduce="amin")
case("scatter_reduce", v([1, 2, 3]), v([0, 0, 1, 1], dtype="int32"), v([0, 5, 0, 0]), dim=0, reduce="prod")
case("scatter_reduce", v([1, 2, 3]), v([0, 0, 1], dtype="int32"), v([nan, 5, inf]), dim=0, reduce="sum")
case("scatter_reduce", v([1, 2, 3]), v([0, 0, 1], dtype="int32"), v([nan, 5, -inf]), dim=0, reduce="amax")
case("scatter_reduce", i(4), i(6, low=0, high=4), i(6), dim=0, reduce="sum")
case("scatter_reduce", i(4), i(6, low=0, high=4), i(6), dim=0, reduce="amin", include_self=False)
case("masked_fill", f(2, 3), b(2, 3), value=-12)
case("masked_fill", f(2, 3), b(3), f(2, 3))
case("masked_fill", f(2, 3), b(2, 1), value=-inf)
case("masked_fill", i(4), b(4), value=7)
case("masked_select", f(2, 3), v([[True, False, True], [False, True, True]], dtype="bool"))
case("masked_select", f(2, 3), v([True, False, True], dtype="bool"))
case("masked_select", f(2, 3), v([True, False, True], dtype="bool"), size=6, fill_value=-1.0)
case("masked_select", f(2, 3), v([True, True, True], dtype="bool"), size=2)
case("masked_select", f(4), v([False, False, False, False], dtype="bool"))
case("masked_select", i(4), v([False, True, True, False], dtype="bool"), size=3, fill_value=9)
case("nonzero", v([1, 0, 2, 0, 3]))
case("nonzero", v([[1, 0], [0, nan]]))
case("nonzero", i(2, 3, 2, low=0, high=3))
case("nonzero", b(3, 4))
case("nonzero", v([0.0, 0.0]))
case("nonzero", v([[1, 0], [0, 2]], dtype="int32"), size=3, fill_value=-1)
case("nonzero", v([1, 1, 1], dtype="int32"), size=2)
case("sort", f(6))
case("sort", f(3, 5), descending=True)
case("sort", f(4, 2, 3), dim=1)
case("sort", f(5, 3), dim=0, descending=True)
case("sort", v([2, 1, 2, 1, 1, 2]))
case("sort", v([2, 1, 2, 1, 1, 2]), descending=True)
case("sort", v([nan, 1, -inf, 0.0, -0.0, inf, nan, -1]))
case("sort", v([nan, 1, -inf, -0.0, 0.0, inf, nan, -1]), descending=True)
case("sort", v([2147483647, -2147483648, 0, -1], dtype="int32"))
case("sort", v([2147483647, -2147483648, 0, -1], dtype="int32"), descending=True)
case("sort", i(6, dtype="uint8", low=0, high=4))
case("sort", b(6), descending=True)
case("sort", f(1))
case("sort", f())
case("sort", f(2, 0))
case("sort", f(4, 3, view=turned))
case("argsort", f(3, 4), dim=0)
case("argsort", i(8, low=0, high=3), descending=True)
case("topk", f(7), k=3)
case("topk", f(3, 6), k=2, largest=False)
case("topk", f(4, 3), k=4, dim=0)
case("topk", v([1, 3, 3, nan, 3]), k=3)
case("topk", i(6, low=0, high=3), k=4, dim=-1)
case("topk", f(3), k=0)
case("gather", i(3, 4, dtype="uint8", low=0, high=255), i(3, 2, low=0, high=4), dim=1)
case("scatter", i(4, dtype="uint8", low=0, high=255), v([1, 1, 3], dtype="int32"), i(3, dtype="uint8", low=0, high=255), dim=0)
case("scatter_reduce", i(4, dtype="uint8", low=0, high=99), i(6, low=0, high=4), i(6, dtype="uint8", low=0, high=99), dim=0, reduce="amin")
case("scatter_reduce", i(4, dtype="uint8", low=0, high=99), i(6, low=0, high=4), i(6, dtype="uint8", low=0, high=99), dim=0, reduce="sum")
case("topk", i(2, 5, dtype="uint8", low=0, high=4), k=3)
for dtype in ["float16", "bfloat16"]:
    case("sort", v([nan, 1, -inf, 0.5, 0.5, inf, -1], dtype=dtype), descending=True)
    case("scatter_reduce", f(4, dtype=dtype), i(6, low=0, high=4), f(6, dtype=dtype), dim=0, reduce="sum")
    case("at", f(3, 4, dtype=dtype), i(2, low=0, high=3), index=["$1", "::-2"])
    case("with_at", f(3, 2, dtype=dtype), f(2, dtype=dtype), index=[1])
case("sort", v([127, -128, 0, -1], dtype="int8"))
case("gather", i(4, dtype="int8", low=-100, high=100), i(3, low=0, high=4), dim=0)
case("set_at", i(3, 4), i(4), index=[1])
case("set_at", i(5), index=["::2"], value=7)
