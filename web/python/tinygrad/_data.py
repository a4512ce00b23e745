"""What Python holds as the bytes of a tensor."""

from __future__ import annotations

import struct
from typing import Any

from ._engine import ArgumentError, DTypeError, ShapeError
from .dtype import BY_ENGINE, DType, dtypes

# Every device has 32-bit types.
NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32", "int16": "int32", "uint16": "int32"}


def packed(data: Any, dtype: DType | None) -> tuple[bytes, DType, list[int]]:
    """Bytes, element type and shape of numbers, nested lists, bytes, files and arrays. The type is `dtype` where it
    holds the values as they are, else one to cast from."""
    if isinstance(data, (bytes, bytearray)):
        kind = dtype or dtypes.uint8
        return data, kind, [len(data) // kind.itemsize]
    if hasattr(data, "read_bytes"):
        return packed(data.read_bytes(), dtype)
    if hasattr(data, "astype"):
        name = NARROW.get(str(data.dtype), str(data.dtype))
        if dtype not in (None, dtypes.bfloat16):
            name = dtype.engine
        if str(data.dtype) not in BY_ENGINE and str(data.dtype) not in NARROW:
            raise DTypeError("Tensor", f"an array of {data.dtype}", "numbers or booleans", "cast it with .astype()")
        return data.astype(name).tobytes(), BY_ENGINE[name], list(data.shape)
    if hasattr(data, "tolist") or isinstance(data, range):
        data = data.tolist() if hasattr(data, "tolist") else list(data)
    shape, values = _flat(0.0 if data is None else data)
    kind = dtype or dtypes.from_py(values)
    if kind is dtypes.bool:
        return bytes(map(bool, values)), kind, shape
    if kind is dtypes.bfloat16:
        kind = dtypes.float32
    try:
        numbers = map(int, values) if dtypes.is_int(kind) else values
        return struct.pack(f"{len(values)}{kind.fmt}", *numbers), kind, shape
    except (struct.error, OverflowError, ValueError) as wrong:
        expected = f"values from {kind.min} to {kind.max}"
        raise ArgumentError("Tensor", f"a value {kind} cannot hold ({wrong})", expected, "give a dtype") from None


def _flat(data: Any) -> tuple[list[int], list]:
    """The shape of nested lists, and their numbers."""
    shape, level, flat = [], data, [data]
    while isinstance(level, (list, tuple)):
        shape.append(len(level))
        if not level:
            return shape, []
        flat = _deeper(flat, len(level))
        level = level[0]
    if not set(map(type, flat)) <= {int, float, bool}:
        flat = [_number(value) for value in flat]
    return shape, flat


def _deeper(rows: list, size: int) -> list:
    deeper: list = []
    for row in rows:
        if not isinstance(row, (list, tuple)) or len(row) != size:
            got = f"a list of {len(row)}" if isinstance(row, (list, tuple)) else repr(row)
            raise ShapeError("Tensor", got, f"a list of {size} as in the first row", "make all rows equally long")
        deeper += row
    return deeper


def _number(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        raise ShapeError("Tensor", f"a list of {len(value)}", "a number as in the first row", "make all rows equally deep")
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "__index__"):
        return int(value)
    if hasattr(value, "__float__"):
        return float(value)
    raise TypeError(f"Tensor: got {type(value).__name__}, expected numbers, lists of them, bytes or an array")
