"""The same numbers in another order or shape."""

import re

import torch
import torch.nn.functional as F

from draw import case, f, i, inf, nan, take, v


def pad(x, padding, mode="constant", value=0.0):
    flat = padding if isinstance(padding[0], int) else [n for p in reversed(padding) for n in (p or [0, 0])]
    if mode == "constant":
        return F.pad(x, flat, value=value)
    pairs = [list(p) for p in zip(flat[::2], flat[1::2])][::-1]
    for axis, (before, after) in enumerate([[0, 0]] * (x.ndim - len(pairs)) + pairs):
        n = x.shape[axis]
        places = torch.arange(-max(before, 0), n + max(after, 0))
        if mode == "reflect":
            places = (n - 1 - (places.abs() - (n - 1)).abs())
        else:
            places = places.clamp(0, n - 1) if mode == "replicate" else places % n
        x = x.index_select(axis, places)
        x = x.narrow(axis, max(-before, 0), x.shape[axis] - max(-before, 0) - max(-after, 0))
    return x


def rearrange(x, formula, sizes=()):
    """By einsum of a reshape: the formula's brackets worked out by hand here."""
    sizes, (left, right) = dict(sizes), [re.findall(r"\([^)]*\)|\S+", side) for side in formula.split("->")]
    if "..." in left:
        dots = [f"_{n}" for n in range(x.ndim + 1 - len(left))]
        at = left.index("...")
        left[at : at + 1] = dots
        right = [r for part in right for r in (dots if part == "..." else [part.replace("...", " ".join(dots))])]
    names = [[n for n in part.strip("()").split() if n != "1"] for part in left]
    known = {}
    for group, n in zip(names, x.shape):
        rest = n
        for name in group:
            rest //= sizes.get(name, 1)
        known |= {name: sizes.get(name, rest) for name in group}
    flat = [n for group in names for n in group]
    wanted = [[n for n in part.strip("()").split() if n != "1"] for part in right]
    x = x.reshape([known[n] for n in flat]).permute([flat.index(n) for group in wanted for n in group])
    return x.reshape([int(torch.tensor([known[n] for n in group]).prod()) for group in wanted])


def optional(method):
    return lambda x, dim=None, **rest: method(x, **rest) if dim is None else method(x, dim=dim, **rest)


OPS = {
    "reshape": lambda x, shape: x.reshape(shape),
    "view": lambda x, shape: x.reshape(shape),
    "permute": lambda x, order: x.permute(order),
    "transpose": lambda x, dim0=1, dim1=0: x.transpose(dim0, dim1),
    "t": lambda x: x.permute(*reversed(range(x.ndim))),
    "expand": lambda x, shape: x.expand(shape),
    "pad": pad,
    "shrink": lambda x, ranges: take(x, [r or [None, None] for r in ranges]),
    "slice": lambda x, ranges: take(x, ranges),
    "flip": lambda x, axis: x.flip(axis),
    "squeeze": optional(torch.squeeze),
    "unsqueeze": lambda x, dim: x.unsqueeze(dim),
    "flatten": lambda x, start_dim=0, end_dim=-1: x.flatten(start_dim, end_dim),
    "unflatten": lambda x, dim, sizes: x.unflatten(dim, sizes),
    "unfold": lambda x, dim, size, step: x.unfold(dim, size, step),
    "diag": lambda x: x.diag(),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: x.diagonal(offset, dim1, dim2),
    "triu": lambda x, diagonal=0: x.triu(diagonal),
    "tril": lambda x, diagonal=0: x.tril(diagonal),
    "cat": lambda *x, dim=0: torch.cat(x, dim),
    "stack": lambda *x, dim=0: torch.stack(x, dim),
    "split": lambda x, sizes, dim=0: x.split(sizes, dim),
    "chunk": lambda x, chunks, dim=0: x.chunk(chunks, dim),
    "repeat": lambda x, repeats: x.repeat(repeats),
    "repeat_interleave": lambda x, repeats, dim=None: x.repeat_interleave(repeats, dim),
    "roll": lambda x, shifts, dims=None: x.roll(shifts, dims),
    "meshgrid": lambda *x, indexing="ij": torch.meshgrid(*x, indexing=indexing),
    "rearrange": rearrange,
    "contiguous": lambda x: x.contiguous(),
    "contiguous_backward": lambda x: x * 1,
}

