"""Many numbers in, fewer out."""

import torch

from draw import b, case, chained, f, forward, i, inf, nan, over, v


def position(method):
    return lambda x, axis=None, keepdim=False: method(x, axis, keepdim=keepdim)


OPS = {
    "sum": over(lambda x, dims, keep, dtype=None: x.sum(dims, keepdim=keep, dtype=dtype and getattr(torch, dtype))),
    "mean": over(lambda x, dims, keep: x.mean(dims, keepdim=keep)),
    "max": over(lambda x, dims, keep: x.amax(dims, keepdim=keep)),
    "min": over(lambda x, dims, keep: x.amin(dims, keepdim=keep)),
    "var": over(lambda x, dims, keep, correction=1: x.var(dims, correction=correction, keepdim=keep)),
    "std": over(lambda x, dims, keep, correction=1: x.std(dims, correction=correction, keepdim=keep)),
    "prod": chained(lambda x, dim, keep, dtype=None: x.prod(dim, keepdim=keep, dtype=dtype and getattr(torch, dtype))),
    "any": over(lambda x, dims, keep: x.any(dims, keepdim=keep) if dims != [] else x.bool()),
    "all": over(lambda x, dims, keep: x.all(dims, keepdim=keep) if dims != [] else x.bool()),
    "var_mean": over(lambda x, dims, keep, correction=1: torch.var_mean(x, dims, correction=correction, keepdim=keep)),
    "std_mean": over(lambda x, dims, keep, correction=1: torch.std_mean(x, dims, correction=correction, keepdim=keep)),
    "logsumexp": over(lambda x, dims, keep: x.logsumexp(dims, keepdim=keep)),
    "argmax": position(torch.argmax),
    "argmin": position(torch.argmin),
    "softmax": lambda x, axis=-1, dtype=None: x.softmax(axis, dtype=dtype and getattr(torch, dtype)),
    "log_softmax": lambda x, axis=-1, dtype=None: x.log_softmax(axis, dtype=dtype and getattr(torch, dtype)),
    "softmin": lambda x, axis=-1: torch.nn.functional.softmin(x, axis),
}

for op in "sum mean max min prod".split():
    case(op, f(3, 4))
    case(op, f(3, 4, 2), axis=1)
    case(op, f(3, 4, 2), axis=-1, keepdim=True)
    case(op, f(2, 3, 4), axis=[0, 2])
for op in "sum max mean".split():
    case(op, f(4, 5, view=[["permute", [1, 0]], ["flip", [1]]]), axis=0)
case("sum", f(1, 1), axis=0)
case("sum", f(0, 3), axis=0)
case("sum", f())
case("sum", i(3, 4), axis=1)
case("sum", b(3, 4), axis=0)
case("max", i(3, 4), axis=1)
case("sum", f(2, 300), axis=1)
case("mean", f(300, 2), axis=0)
case("var", f(3, 4))
case("var", f(3, 4, 2), axis=1, keepdim=True)
case("std", f(3, 5), axis=-1)
case("var", f(3, 4), axis=0, correction=0)
case("logsumexp", f(3, 5), axis=1)
case("logsumexp", f(3, 5, low=60, high=100))
for op in ("softmax", "log_softmax"):
    case(op, f(3, 5))
    case(op, f(2, 3, 4), axis=1)
    case(op, f(2, 4, low=-100, high=100))
case("softmax", f(3, 1))
case("softmax", f(4, 3, view=[["permute", [1, 0]]]))
for op in ("argmax", "argmin"):
    case(op, f(4, 5))
    case(op, f(4, 5), axis=1)
    case(op, f(4, 5, 2), axis=-2, keepdim=True)
case("argmax", i(3, 6, low=0, high=100), axis=1)

for op in "any all".split():
    case(op, b(3, 4))
    case(op, b(3, 4), axis=1)
    case(op, i(3, 4, low=0, high=2), axis=0, keepdim=True)
    case(op, v([[0.0, nan], [0.0, -0.0], [inf, 1.0]]), axis=-1)
    case(op, b(2, 3, 4), axis=[0, 2])
    case(op, b(0, 3), axis=0)
    case(op, b(0))
    case(op, b(3, 4, view=[["permute", [1, 0]]]), axis=0)
