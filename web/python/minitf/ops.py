"""The operations: what each does with tensors, once its graph runs."""

from typing import NamedTuple

from pyodide.ffi import create_proxy, to_js
from tinygrad import Tensor
from tinygrad._engine import ask
from tinygrad._errors import ArgumentError

from .graph import Node

_OPERATIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "matmul": lambda a, b: a @ b,
    "negative": lambda x: -x,
    "square": lambda x: x * x,
    "log": lambda x: x.log(),
    "relu": lambda x: x.relu(),
    "sigmoid": lambda x: x.sigmoid(),
    "softmax": lambda x: x.softmax(-1),
    "reduce_sum": lambda x, axis: x.sum(axis),
    "reduce_mean": lambda x, axis: x.mean(axis),
}
_proxies = {}


def add(a, b, label=""):
    """a + b; shapes broadcast."""
    return Node("add", (a, b), label)


def subtract(a, b, label=""):
    """a - b; shapes broadcast."""
    return Node("subtract", (a, b), label)


def multiply(a, b, label=""):
    """a · b, element by element; shapes broadcast."""
    return Node("multiply", (a, b), label)


def divide(a, b, label=""):
    """a / b; shapes broadcast."""
    return Node("divide", (a, b), label)


def matmul(a, b, label=""):
    """The matrix product: (n, k) and (k, m) give (n, m)."""
    return Node("matmul", (a, b), label)


def negative(x, label=""):
    """-x"""
    return Node("negative", (x,), label)


def square(x, label=""):
    """x²"""
    return Node("square", (x,), label)


def log(x, label=""):
    """The natural logarithm."""
    return Node("log", (x,), label)


def relu(x, label=""):
    """0 where negative."""
    return Node("relu", (x,), label)


def sigmoid(x, label=""):
    """1 / (1 + e^-x)"""
    return Node("sigmoid", (x,), label)


def softmax(x, label=""):
    """e^x over its sum, along the last axis."""
    return Node("softmax", (x,), label)


def reduce_sum(x, axis=None, label=""):
    """The sum of all elements, or along an axis."""
    return Node("reduce_sum", (x,), label, axis=axis)


def reduce_mean(x, axis=None, label=""):
    """The mean of all elements, or along an axis."""
    return Node("reduce_mean", (x,), label, axis=axis)


class Applied(NamedTuple):
    """An operation as its gradient sees it."""

    inputs: list[Tensor]
    output: Tensor


class RegisterGradient:
    """Decorates a function that becomes the gradient of an operation, in place of the engine's.

    It takes the operation, with `inputs` and `output`, and the gradient of the output; it gives the gradient of each
    input, of its shape.
    """

    def __init__(self, name):
        if name not in _OPERATIONS:
            known = f"one of {', '.join(_OPERATIONS)}"
            raise ArgumentError("RegisterGradient", f'"{name}"', known, "check the spelling")
        self._name = name

    def __call__(self, rule):
        name = self._name

        def backward(gradient, output, inputs):
            sources = [Tensor._of(handle) for handle in inputs.to_py()]
            given = rule(Applied(sources, Tensor._of(output)), Tensor._of(gradient))
            gradients = [given] if isinstance(given, Tensor) else list(given)
            if len(gradients) != len(sources):
                got = f"{len(gradients)} gradients for {len(sources)} inputs"
                raise ArgumentError(f"gradient of {name}", got, "one for each input", "return them in a list")
            return to_js([one._id for one in gradients])

        if name in _proxies:
            _proxies[name].destroy()
        _proxies[name] = create_proxy(backward)
        return rule


def compute(node, inputs):
    """The tensor that a node computes from its inputs' tensors."""
    output = _OPERATIONS[node.op](*inputs, **node.options)
    if node.op not in _proxies:
        return output
    return Tensor._of(ask("customGrad", output._id, [source._id for source in inputs], _proxies[node.op]))
