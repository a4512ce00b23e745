"""What `.numpy()` gives where NumPy is not there: an array that prints, indexes, compares and computes like it."""

import re
from typing import Any, Iterator

from ._engine import ask, wait


class Array:
    """Values over a tensor that nothing else changes. Results of one value are arrays of shape `()`, which count as
    the number."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Any):
        self.tensor = tensor.realize()

    def _engine_value(self) -> Any:
        return self.tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    @property
    def dtype(self) -> str:
        return self.tensor.dtype.engine

    @property
    def ndim(self) -> int:
        return self.tensor.ndim

    @property
    def size(self) -> int:
        return self.tensor.numel()

    @property
    def nbytes(self) -> int:
        return self.tensor.nbytes()

    @property
    def T(self) -> "Array":
        return Array(self.tensor.T)

    def item(self, *index: int) -> Any:
        return self.tensor[index].item() if index else self.tensor.item()

    def tolist(self) -> Any:
        return self.tensor.tolist()

    def tobytes(self) -> bytes:
        return self.tensor.data().tobytes()

    def astype(self, dtype: Any) -> "Array":
        return Array(self.tensor.cast(dtype.__name__ if isinstance(dtype, type) else str(dtype)))

    def copy(self) -> "Array":
        return Array(self.tensor.clone())

    def transpose(self, *axes: Any) -> "Array":
        return Array(self.tensor.permute(*axes)) if axes else self.T

    def squeeze(self, axis: int | None = None) -> "Array":
        return Array(self.tensor.squeeze(axis))

    def ravel(self) -> "Array":
        return Array(self.tensor.flatten())

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> "Array":
        return Array(self.tensor.var(axis, keepdims, ddof))

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> "Array":
        return Array(self.tensor.std(axis, keepdims, ddof))

    def round(self, decimals: int = 0) -> "Array":
        return Array(round(self.tensor, decimals))

    def __str__(self) -> str:
        return wait(ask("toText", self.tensor._id))

    def __repr__(self) -> str:
        if self.ndim == 0:
            return str(self)
        text = _with_commas(str(self)).replace("\n", "\n" + " " * len("array("))
        usual = self.dtype in ("float64", "int64", "bool")
        return f"array({text})" if usual else f"array({text}, dtype={self.dtype})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else format(str(self), spec)

    def __len__(self) -> int:
        return len(self.tensor)

    def __iter__(self) -> Iterator["Array"]:
        return (Array(row) for row in self.tensor)

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __getitem__(self, index: Any) -> "Array":
        return Array(self.tensor[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tensor[index] = value

    def __bool__(self) -> bool:
        return bool(self.tensor)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return self.tensor.__index__()

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self.item(), ndigits) if self.ndim == 0 else self.round(ndigits or 0)

    def __hash__(self) -> int:
        return hash(self.item())


def _with_commas(text: str) -> str:
    """Printed rows with commas, which stand after the spaces that make fractions equally long."""
    digits = max(map(len, re.findall(r"\.(\d+)", text)), default=0)

    def parted(match: re.Match) -> str:
        element, space = match.groups()
        whole, point, fraction = element.partition(".")
        padding = digits - len(fraction) if point and (fraction or "0").isdigit() else 0
        return element + space[:padding] + "," + space[padding:]

    text = re.sub(r"([^\s\[\]]+)(\s+)(?=[^\s\[\]])", parted, text)
    return re.sub(r"\](?=\s+\[)", "],", text)


def _same(name: str):
    """What the tensor's own method does."""

    def method(self, *args, **options):
        made = getattr(self.tensor, name)(*args, **options)
        return made if made is NotImplemented else Array(made)

    method.__name__ = method.__qualname__ = name
    return method


def _reduction(name: str):
    """What the tensor's own method does, with NumPy's `keepdims`."""

    def method(self, axis=None, keepdims=False):
        return Array(getattr(self.tensor, name)(axis=axis, keepdim=keepdims))

    method.__name__ = method.__qualname__ = name
    return method


OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor".split()
OPERATORS = [f"__{side}{name}__" for name in OPERATORS for side in ("", "r")]
OPERATORS += [f"__{name}__" for name in "eq ne lt le gt ge neg abs invert".split()]
for name in (*OPERATORS, "reshape", "flatten", "clip", "cumsum", "argsort", "dot", "repeat"):
    setattr(Array, name, _same(name))
for name in "sum mean max min prod any all argmax argmin".split():
    setattr(Array, name, _reduction(name))