turned = [["permute", [1, 0]]]

case("reshape", f(2, 6), shape=[3, 4])
case("reshape", f(2, 6), shape=[-1, 2, 1])
case("reshape", f(3, 4, view=turned), shape=[2, 6])
case("reshape", f(1), shape=[])
case("reshape", f(0, 3), shape=[3, 0, 2])
case("view", f(2, 6), shape=[4, -1])
case("permute", f(2, 3, 4), order=[2, 0, 1])
case("permute", f(2, 3, 4), order=[-1, 0, -2])
case("permute", f(), order=[])
case("transpose", f(2, 3, 4), dim0=-1, dim1=0)
case("transpose", f(2, 3, 4))
case("t", f(2, 3))
case("t", f(3))
case("t", f(2, 3, 2))
case("expand", f(1, 3, 1), shape=[4, 3, 2])
case("expand", f(3, 1), shape=[2, -1, 4])
case("expand", f(1), shape=[0])
case("pad", f(2, 3), padding=[[1, 0], [2, 1]])
case("pad", f(2, 3), padding=[[0, 1], [1, 1]], value=-1.5)
case("pad", f(2, 3), padding=[None, [1, 2]], value=-inf)
case("pad", f(2, 3), padding=[1, 2])
case("pad", f(2, 3, 2), padding=[1, 0, -1, 2], value=2.0)
case("pad", f(3, 4), padding=[[-1, 1], [2, -2]], value=0.5)
case("pad", i(3), padding=[[1, 1]], value=7)
case("pad", f(0, 2), padding=[[1, 1], [0, 0]], value=3.0)
case("pad", f(2, 4), padding=[[1, 1], [3, 2]], mode="reflect")
case("pad", f(2, 4), padding=[2, 3], mode="reflect")
case("pad", f(4), padding=[[2, -1]], mode="reflect")
case("pad", f(2, 3), padding=[[1, 0], [2, 4]], mode="replicate")
case("pad", f(3, 2), padding=[[-1, 2], [0, 1]], mode="replicate")
case("pad", f(2, 3), padding=[[2, 1], [0, 3]], mode="circular")
case("pad", f(3, 2, view=turned), padding=[[1, 1], [2, 2]], mode="circular")
case("pad", i(4), padding=[[3, 3]], mode="reflect")
case("shrink", f(4, 5), ranges=[[1, 3], [0, 4]])
case("shrink", f(4, 5), ranges=[None, [2, 2]])
case("shrink", f(4, 5), ranges=[None, [1, 4]])
case("slice", f(5, 4), ranges=[[1, 4], 2])
case("slice", f(5, 4), ranges=[-1])
case("slice", f(6, 5), ranges=[[0, 6, 2], [-3, None]])
case("slice", f(6, 3), ranges=[[None, None, -1]])
case("slice", f(7, 3), ranges=[[5, 0, -2], None])
case("slice", f(4, 3), ranges=[[2, 2]])
case("flip", f(2, 3, 2), axis=[0, -1])
case("flip", f(3, 2, view=turned), axis=[1])
case("flip", f(2, 0), axis=[0])
case("squeeze", f(1, 3, 1))
case("squeeze", f(1, 3, 1), dim=-1)
case("squeeze", f(1, 3, 1), dim=1)
case("squeeze", f(), dim=0)
case("unsqueeze", f(2, 3), dim=-1)
case("unsqueeze", f(2, 3), dim=1)
case("unsqueeze", f(), dim=0)
case("flatten", f(2, 3, 2))
case("flatten", f(2, 3, 2), start_dim=1)
case("flatten", f(2, 3, 2, 2), start_dim=1, end_dim=-2)
case("flatten", f(2, 3, 2), start_dim=-2, end_dim=1)
case("flatten", f())
case("flatten", f(3, 0, 2), start_dim=1)
case("unflatten", f(2, 12), dim=1, sizes=[3, 2, 2])
case("unflatten", f(12, 2), dim=0, sizes=[4, -1])
case("unflatten", f(2, 4), dim=-1, sizes=[2, 1, -1])
case("unfold", f(8), dim=0, size=2, step=2)
case("unfold", f(7, 2), dim=0, size=3, step=2)
case("unfold", f(2, 5), dim=-1, size=3, step=1)
case("unfold", f(5), dim=0, size=5, step=3)
case("unfold", i(6), dim=0, size=1, step=4)
case("diag", f(4))
case("diag", f(3, 4))
case("diag", i(1))
case("diag", f(0))
case("diagonal", f(3, 3))
case("diagonal", f(3, 5), offset=1)
case("diagonal", f(4, 3), offset=-2)
case("diagonal", f(2, 3, 4), offset=1, dim1=1, dim2=2)
case("diagonal", f(2, 3, 4), offset=-1, dim1=-1, dim2=0)
case("diagonal", f(2, 3), offset=3)
case("triu", f(3, 4))
case("triu", f(4, 3), diagonal=1)
case("triu", f(2, 3, 3), diagonal=-1)
case("triu", v([[nan, inf], [nan, -inf]]), diagonal=0)
case("triu", i(3, 3), diagonal=9)
case("tril", f(3, 4))
case("tril", f(4, 3), diagonal=1)
case("tril", f(2, 3, 3), diagonal=-1)
case("tril", f(3, 3), diagonal=-9)
case("cat", f(2, 3), f(1, 3), f(2, 3), dim=0)
case("cat", f(2, 3), f(2, 2), dim=-1)
case("cat", i(2), i(3), dim=0)
case("cat", f(0, 2), f(3, 2), dim=0)
case("cat", i(2, 2), f(2, 1), dim=1)
case("cat", i(2, dtype="bool", low=0, high=2), i(3, dtype="bool", low=0, high=2))
case("cat", v([nan, inf]), v([-inf]))
case("stack", f(2, 3), f(2, 3), dim=0)
case("stack", f(2, 3), f(2, 3), f(2, 3), dim=-1)
case("stack", f(), f())
case("stack", f(3, 2, view=turned), f(2, 3), dim=1)
case("split", f(5, 2), sizes=2)
case("split", f(5, 2), sizes=[1, 4])
case("split", f(2, 6), sizes=[1, 0, 5], dim=-1)
case("split", i(3), sizes=7)
case("chunk", f(11), chunks=6)
case("chunk", f(2, 7), chunks=3, dim=1)
case("chunk", f(2), chunks=5)
case("repeat", f(2, 3), repeats=[2, 2])
case("repeat", f(3), repeats=[2, 1])
case("repeat", f(2, 2), repeats=[0, 1])
case("repeat_interleave", f(2, 3), repeats=2)
case("repeat_interleave", f(2, 3), repeats=3, dim=-1)
case("repeat_interleave", f(2, 3), repeats=2, dim=0)
case("repeat_interleave", f(2), repeats=0)
case("roll", f(5), shifts=[2])
case("roll", f(2, 3), shifts=[1])
case("roll", f(3, 4), shifts=[-1, 6], dims=[0, 1])
case("roll", f(3, 4), shifts=[1], dims=[-1])
case("roll", i(4), shifts=[-9], dims=[0])
case("roll", f(0, 2), shifts=[1], dims=[0])
case("meshgrid", f(3), f(2))
case("meshgrid", f(3), f(2), indexing="xy")
case("meshgrid", f(2), f(), f(3), indexing="xy")
case("meshgrid", f(3))
case("rearrange", f(2, 3), formula="b c -> c b")
case("rearrange", f(2, 12), formula="b (h w) -> b w h", sizes=[["h", 3]])
case("rearrange", f(2, 3, 4), formula="b c d -> (d b) c")
case("rearrange", f(2, 3, 4), formula="b ... -> ... b")
case("rearrange", f(2, 3, 2), formula="b ... d -> d (b ...)")
case("rearrange", f(1, 4), formula="1 (a b) -> a 1 b", sizes=[["b", 2]])
case("rearrange", f(4, 6), formula="(h p) (w q) -> (h w) (p q)", sizes=[["p", 2], ["q", 3]])
case("contiguous", f(3, 4, view=turned))
case("contiguous_backward", f(3, 4))