for op in "var_mean std_mean".split():
    case(op, f(3, 4))
    case(op, f(3, 4, 2), axis=1, keepdim=True)
    case(op, f(3, 4), axis=-1, correction=0)
for op in "var std".split():
    case(op, f(2, 3, 4), axis=[0, 2])
    case(op, f(3, 4), correction=0)
    case(op, f(5, low=1000, high=1001))
    case(op, f(3, 4, view=[["permute", [1, 0]]]), axis=0)
    forward(op, f(1))
    forward(op, f(0))
    forward(op, v([1.0, nan, 2.0]))
case("std", v([2.0, 2.0, 2.0]))
case("std", v([[2.0, 2.0], [1.0, 2.0]]), axis=1)

for op in "sum mean max min prod".split():
    forward(op, v([[1.0, nan, 2.0], [inf, 1.0, -inf]]), axis=1)
    case(op, f(3, 1, 4), axis=1)
    case(op, f(2, 3, 2, 2), axis=[-1, 0, 1], keepdim=True)
    case(op, f(3, 4, view=[["slice", [[0, 3, 2], [1, 4]]]]), axis=1)
    case(op, f(3, view=[["reshape", [3, 1]], ["expand", [3, 4]]]), axis=0)
    case(op, f(2, 0, 3), axis=0)
for op in "sum mean prod".split():
    case(op, f(0))
    case(op, f(2, 0), axis=1)
for op in "max min".split():
    case(op, v([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), axis=1)
    case(op, v([-2147483648, 2147483647, 0], dtype="int32"))
    case(op, i(6, dtype="uint8", low=0, high=256))
    case(op, b(3, 2), axis=0)
    case(op, v([-inf, -inf]))
    case(op, v([-0.5, -3.0]))
case("prod", v([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]), axis=1)
case("prod", i(3, 4), axis=1)
case("prod", v([65536, 65536, 3], dtype="int32"), dtype="int32")
case("sum", v([2147483647, 1, 1], dtype="int32"), dtype="int32")
forward("sum", f(3, 4), axis=1, dtype="int32")
case("sum", i(3, 4), axis=1, dtype="float32")
case("prod", i(3, 4), axis=1, dtype="float32")
case("sum", b(3, 4), dtype="float32")
case("sum", f(1, view=[["expand", [100000]]]))
case("mean", f(3, 1, view=[["expand", [3, 40000]]]), axis=1)
case("max", f(4, 1, view=[["expand", [4, 5000]]]), axis=1)
case("logsumexp", f(2, 3, 4), axis=[0, 2], keepdim=True)
forward("logsumexp", v([[-inf, -inf], [inf, 1.0], [-inf, 2.0], [nan, 1.0]]), axis=1)
case("logsumexp", v([[-inf, 2.0], [1000.0, 999.0], [-1000.0, -1001.0]]), axis=1)
case("logsumexp", f(0))
case("logsumexp", f(2, 0), axis=1)
for op in "softmax log_softmax".split():
    case(op, v([[-inf, 0.0, 1.0], [1e30, 0.0, -1e30]]))
    forward(op, v([[-inf, -inf], [inf, 1.0], [nan, 1.0]]))
    case(op, i(2, 3), dtype="float32")
    case(op, f(2, 0))
    case(op, f(3, 2, 2), axis=0)
case("softmin", f(3, 4))
case("softmin", f(3, 4), axis=0)
for op in "argmax argmin".split():
    case(op, v([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [1.0, nan, 0.0]]), axis=1)
    case(op, v([1.0, nan, 3.0, nan]))
    case(op, v([-inf, inf, -inf, inf]))
    case(op, v([-2147483648, 2147483647, 2147483647, -2147483648], dtype="int32"))
    case(op, i(2, 6, dtype="uint8", low=0, high=256), axis=-1)
    case(op, f(4, 3, view=[["permute", [1, 0]]]), axis=0)
    case(op, f(1, 1), axis=0)
    case(op, f())
