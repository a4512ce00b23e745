"""What a file of cases is written with: inputs, cases, and helpers for PyTorch's side.

Drawn inputs are not stored: they come from a linear congruential generator that load.rs repeats. Its state starts at
the case's seed (a checksum of its text), `state = (1664525 * state + 1013904223) mod 2**32`, and a value is
`low + (high - low) * u` with `u = (state >> 8) / 2**24` in float64, rounded to the dtype; integers are
`low + floor((high - low) * u)`. Inputs are drawn in order, element by element, then weights from [-1, 1] for each
float output. A `view` lists movements applied to an input before the operation; gradients are of what stood before.
"""

import math

import torch
import torch.nn.functional as F

nan, inf = math.nan, math.inf
CASES = []


class Draw:
    def __init__(self, seed):
        self.state = seed

    def unit(self):
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return (self.state >> 8) / 2**24

    def values(self, shape, low, high):
        return [low + (high - low) * self.unit() for _ in range(math.prod(shape))]

    def tensor(self, shape, dtype, low=None, high=None, values=None):
        torch_dtype = getattr(torch, dtype)
        if values is None:
            values = self.values(shape, low, high)
            if not torch_dtype.is_floating_point:
                values = [math.floor(v) for v in values]
        return torch.tensor(values, dtype=torch_dtype).reshape(shape)


def f(*shape, low=-2, high=2, dtype="float32", view=()):
    """Floats."""
    return {"shape": shape, "dtype": dtype, "low": low, "high": high, "view": view}


def pos(*shape, low=0.1, high=2, dtype="float32", view=()):
    """Floats above 0."""
    return f(*shape, low=low, high=high, dtype=dtype, view=view)


def i(*shape, low=-5, high=6, dtype="int32", view=()):
    """Integers from low to high - 1."""
    return f(*shape, low=low, high=high, dtype=dtype, view=view)


def b(*shape, view=()):
    """Booleans."""
    return i(*shape, low=0, high=2, dtype="bool", view=view)


def v(values, dtype="float32", view=()):
    """These values, nested as the shape is: for NaN, infinities, ties, extremes."""
    shape, flat = [], values
    level = values
    while isinstance(level, (list, tuple)):
        shape.append(len(level))
        level = level[0] if level else None
    for _ in shape[1:]:
        flat = [x for row in flat for x in row]
    return {"shape": shape, "dtype": dtype, "values": list(flat) if shape else [flat], "view": view}


def case(op, *inputs, **args):
    """A call of the method `op`: the inputs, and its other arguments by the names of the table. "$1" as a value is
    the second input; inputs that no argument names fill the tensor and operand parameters in order."""
    CASES.append({"op": op, "inputs": inputs, "args": args})


def forward(op, *inputs, **args):
    """A case without gradients: where PyTorch's are NaN or a matter of taste."""
    CASES.append({"op": op, "inputs": inputs, "args": args, "gradients": False})


def take(x, parts):
    for axis, part in enumerate(parts):
        if isinstance(part, list):
            start, stop, step = (*part, 1)[:3]
            if step < 0:
                places = range(x.shape[axis])[start:stop:step]
                x = x.index_select(axis, torch.tensor(list(places), dtype=torch.int64))
            else:
                x = x[(slice(None),) * axis + (slice(start, stop, step),)]
    for axis in reversed(range(len(parts))):
        if isinstance(parts[axis], int):
            x = x.select(axis, parts[axis])
    return x


def pad(x, pairs, value=0.0):
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=value)


MOVES = {
    "permute": lambda x, a: x.permute(a),
    "flip": lambda x, a: x.flip(a),
    "expand": lambda x, a: x.expand(a),
    "reshape": lambda x, a: x.reshape(a),
    "slice": take,
    "pad": pad,
}


def over(method):
    """A reduction over one axis, several, or all."""

    def run(x, axis=None, keepdim=False, **rest):
        return method(x, list(range(x.ndim)) if axis is None else axis, keepdim, **rest)

    return run


def chained(method):
    """For PyTorch's one-axis reductions: one axis after another, from the last."""

    def run(x, axis=None, keepdim=False, **rest):
        dims = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        for dim in sorted((d % x.ndim for d in dims), reverse=True):
            x = method(x, dim, keepdim, **rest)
        return x

    return run
