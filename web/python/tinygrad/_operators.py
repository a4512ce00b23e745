"""Python's operators on tensors."""

from __future__ import annotations

from typing import Any

from ._engine import Handle, JsException, call, error, invoke, of
from ._methods import PLACES


def _binary(name: str, reverse: bool = False):
    """An operator. Handles and numbers cross without the general way."""
    place = PLACES[name]
    last = (2, 1) if reverse else ()

    def operator(self, x):
        try:
            kind = type(x)
            if kind is type(self):
                return of(call(place, self._id, 4, x._id, *last))
            if kind is float:
                return of(call(place, self._id, 8, x, *last))
            if kind is int:
                return of(call(place, self._id, 3, x, *last))
        except JsException as thrown:
            raise error(thrown) from None
        if x is None or isinstance(x, (str, dict, set, list, tuple)):
            return NotImplemented
        return of(invoke(name, place, self._id, (x, reverse) if reverse else (x,)))

    return operator


def _in_place(operator):
    """`x += y` changes the tensor that others hold too, as long as shape and dtype stay."""

    def changed(self, x):
        made = operator(self, x)
        if made is NotImplemented or made.shape != self.shape or made.dtype is not self.dtype:
            return made
        return self.assign(made)

    return changed


class Operators(Handle):
    """What `+`, `@`, `<`, `+=` and the like do. Operands broadcast as in NumPy."""

    __slots__ = ()
    # NumPy leaves operators with its arrays to us.
    __array_ufunc__ = None

    __add__ = _binary("add")
    __radd__ = _binary("add", True)
    __sub__ = _binary("sub")
    __rsub__ = _binary("sub", True)
    __mul__ = _binary("mul")
    __rmul__ = _binary("mul", True)
    __truediv__ = _binary("div")
    __rtruediv__ = _binary("div", True)
    __floordiv__ = _binary("floordiv")
    __rfloordiv__ = _binary("floordiv", True)
    __mod__ = _binary("mod")
    __rmod__ = _binary("mod", True)
    __pow__ = _binary("pow")
    __rpow__ = _binary("pow", True)
    __matmul__ = _binary("matmul")
    __rmatmul__ = _binary("matmul", True)
    __and__ = _binary("bitwise_and")
    __rand__ = _binary("bitwise_and", True)
    __or__ = _binary("bitwise_or")
    __ror__ = _binary("bitwise_or", True)
    __xor__ = _binary("bitwise_xor")
    __rxor__ = _binary("bitwise_xor", True)
    __lshift__ = _binary("lshift")
    __rlshift__ = _binary("lshift", True)
    __rshift__ = _binary("rshift")
    __rrshift__ = _binary("rshift", True)
    __lt__ = _binary("lt")
    __le__ = _binary("le")
    __gt__ = _binary("gt")
    __ge__ = _binary("ge")
    __eq__ = _binary("eq")
    __ne__ = _binary("ne")
    __hash__ = object.__hash__

    __iadd__ = _in_place(__add__)
    __isub__ = _in_place(__sub__)
    __imul__ = _in_place(__mul__)
    __itruediv__ = _in_place(__truediv__)
    __ifloordiv__ = _in_place(__floordiv__)
    __ipow__ = _in_place(__pow__)
    __imatmul__ = _in_place(__matmul__)
    __iand__ = _in_place(__and__)
    __ior__ = _in_place(__or__)
    __ixor__ = _in_place(__xor__)
    __ilshift__ = _in_place(__lshift__)
    __irshift__ = _in_place(__rshift__)

    def __neg__(self) -> Operators:
        return self.neg()

    def __pos__(self) -> Operators:
        return self

    def __abs__(self) -> Operators:
        return self.abs()

    def __invert__(self) -> Operators:
        return self.bitwise_not()

    def __round__(self, ndigits: int | None = None) -> Any:
        return self.round() if not ndigits else (self * 10**ndigits).round() / 10**ndigits
