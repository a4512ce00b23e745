"""Settings of the engine for a time: training, and recording no gradients."""

from contextlib import ContextDecorator

from ._engine import ask


class Mode(ContextDecorator):
    """A setting of the engine for the time of a block or of a function."""

    def __init__(self, set_to, value: bool):
        self._set, self._value, self._before = set_to, value, []

    def __enter__(self) -> None:
        self._before.append(self._set(self._value))

    def __exit__(self, *_) -> None:
        self._set(self._before.pop())

    def __bool__(self) -> bool:
        """Whether it is so now."""
        now = self._set(True)
        self._set(now)
        return now

    def __call__(self, function=None):
        return self if function is None else super().__call__(function)


def set_training(on: bool) -> bool:
    before = ask("training")
    ask("setTraining", bool(on))
    return before


def set_no_grad(on: bool) -> bool:
    return not ask("setGradEnabled", not on)


class TensorClass(type):
    """What the class itself knows: `Tensor.training`, `Tensor.no_grad`."""

    @property
    def training(cls) -> bool:
        """Whether dropout drops and batch norm learns its statistics."""
        return ask("training")

    @training.setter
    def training(cls, on: bool) -> None:
        ask("setTraining", bool(on))

    @property
    def no_grad(cls) -> Mode:
        """`with Tensor.no_grad():` records no gradients; `@Tensor.no_grad()` does so for a function."""
        return Mode(set_no_grad, True)

    @no_grad.setter
    def no_grad(cls, on: bool) -> None:
        set_no_grad(bool(on))
