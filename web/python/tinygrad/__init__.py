"""tinygrad's names over the engine of playgrad."""

from .device import Device
from .dtype import dtypes
from .engine.jit import TinyJit
from .function import function
from .helpers import Context, GlobalCounters, fetch, getenv
from .tensor import Tensor

__all__ = ["Context", "Device", "GlobalCounters", "Tensor", "TinyJit", "dtypes", "fetch", "function", "getenv"]
