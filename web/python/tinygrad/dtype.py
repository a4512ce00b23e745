"""Element types."""

from typing import Any


class DType:
    """An element type: `name`, `itemsize` in bytes, `fmt` of `struct`. Compares by how types are promoted."""

    def __init__(self, priority: int, itemsize: int, name: str, fmt: str | None, engine: str, short: str):
        self.priority, self.itemsize, self.name, self.fmt = priority, itemsize, name, fmt
        self.engine, self.short = engine, short
        self.bitsize = 1 if engine == "bool" else 8 * itemsize

    def _engine_value(self) -> str:
        return self.engine

    def __repr__(self) -> str:
        return f"dtypes.{self.short}"

    def __lt__(self, other: "DType") -> bool:
        return (self.priority, self.itemsize) < (other.priority, other.itemsize)

    @property
    def min(self):
        if dtypes.is_int(self):
            return 0 if dtypes.is_unsigned(self) else -(2 ** (self.bitsize - 1))
        return -float("inf") if dtypes.is_float(self) else False

    @property
    def max(self):
        if dtypes.is_int(self):
            return 2**self.bitsize - 1 + self.min
        return float("inf") if dtypes.is_float(self) else True


class DTypes:
    """The element types there are, by tinygrad's names. `float64` and `int64` exist on the CPU only."""

    bool = DType(0, 1, "bool", "?", "bool", "bool")
    int8 = char = DType(1, 1, "signed char", "b", "int8", "char")
    uint8 = uchar = DType(2, 1, "unsigned char", "B", "uint8", "uchar")
    int32 = int = DType(5, 4, "int", "i", "int32", "int")
    uint32 = uint = DType(6, 4, "unsigned int", "I", "uint32", "uint")
    int64 = long = DType(7, 8, "long", "q", "int64", "long")
    float16 = half = DType(12, 2, "half", "e", "float16", "half")
    bfloat16 = DType(13, 2, "__bf16", None, "bfloat16", "bfloat16")
    float32 = float = DType(14, 4, "float", "f", "float32", "float")
    float64 = double = DType(15, 8, "double", "d", "float64", "double")
    default_float, default_int = float32, int32
    floats = (float16, bfloat16, float32, float64)
    uints = (uint8, uint32)
    sints = (int8, int32, int64)
    ints = uints + sints
    all = floats + ints + (bool,)

    def is_float(self, x: DType):
        return x in self.floats

    def is_int(self, x: DType):
        return x in self.ints

    def is_unsigned(self, x: DType):
        return x in self.uints

    def is_bool(self, x: DType):
        return x is self.bool

    def from_py(self, x: Any) -> DType:
        """The type of Python's value, or of the widest in a list."""
        if isinstance(x, (list, tuple)):
            samples = {type(item): item for item in x}
            items = x if samples.keys() & {list, tuple} else samples.values()
            return max((self.from_py(item) for item in items), default=self.default_float)
        if isinstance(x, bool):
            return self.bool
        return self.default_int if isinstance(x, int) else self.default_float

    def __getattr__(self, name: str):
        known = ", ".join(BY_NAME)
        raise AttributeError(f"dtypes.{name} is not an element type of this engine; there are {known}")


dtypes = DTypes()
BY_NAME = {name: value for name, value in vars(DTypes).items() if isinstance(value, DType)}
BY_ENGINE = {dtype.engine: dtype for dtype in dtypes.all}


def to_dtype(dtype: Any) -> DType:
    """The type of that name, or of Python's `float`, `int` and `bool`."""
    if isinstance(dtype, DType):
        return dtype
    name = getattr(dtype, "__name__", str(dtype)).removeprefix("dtypes.").lower()
    if name not in BY_NAME:
        from ._engine import DTypeError

        raise DTypeError("dtype", repr(dtype), ", ".join(BY_NAME), "name one of these")
    return BY_NAME[name]
