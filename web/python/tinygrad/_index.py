"""Indices as the engine writes them."""

from __future__ import annotations

from typing import Any

from . import _engine
from ._array import Array
from ._engine import Handle
from .dtype import dtypes


def masked(parts: list) -> bool:
    """Whether the number of elements depends on values."""
    return any(isinstance(part, Handle) and part.dtype is dtypes.bool for part in parts)


def parts(index: Any) -> list:
    """The parts of `x[index]`."""
    return [_part(part) for part in (index if isinstance(index, tuple) else (index,))]


def _part(part: Any) -> Any:
    if isinstance(part, slice):
        return [_end(part.start), _end(part.stop), _end(part.step)]
    if part is Ellipsis:
        return "..."
    if isinstance(part, (list, tuple)):
        whole = all(type(item) is int for item in part)
        return [list(part)] if whole else _engine.tensor_class(part)
    return _engine.tensor_class(part) if isinstance(part, Array) or hasattr(part, "tobytes") else part


def _end(value: Any) -> int | None:
    return None if value is None else value.__index__()
