"""The methods of the table. Each becomes a Python function when it is first asked for, which keeps imports short."""

import json
from pathlib import Path
from typing import Any

from ._engine import JsException, call, error, invoke, of, wrap
from .dtype import dtypes

ROWS = json.loads(Path(__file__).with_name("_methods.json").read_text())
PLACES = {row["name"]: place for place, row in enumerate(ROWS)}


# What tinygrad computes wherever it is read, rather than hold it: it gets no gradient, its `clone()` does.
CONSTANT = {"arange", "eye", "linspace"}


def one(args):
    """`f([a, b])` as `f(a, b)`."""
    return args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args


def spread(first, rest):
    return first if isinstance(first, (list, tuple)) and not rest else (first, *rest)


def joined(first, rest):
    return [*first, *rest] if isinstance(first, (list, tuple)) else [first, *one(rest)]


def sizes(x, shape):
    """A size of None keeps the axis."""
    return [x.shape[i] if n is None else n for i, n in enumerate(shape)] if None in shape else shape


def plain(value):
    """A number of the full methods; booleans count."""
    return int(value) if isinstance(value, bool) else value


def source(row: dict) -> str:
    """The method as Python."""
    name, place, sent = row["name"], PLACES[row["name"]], row["sent"]
    on = "0" if row["static"] is True else "self._id"
    head = f"def {name}({row['signature']}):\n    "
    if not sent and row["returns"] == "tensor":
        quick = f"return of(call({place}, {on}))"
        return head + f"try:\n        {quick}\n    except JsException as thrown:\n        raise error(thrown) from None"
    waits = row["returns"].startswith("async")
    made = f"wrap(invoke({name!r}, {place}, {on}, ({sent}), ({row['defaults']}), {waits}))"
    if row["creates"]:
        dtype = "None" if "dtype" in sent else "dtype"
        made = f"created({made}, {dtype}, device, requires_grad, {name not in CONSTANT})"
    return head + "return " + made


class Lazy:
    """Stands for a method in its class until it is asked for."""

    def __init__(self, owner: type, row: dict, helpers: dict):
        self.owner, self.row, self.helpers = owner, row, helpers

    def __get__(self, instance: Any, owner: type) -> Any:
        row, names = self.row, {}
        exec(compile(source(row), f"<tinygrad Tensor.{row['name']}>", "exec"), self.helpers, names)
        function = names[row["name"]]
        function.__qualname__ = f"{self.owner.__name__}.{row['name']}"
        function.__module__ = self.owner.__module__
        after = f"\n\nAfter {row['source']}." if row["source"] else ""
        function.__doc__ = f"{row['doc']}\n\n>>> {row['example']}{after}"
        method = function if row["signature"].startswith("self") else staticmethod(function)
        for name in (row["name"], *row["aliases"]):
            if vars(self.owner).get(name) is self:
                setattr(self.owner, name, method)
        return method.__get__(instance, owner)


def install(owner: type, helpers: dict) -> None:
    """Gives the class every method of the table that it has not written itself."""
    helpers = {**helpers, **HELPERS}
    for row in ROWS:
        lazy = Lazy(owner, row, helpers)
        for name in (row["name"], *row["aliases"]):
            if name not in vars(owner):
                setattr(owner, name, lazy)


HELPERS = {
    "one": one,
    "spread": spread,
    "joined": joined,
    "sizes": sizes,
    "plain": plain,
    "dtypes": dtypes,
    "call": call,
    "error": error,
    "invoke": invoke,
    "of": of,
    "wrap": wrap,
    "JsException": JsException,
}
