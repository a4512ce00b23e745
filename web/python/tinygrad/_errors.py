"""Errors of the engine as exceptions of Python."""

import re

from pyodide.ffi import JsException


class EngineError(Exception):
    """What went wrong, for people and for programs: what was called, given and expected, and what to change."""

    def __init__(self, op: str, got: str, expected: str, fix: str = ""):
        super().__init__(f"{op}: got {got}, expected {expected}" + (f". Fix: {fix}" if fix else ""))
        self.op, self.got, self.expected, self.fix = op, got, expected, fix


class ShapeError(EngineError, ValueError):
    """Shapes that do not fit the method."""


class DTypeError(EngineError, TypeError):
    """An element type that the method or the device does not take."""


class ArgumentError(EngineError, ValueError, TypeError):
    """Any other argument the method cannot use, of the wrong type or value."""


class DeviceError(EngineError, RuntimeError):
    """A device that is missing, lost or out of memory; a browser that cannot wait."""


class DataError(EngineError, ValueError):
    """A file or download that is damaged, incomplete or of another format."""


class KernelError(EngineError, ValueError):
    """A kernel of the program's that does not compile."""

    # Its text, and where in it, from 1 on, if the compiler says.
    text: str | None = None
    line: int | None = None
    column: int | None = None


KINDS = {kind.__name__: kind for kind in (ShapeError, DTypeError, ArgumentError, DeviceError, DataError, KernelError)}
WORDS = {"true": "True", "false": "False", "null": "None", "tensor(": "Tensor(", "await ": ""}


def snake(name: str) -> str:
    """`maxPool2d` as Python spells it; names of classes stay."""
    return name if name[:1].isupper() else re.sub(r"(?<=[a-z\d])[A-Z]", lambda m: "_" + m[0].lower(), name)


def _spoken(text: str) -> str:
    text = re.sub(r"\b(true|false|null)\b|\btensor\(|\bawait ", lambda m: WORDS[m[0]], text)
    return re.sub(r"\b[a-z\d]+(?:[A-Z][a-z\d]+)+(?=\()", lambda m: snake(m[0]), text)


def error(exception: JsException) -> Exception:
    """The Python exception of one that the engine threw."""
    js = exception.js_error
    kind = KINDS.get(js.name)
    if kind:
        if kind is KernelError:
            made = kind(snake(js.op), js.got, js.expected, js.fix)
            made.text, made.line, made.column = js.text, js.line, js.column
            return made
        return kind(snake(js.op), _spoken(js.got), _spoken(js.expected), _spoken(js.fix))
    if "BigInt" in js.message:
        return ArgumentError("tensor", "a number beyond 9e15", "a smaller whole number", "write it as a float")
    return RuntimeError(js.message)
