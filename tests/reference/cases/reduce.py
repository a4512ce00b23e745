"""Many numbers in, fewer out."""

import torch

from draw import b, case, chained, f, i, over


def position(method):
    return lambda x, axis=None, keepdim=False: method(x, axis, keepdim=keepdim)


OPS = {
    "sum": over(lambda x, dims, keep: x.sum(dims, keepdim=keep)),
    "mean": over(lambda x, dims, keep: x.mean(dims, keepdim=keep)),
    "max": over(lambda x, dims, keep: x.amax(dims, keepdim=keep)),
    "min": over(lambda x, dims, keep: x.amin(dims, keepdim=keep)),
    "var": over(lambda x, dims, keep, correction=1: x.var(dims, correction=correction, keepdim=keep)),
    "std": over(lambda x, dims, keep, correction=1: x.std(dims, correction=correction, keepdim=keep)),
    "prod": chained(lambda x, dim, keep: x.prod(dim, keepdim=keep)),
    "logsumexp": over(lambda x, dims, keep: x.logsumexp(dims, keepdim=keep)),
    "argmax": position(torch.argmax),
    "argmin": position(torch.argmin),
    "softmax": lambda x, axis=-1: x.softmax(axis),
    "log_softmax": lambda x, axis=-1: x.log_softmax(axis),
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
