"""What crosses to the engine and back: handles, calls, waiting, errors."""

import re
from asyncio import Future
from typing import Any

import _playgrad
from _playgrad import call, later, result
from pyodide.ffi import JsException, JsPromise, JsProxy, run_sync, to_js

LEFT_OUT, NONE, BOOL, INT, TENSOR, TEXT, LIST, NAMED, FLOAT = range(9)
MOST = 9_000_000_000_000_000


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


KINDS = {kind.__name__: kind for kind in (ShapeError, DTypeError, ArgumentError, DeviceError, DataError)}
WORDS = {"true": "True", "false": "False", "null": "None", "tensor(": "Tensor("}


def snake(name: str) -> str:
    """`maxPool2d` as Python spells it; names of classes stay."""
    return name if name[:1].isupper() else re.sub(r"(?<=[a-z\d])[A-Z]", lambda m: "_" + m[0].lower(), name)


def _spoken(text: str) -> str:
    text = re.sub(r"\b(true|false|null)\b|\btensor\(", lambda m: WORDS[m[0]], text)
    return re.sub(r"\b[a-z\d]+(?:[A-Z][a-z\d]+)+(?=\()", lambda m: snake(m[0]), text)


def error(exception: JsException) -> Exception:
    """The Python exception of one that the engine threw."""
    js = exception.js_error
    kind = KINDS.get(js.name)
    if kind:
        return kind(snake(js.op), _spoken(js.got), _spoken(js.expected), _spoken(js.fix))
    if "BigInt" in js.message:
        return ArgumentError("tensor", "a whole number beyond 9e15", "a smaller one", "write it as a float")
    return RuntimeError(js.message)


_dead: list[int] = []


def release(handle: int) -> None:
    """Gives a handle back, together with others."""
    _dead.append(handle)
    if len(_dead) >= 64:
        flush()


def flush() -> None:
    """Gives back now what was released."""
    if _dead:
        _playgrad.release(*_dead)
        _dead.clear()


class Handle:
    """The number the engine knows a tensor by, for as long as this lives."""

    __slots__ = ("_id", "_shape", "_dtype", "__weakref__")

    def __del__(self):
        try:
            release(self._id)
        except AttributeError:
            pass


def encode(out: list, value: Any, held: list) -> None:
    """Appends a value with its tag. What it makes for that is kept in `held`."""
    kind = type(value)
    if value is None:
        out.append(NONE)
    elif kind is int:
        if not -MOST < value < MOST:
            raise ArgumentError("tensor", f"the number {value}", "one within ±9e15", "write it as a float")
        out += INT, value
    elif kind is float:
        out += FLOAT, value
    elif isinstance(value, Handle):
        out += TENSOR, value._id
    elif kind is bool:
        out += BOOL, int(value)
    elif kind is str:
        units = value.encode("utf-16-le")
        out += TEXT, len(units) // 2
        out += memoryview(units).cast("H")
    elif isinstance(value, (list, tuple)):
        out += LIST, len(value)
        for item in value:
            encode(out, item, held)
    else:
        encode(out, _adapted(value, held), held)


def _adapted(value: Any, held: list) -> Any:
    """A value of another library as a plain one."""
    if hasattr(value, "_engine_value"):
        value = value._engine_value()
    elif getattr(value, "ndim", 0) and hasattr(value, "tobytes"):
        value = tensor_class(value)
    elif hasattr(value, "__index__"):
        value = int(value)
    elif hasattr(value, "__float__"):
        value = float(value)
    elif isinstance(value, range):
        value = list(value)
    else:
        raise TypeError(f"got {type(value).__name__}, expected tensors, numbers, text or lists of them")
    held.append(value)
    return value


tensor_class: Any = None


def describe(handle: int) -> tuple[str, tuple[int, ...]]:
    """Element type and shape of a tensor."""
    try:
        dtype, *shape = _playgrad.describe(handle).split()
    except JsException as thrown:
        raise error(thrown) from None
    return dtype, tuple(map(int, shape))


def numbers(values, defaults=()) -> tuple[list, list]:
    """The values with their tags, without those at the end that are the defaults; and what to keep meanwhile."""
    count = len(values)
    while 0 < count <= len(defaults) and values[count - 1] is defaults[count - 1]:
        count -= 1
    out: list = []
    held: list = []
    for value in values[:count]:
        encode(out, value, held)
    return out, held


def invoke(name: str, place: int, handle: int, values, defaults=()) -> Any:
    """Calls a method of the table: a handle above 0, or another value with tensors as `Made`."""
    try:
        out, held = numbers(values, defaults)
        return call(place, handle, *out) or _value(result())
    except JsException as thrown:
        raise error(thrown) from None
    except TypeError as wrong:
        if isinstance(wrong, EngineError):
            raise
        raise TypeError(f"Tensor.{name}: {wrong}") from None


def invoke_later(name: str, place: int, handle: int, values, defaults=()) -> Any:
    """Calls a method that waits for values."""
    try:
        out, held = numbers(values, defaults)
        return wait(later(place, handle, *out))
    except JsException as thrown:
        raise error(thrown) from None
    except TypeError as wrong:
        if isinstance(wrong, EngineError):
            raise
        raise TypeError(f"Tensor.{name}: {wrong}") from None


# Asking what class a proxy is of is slow.
PLAIN = {int, float, bool, str, type(None)}
# A function's promise comes as a Future.
PROMISED = (JsPromise, Future)


def _value(given: Any) -> Any:
    return given if type(given) in PLAIN else given.to_py()


def ask(name: str, *args: Any) -> Any:
    """Calls the engine's function of that name. Lists, tuples and bytes are converted, and what comes back too;
    what has to be waited for comes back as it is, for `wait`."""
    if len(_dead) >= 16:
        flush()
    given = [to_js(arg) if isinstance(arg, (list, tuple, bytes, bytearray, memoryview)) else arg for arg in args]
    try:
        made = _playgrad.ask(name, *given)
    except JsException as thrown:
        raise error(thrown) from None
    return made if type(made) in PLAIN or isinstance(made, PROMISED) else made.to_py()


def wait(value: Any) -> Any:
    """A value, or the result of a promise."""
    flush()
    if not isinstance(value, PROMISED):
        return value.to_py() if isinstance(value, JsProxy) else value
    try:
        return _value(run_sync(value))
    except JsException as thrown:
        raise error(thrown) from None
    except RuntimeError as cannot:
        fix = 'Device.DEFAULT = "CPU" needs no waiting; Chrome and Edge 137 or later can wait'
        raise DeviceError("read", str(cannot), "a browser in which Python can wait", fix) from None


def tick() -> None:
    """Lets the host act after a step."""
    wait(_playgrad.tick())
