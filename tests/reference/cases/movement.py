"""The same numbers in another order or shape."""

import torch

from draw import case, f, i, pad, take

OPS = {
    "reshape": lambda x, shape: x.reshape(shape),
    "permute": lambda x, order: x.permute(order),
    "transpose": lambda x, dim0=1, dim1=0: x.transpose(dim0, dim1),
    "t": lambda x: x.transpose(-2, -1),
    "expand": lambda x, shape: x.expand(shape),
    "pad": lambda x, padding, value=0.0: pad(x, padding, value),
    "shrink": lambda x, ranges: take(x, ranges),
    "slice": lambda x, ranges: take(x, ranges),
    "flip": lambda x, axis: x.flip(axis),
    "squeeze": lambda x, dim=None: x.squeeze() if dim is None else x.squeeze(dim),
    "unsqueeze": lambda x, dim: x.unsqueeze(dim),
    "flatten": lambda x, start_dim=0: x.flatten(start_dim),
    "cat": lambda *x, dim=0: torch.cat(x, dim),
    "stack": lambda *x, dim=0: torch.stack(x, dim),
    "repeat": lambda x, repeats: x.repeat(repeats),
    "contiguous": lambda x: x.contiguous(),
    "contiguous_backward": lambda x: x * 1,
}

case("reshape", f(2, 6), shape=[3, 4])
case("reshape", f(2, 6), shape=[-1, 2, 1])
case("reshape", f(3, 4, view=[["permute", [1, 0]]]), shape=[2, 6])
case("permute", f(2, 3, 4), order=[2, 0, 1])
case("transpose", f(2, 3, 4), dim0=-1, dim1=0)
case("transpose", f(2, 3, 4))
case("t", f(2, 3))
case("expand", f(1, 3, 1), shape=[4, 3, 2])
case("pad", f(2, 3), padding=[[1, 0], [2, 1]])
case("pad", f(2, 3), padding=[[0, 1], [1, 1]], value=-1.5)
case("shrink", f(4, 5), ranges=[[1, 3], [0, 4]])
case("slice", f(5, 4), ranges=[[1, 4], 2])
case("slice", f(5, 4), ranges=[-1])
case("slice", f(6, 5), ranges=[[0, 6, 2], [-3, None]])
case("slice", f(6, 3), ranges=[[None, None, -1]])
case("slice", f(7, 3), ranges=[[5, 0, -2], None])
case("slice", f(4, 3), ranges=[[2, 2]])
case("flip", f(2, 3, 2), axis=[0, -1])
case("squeeze", f(1, 3, 1))
case("squeeze", f(1, 3, 1), dim=-1)
case("unsqueeze", f(2, 3), dim=-1)
case("unsqueeze", f(2, 3), dim=1)
case("flatten", f(2, 3, 2))
case("flatten", f(2, 3, 2), start_dim=1)
case("cat", f(2, 3), f(1, 3), f(2, 3), dim=0)
case("cat", f(2, 3), f(2, 2), dim=-1)
case("cat", i(2), i(3), dim=0)
case("cat", f(0, 2), f(3, 2), dim=0)
case("stack", f(2, 3), f(2, 3), dim=0)
case("stack", f(2, 3), f(2, 3), f(2, 3), dim=-1)
case("repeat", f(2, 3), repeats=[2, 2])
case("repeat", f(3), repeats=[2, 1])
case("contiguous", f(3, 4, view=[["permute", [1, 0]]]))
case("contiguous_backward", f(3, 4))
