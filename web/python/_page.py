"""What only the page needs: runs a program, streams its words, tells its errors."""

import builtins
import io
import json
import linecache
import random
import sys
import time
import traceback
import types
from itertools import islice

import _playground as page
from pyodide.ffi import can_run_sync, run_sync

FILE = "main.py"


class Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, error: bool):
        self._error = error

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        page.write(text, self._error)
        return len(text)


def no_input(prompt: object = "") -> str:
    from playground import UsageError

    fix = "Write the value in the program, or read it from slider(name, min, max, value)."
    raise UsageError("input", "a question", "a program that asks nothing", fix)


_sleep = time.sleep


def sleep(seconds: float) -> None:
    if seconds > 0 and can_run_sync():
        run_sync(page.rest(1000 * seconds))
        if page.isStopped():
            raise KeyboardInterrupt
    else:
        _sleep(seconds)


def prepare() -> None:
    sys.stdout, sys.stderr = Stream(False), Stream(True)
    sys.argv = [FILE]
    builtins.input = no_input
    time.sleep = sleep


def run(code: str, seed: int) -> str:
    """Runs a program as __main__. JSON: null at its end, "stopped", or what its error says."""
    main = types.ModuleType("__main__")
    main.__file__ = FILE
    sys.modules["__main__"] = main
    linecache.cache[FILE] = len(code), None, code.splitlines(True), FILE
    random.seed(seed)
    try:
        exec(compile(code, FILE, "exec", dont_inherit=True), main.__dict__)
    except KeyboardInterrupt:
        return '"stopped"'
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
    except BaseException as error:
        # An interrupt in the middle of a conversion comes as another error.
        return '"stopped"' if page.isStopped() else tell(error)
    return '"stopped"' if page.isStopped() else "null"


def tell_last() -> str:
    """Of the error that has last left Python."""
    return tell(sys.last_exc)


def tell(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return '"stopped"'
    frames = [frame for frame in traceback.walk_tb(error.__traceback__) if frame[0].f_code.co_filename == FILE]
    if len(frames) > 1:
        summary = traceback.StackSummary.extract(iter(frames))
        print("Traceback (most recent call last):\n" + "".join(summary.format()), end="", file=sys.stderr)
    return json.dumps(describe(error))


def describe(error: BaseException) -> dict:
    names = {kind.__name__ for kind in type(error).__mro__}
    told = {"name": type(error).__name__, "message": message(error), "kind": "runtime", **place(error)}
    if "EngineError" in names:
        own = (kind for kind in ("device", "data", "kernel") if f"{kind.title()}Error" in names)
        told["kind"] = next(own, "engine")
        told |= {key: getattr(error, key) for key in ("op", "got", "expected", "fix")}
        if getattr(error, "text", None):
            told["shader"] = {key: getattr(error, key) for key in ("text", "line", "column")}
    elif isinstance(error, SyntaxError) and error.filename == FILE:
        told["kind"] = "syntax"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        told["missing"] = error.name.partition(".")[0]
    return told


def message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return error.msg
    shown = traceback.TracebackException.from_exception(error)
    text = "".join(shown.format_exception_only()).strip()
    return text.removeprefix(shown.exc_type_str).removeprefix(": ") or "it gives no reason"


def place(error: BaseException) -> dict:
    """Line and column, from 1, of what was running in the program; columns as editors count them."""
    if isinstance(error, SyntaxError) and error.filename == FILE:
        return spot(error.lineno, (error.offset or 1) - 1)
    step = error.__traceback__
    found = None
    while step:
        if step.tb_frame.f_code.co_filename == FILE:
            found = step
        step = step.tb_next
    if not found:
        return {}
    positions = islice(found.tb_frame.f_code.co_positions(), found.tb_lasti // 2, None)
    line, _, start, _ = next(positions, (None, None, None, None))
    if line is None or start is None:
        return spot(found.tb_lineno, 0)
    before = linecache.getline(FILE, line).encode()[:start]
    return spot(line, len(before.decode(errors="ignore")))


def spot(line: int | None, column: int) -> dict:
    if not line:
        return {}
    text = linecache.getline(FILE, line)[:column]
    return {"line": line, "column": len(text.encode("utf-16-le")) // 2 + 1}
