"""What crosses to the engine and back: handles, calls, waiting, errors."""

from asyncio import Future
from functools import partial
from typing import Any

import _playgrad
from _playgrad import call, later, result
from pyodide.ffi import JsException, JsPromise, JsProxy, run_sync, to_js

from ._errors import (  # noqa: F401
    ArgumentError,
    DataError,
    DeviceError,
    DTypeError,
    EngineError,
    ShapeError,
    error,
)

LEFT_OUT, NONE, BOOL, INT, TENSOR, TEXT, LIST, NAMED, FLOAT = range(9)
MOST = 9_000_000_000_000_000

_dead: list[Any] = []
MANY = 64


class Handle:
    """The number the engine knows a tensor by, for as long as this lives."""

    __slots__ = ("_id", "_shape", "_dtype", "_constant", "__weakref__")

    # What dies joins the list. No Python runs for that: an interrupt that came meanwhile would be lost.
    __del__ = partial(_dead.append)


def flush() -> None:
    """Gives back the handles of what died."""
    if not _dead:
        return
    dead = _dead.copy()
    del _dead[: len(dead)]
    _playgrad.release(*[handle for one in dead if (handle := getattr(one, "_id", 0))])


tensor_class: Any = None
_new = object.__new__


def of(handle: int) -> Any:
    """The tensor of a handle, which it then owns."""
    made = _new(tensor_class)
    made._id = handle
    if len(_dead) >= MANY:
        flush()
    return made


def wrap(given: Any) -> Any:
    """What a method gave: a tensor, or a tuple of them."""
    return of(given) if type(given) is int else tuple(map(of, given))


def too_large(value: int) -> ArgumentError:
    return ArgumentError("tensor", f"the number {value}", "a whole number within 9e15", "write it as a float")


def encode(out: list, value: Any, held: list) -> None:
    """Appends a value with its tag. What it makes for that is kept in `held`."""
    kind = type(value)
    if value is None:
        out.append(NONE)
    elif kind is int:
        if not -MOST < value < MOST:
            raise too_large(value)
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


def describe(handle: int) -> tuple[str, tuple[int, ...]]:
    """Element type and shape of a tensor."""
    try:
        dtype, *shape = _playgrad.describe(handle).split()
    except JsException as thrown:
        raise error(thrown) from None
    return dtype, tuple(map(int, shape))


def numbers(values, defaults) -> tuple[list, list]:
    """The values with their tags, without those at the end that are the defaults; and what to keep meanwhile."""
    count = len(values)
    while 0 < count <= len(defaults) and values[count - 1] is defaults[count - 1]:
        count -= 1
    out: list = []
    held: list = []
    for value in values[:count]:
        encode(out, value, held)
    return out, held


def invoke(name: str, place: int, handle: int, values, defaults=(), waits: bool = False) -> Any:
    """Calls a method of the table: a handle, or a list of them."""
    try:
        out, held = numbers(values, defaults)
        if waits:
            return wait(later(place, handle, *out))
        return call(place, handle, *out) or _value(result())
    except JsException as thrown:
        raise error(thrown) from None
    except EngineError:
        raise
    except TypeError as wrong:
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
    if len(_dead) >= MANY // 4:
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
    if type(value) in PLAIN:
        return value
    if not isinstance(value, PROMISED):
        return value.to_py() if isinstance(value, JsProxy) else value
    try:
        made = _value(run_sync(value))
    except JsException as thrown:
        raise error(thrown) from None
    except RuntimeError as cannot:
        fix = 'Device.DEFAULT = "CPU" needs no waiting; Chrome and Edge 137 or later can wait'
        raise DeviceError("read", str(cannot), "a browser in which Python can wait", fix) from None
    if _playgrad.stopped():
        raise KeyboardInterrupt
    return made


def host(name: str, *args: Any) -> Any:
    """Calls a function of the host, and waits for it."""
    try:
        return wait(getattr(_playgrad, name)(*args))
    except JsException as thrown:
        raise error(thrown) from None


def tick() -> None:
    """Lets the host act after a step."""
    host("tick")
