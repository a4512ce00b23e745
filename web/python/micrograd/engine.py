"""A scalar, and reverse-mode differentiation over the graph of what it was computed from."""

import functools
import math
from numbers import Real


def _between_values(operator):
    """Lets the other side of an operator be a number."""

    @functools.wraps(operator)
    def taking(self, other):
        if isinstance(other, Value):
            return operator(self, other)
        return operator(self, Value(other)) if isinstance(other, Real) else NotImplemented

    return taking


class Value:
    """A number with a gradient.

    Takes part in `+ - * / **`, `relu`, `tanh`, `exp` with other values and with numbers. After `y.backward()`,
    `x.grad` is dy/dx for every `x` that `y` was computed from.
    """

    __slots__ = ("data", "grad", "label", "_op", "_inputs")

    def __init__(self, data, _inputs=(), _op="", label=""):
        self.data = data
        self.grad = 0
        self.label = label
        self._op = _op
        self._inputs = _inputs

    @property
    def op(self):
        """What it was computed by; empty where it was given."""
        return self._op

    @property
    def inputs(self):
        """The values this one was computed from, in order."""
        return [value for value, _ in self._inputs]

    @property
    def slopes(self):
        """How much it moves when each input moves a little."""
        return [slope for _, slope in self._inputs]

    @property
    def _prev(self):
        """The values this one was computed from."""
        return {value for value, _ in self._inputs}

    @_between_values
    def __add__(self, other):
        return Value(self.data + other.data, ((self, 1), (other, 1)), "+")

    @_between_values
    def __mul__(self, other):
        return Value(self.data * other.data, ((self, other.data), (other, self.data)), "*")

    def __pow__(self, power):
        """`power` is a number."""
        if not isinstance(power, Real):
            return NotImplemented
        infinite = self.data == 0 and 0 < power < 1
        slope = math.inf if infinite else power and power * self.data ** (power - 1)
        return Value(self.data**power, ((self, slope),), f"**{power}")

    def relu(self):
        """0 where negative."""
        return Value(max(self.data, 0), ((self, int(self.data > 0)),), "ReLU")

    def tanh(self):
        """The hyperbolic tangent."""
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t * t),), "tanh")

    def exp(self):
        """e to this power."""
        e = math.exp(self.data)
        return Value(e, ((self, e),), "exp")

    def backward(self):
        """Adds to `grad` of every value below this one the derivative of this one by it."""
        self.grad = 1
        for value in reversed(self._order()):
            for source, slope in value._inputs:
                source.grad += slope * value.grad

    def _order(self):
        """All values below this one, each behind what it was computed from."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, complete = stack.pop()
            if complete:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack.extend((source, False) for source, _ in value._inputs)
        return order

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__ = __add__
    __rmul__ = __mul__

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"


def weighted(w, x, b):
    """`w · x + b` in one node: the weights' slopes are the inputs, the inputs' slopes the weights."""
    total, inputs = b.data, [(b, 1)]
    for weight, by in zip(w, x):
        if isinstance(by, Value):
            total += weight.data * by.data
            inputs += ((weight, by.data), (by, weight.data))
        else:
            total += weight.data * by
            inputs.append((weight, by))
    return Value(total, inputs, "w·x+b")
