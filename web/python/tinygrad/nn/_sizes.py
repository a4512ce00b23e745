"""Sizes of layers."""

from .._engine import ArgumentError


def whole(op, *sizes):
    """The sizes as numbers of Python, if all are whole and at least 1."""
    for size in sizes:
        if isinstance(size, bool) or not hasattr(size, "__index__") or size.__index__() < 1:
            raise ArgumentError(op, f"a size of {size!r}", "whole numbers from 1", "check the layer's sizes")
    return [size.__index__() for size in sizes]


def times(value, count):
    """A number `count` times, or the numbers given."""
    return (value,) * count if hasattr(value, "__index__") else tuple(value)
