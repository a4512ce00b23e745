"""tinygrad's names over the engine of playgrad."""

from .device import Device
from .dtype import dtypes
from .tensor import Tensor

__all__ = ["Device", "Tensor", "dtypes"]
