"""Tensors: a thin face over the engine's."""

from __future__ import annotations

import sys
from typing import Any, Iterator

from . import _engine
from ._array import Array
from ._data import packed
from ._engine import ArgumentError, DeviceError, ShapeError, ask, describe, invoke, of, wait
from ._index import masked, parts
from ._methods import PLACES, install, spread
from ._modes import Mode, TensorClass, set_no_grad, set_training
from ._operators import Operators
from .device import Device, engine_name
from .dtype import BY_ENGINE, DType, dtypes, to_dtype


def _created(made: Tensor, dtype, device, requires_grad, held: bool) -> Tensor:
    if dtype is not None and made.dtype is not to_dtype(dtype):
        made = made.cast(dtype)
    if device is not None:
        made = made.to(device)
    if requires_grad is not None:
        made.requires_grad = requires_grad
    elif not held:
        made._constant = True
    elif dtypes.is_float(made.dtype):
        # Only what holds data gets a gradient.
        made.realize()
    return made


class Tensor(Operators, metaclass=TensorClass):
    """
    An array of numbers on a device, and how it came about. Methods build a graph and return at once; reading
    (`numpy`, `item`, `tolist`, `print`) computes.

    Whole numbers give `int32`, others `float32`, truth values `bool`.

    >>> Tensor([[1, 2], [3, 4]]) @ Tensor([1, 1])
    """

    __slots__ = ()

    def __init__(self, data: Any, device: str | None = None, dtype: Any = None, requires_grad: bool | None = None):
        dtype = None if dtype is None else to_dtype(dtype)
        if isinstance(data, (Tensor, Array)):
            given = data.tensor if isinstance(data, Array) else data
            made = given.reshape(given.shape)
        else:
            content, kind, shape = packed(data, dtype)
            made = of(ask("fromBytes", content, kind.engine, shape, None))
        if dtype is not None and made.dtype is not dtype:
            made = made.cast(dtype)
        if device is not None and engine_name(device) not in ("auto", Device.DEFAULT.lower()):
            made = made.to(device)
        self._id = made._id
        del made._id
        if requires_grad is not None:
            self.requires_grad = requires_grad

    _of = staticmethod(of)

    # What it is.

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes per axis, outermost first; `()` for a single number."""
        try:
            return self._shape
        except AttributeError:
            self._describe()
            return self._shape

    @property
    def dtype(self) -> DType:
        """Element type."""
        try:
            return self._dtype
        except AttributeError:
            self._describe()
            return self._dtype

    def _describe(self) -> None:
        name, self._shape = describe(self._id)
        self._dtype = BY_ENGINE[name]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def device(self) -> str:
        """Name of the device that holds the value, or that will compute it."""
        return ask("tensorDevice", self._id).upper()

    def numel(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    def size(self, dim: int | None = None):
        """The shape, or the size of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def element_size(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.numel() * self.element_size()

    def is_floating_point(self) -> bool:
        """Whether the element type is a float."""
        return dtypes.is_float(self.dtype)

    @property
    def T(self) -> Tensor:
        """All axes in reverse order; the transpose of a matrix."""
        return self.permute(tuple(range(self.ndim))[::-1])

    # Gradients.

    @property
    def requires_grad(self) -> bool:
        """Whether `backward()` fills `grad` even where others ask for theirs."""
        return ask("requiresGrad", self._id)

    @requires_grad.setter
    def requires_grad(self, on: bool | None) -> None:
        if on is not None:
            ask("setRequiresGrad", self._id, bool(on))

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Sets `requires_grad` and returns this."""
        self.requires_grad = requires_grad
        return self

    def is_param_(self, is_param: bool = True) -> Tensor:
        """tinygrad's newer name of `requires_grad_`."""
        return self.requires_grad_(is_param)

    @property
    def grad(self) -> Tensor | None:
        """The gradient `backward()` left; `None` before it. Gradients add up until `zero_grad()`."""
        handle = ask("grad", self._id)
        return of(handle) if handle else None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        ask("setGrad", self._id, 0 if value is None else value._id)

    def backward(self, gradient: Tensor | None = None, retain_graph: bool = True) -> Tensor:
        """Adds the gradient of this scalar to `grad` of every tensor below that requires one, or of all float
        tensors of data where none does. With `gradient`, of this shape, the gradient of the sum of
        `gradient * self`. The graph always stays."""
        ask("backward", self._id, 0 if gradient is None else gradient._id)
        return self

    @staticmethod
    def manual_seed(seed: int = 0) -> None:
        """Random numbers start again from this seed."""
        ask("manualSeed", seed)

    @staticmethod
    def train(mode: bool = True) -> Mode:
        """`with Tensor.train():` sets `Tensor.training`; also before a function."""
        return Mode(set_training, mode)

    @staticmethod
    def test(mode: bool = True) -> Mode:
        """The opposite of `train`."""
        return Mode(set_training, not mode)

    @staticmethod
    def inference_mode(mode: bool = True) -> Mode:
        """The name of `no_grad` in older programs."""
        return Mode(set_no_grad, mode)

    # Where its value is.

    def realize(self, *lst: Tensor, do_update_stats: bool = True) -> Tensor:
        """Queues the work for these tensors now; waits for nothing."""
        ask("realize", [self._id, *(other._id for other in lst)])
        return self

    def assign(self, x: Any) -> Tensor:
        """Makes this tensor hold another value of its shape and type."""
        value = x if isinstance(x, Tensor) else Tensor(x, dtype=self.dtype)
        if value.shape != self.shape:
            value = value.expand(self.shape)
        ask("assign", self._id, value._id)
        return self

    def replace(self, x: Tensor) -> Tensor:
        """Makes this tensor another one, of any shape and type."""
        of(self._id)
        self._id = ask("alias", x._id)
        self._describe()
        return self

    def to(self, device: str | None) -> Tensor:
        """A copy on another device; this where it is there already."""
        if device is None or engine_name(device) in ("auto", self.device.lower()):
            return self
        kept = self._kept()
        return of(wait(ask("to", kept._id, engine_name(device))))

    def to_(self, device: str | None) -> Tensor:
        """Moves this tensor to another device."""
        return self.replace(self.to(device))

    def clone(self, device: str | None = None) -> Tensor:
        """A copy with a value of its own."""
        made = self.contiguous().to(device)
        return made.realize() if hasattr(self, "_constant") else made

    __copy__ = clone

    def __deepcopy__(self, memo: dict) -> Tensor:
        copy = self.detach().clone()
        return copy.requires_grad_() if self.requires_grad else copy

    def __reduce__(self):
        raise TypeError("a tensor cannot be pickled; save it with nn.state.safe_save")

    # Reading.

    def _kept(self) -> Tensor:
        """Another handle on the value: a handle that is read forgets where its value came from."""
        return self.reshape(self.shape) if dtypes.is_float(self.dtype) else self

    def _read(self) -> memoryview:
        """The values in order; 16-bit floats as `float32`."""
        if self.dtype in (dtypes.float16, dtypes.bfloat16):
            return self.float()._read()
        if self.numel() == 0:
            return memoryview(b"").cast(self.dtype.fmt)
        kept = self._kept()
        return wait(ask("read", kept._id)).cast("B").cast(self.dtype.fmt)

    def data(self) -> memoryview:
        """The value as a memory view of this shape; 16-bit floats as `float32`."""
        values = self._read()
        return values.cast("B").cast(values.format, self.shape) if self.numel() else values

    def item(self) -> Any:
        """The only element, as a number."""
        if self.numel() != 1:
            fix = "reduce first: t.sum() or t.mean(), or read all with tolist()"
            raise ShapeError("item", f"a tensor of shape {self.shape}", "one element", fix)
        return self._read()[0]

    def tolist(self) -> Any:
        """The value as nested lists; a number for shape `()`."""
        return self.data().tolist() if self.numel() else _empty(self.shape)

    def numpy(self) -> Any:
        """The value as an array of NumPy, or of a small class like it where NumPy is not there."""
        numpy = _numpy()
        if numpy is None:
            return Array(self._kept().realize().detach())
        dtype = "float32" if self.dtype is dtypes.bfloat16 else self.dtype.engine
        values = self._read()
        return numpy.frombuffer(bytearray(values), values.format).reshape(self.shape).astype(dtype)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __repr__(self) -> str:
        """What it is, and its value where it is small."""
        told = f"<Tensor {self.shape} {self.dtype.engine} on {self.device}"
        if self.numel() > 1000:
            return told + ">"
        kept = self._kept()
        try:
            text = wait(ask("toText", kept._id))
        except DeviceError:
            return told + ">"
        return f"{told}{chr(10) if chr(10) in text else ' '}{text}>"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a tensor of shape ()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a tensor of shape ()")
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        if self.numel() != 1:
            fix = "use .any() or .all()"
            raise ArgumentError("bool", f"a tensor of shape {self.shape}", "one element", fix)
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if dtypes.is_float(self.dtype):
            raise TypeError(f"a tensor of {self.dtype} is no index; use .int()")
        return int(self.item())

    # Indexing.

    def __getitem__(self, index: Any) -> Tensor:
        given = parts(index)
        if masked(given):
            return of(invoke("[]", PLACES["at_masked"], self._id, given, waits=True))
        return of(invoke("[]", PLACES["at"], self._id, given))

    def __setitem__(self, index: Any, value: Any) -> None:
        value = Tensor(value) if isinstance(value, (list, tuple)) else value
        of(invoke("[]", PLACES["set_at"], self._id, (parts(index), value)))

    # Calling.

    def sequential(self, ll: list) -> Tensor:
        """Applies the functions of a list one after the other."""
        x = self
        for function in ll:
            x = function(x)
        return x

    def short(self) -> Tensor:
        """There is no 16-bit integer here: a `DTypeError` says so."""
        return self.cast("int16")

    def leakyrelu(self, neg_slope: float = 0.01) -> Tensor:
        """The name of `leaky_relu` in older programs."""
        return self.leaky_relu(neg_slope)

    def logsoftmax(self, axis: int = -1) -> Tensor:
        """The name of `log_softmax` in older programs."""
        return self.log_softmax(axis)

    def normalize(self, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
        """Divided along `dim` by the p-norm, or by `eps` where that is larger."""
        norm = self.abs().max(dim, True) if p == float("inf") else (self.abs() ** p).sum(dim, True) ** (1 / p)
        return self / norm.maximum(eps)

    def pad_to(self, shape: Any, *args: Any, value: Any = 0) -> Tensor:
        """Padded at the ends to this shape; None keeps an axis."""
        grown = zip(self.shape, spread(shape, args), strict=True)
        return self.pad([None if to is None else (0, to - n) for n, to in grown], value=value)

    def shrink_to(self, shape: Any, *args: Any) -> Tensor:
        """The start of each axis, to this shape; None keeps an axis."""
        return self.shrink([None if to is None else (0, to) for to in spread(shape, args)])

    def empty_like(self, dtype: Any = None, device: str | None = None) -> Tensor:
        """Zeros in this tensor's shape, and dtype unless told."""
        return self.zeros_like(dtype, device)

    def const_like(self, b: Any, dtype: Any = None) -> Tensor:
        """One value in this tensor's shape, and dtype unless told."""
        return self.full_like(b, dtype)

    @staticmethod
    def from_url(url: str, gunzip: bool = False, **kwargs) -> Tensor:
        """The bytes at an address, as `uint8`."""
        from .helpers import fetch

        return Tensor(fetch(url, gunzip=gunzip).read_bytes(), **kwargs)

def _numpy() -> Any:
    """NumPy, if it is there. Looking for it takes long, so once is enough until a program finds it."""
    global _looked
    if "numpy" not in sys.modules and not _looked:
        _looked = True
        try:
            import numpy  # noqa: F401
        except ImportError:
            pass
    return sys.modules.get("numpy")


_looked = False


def _empty(shape) -> Any:
    return [_empty(shape[1:]) for _ in range(shape[0])] if shape else []


_engine.tensor_class = Tensor
install(Tensor, {"created": _created, "parts": parts})
