"""What programs take from tinygrad's helpers."""

import contextlib
import functools
import math
import operator
import os
import pathlib
import re
import sys
import time

from ._engine import ArgumentError, DataError, ask, flush
from .dtype import dtypes  # noqa: F401

OSX, WIN = sys.platform == "darwin", sys.platform == "win32"


def prod(x):
    """The product; 1 of nothing."""
    return functools.reduce(operator.mul, x, 1)


def dedup(x):
    """Each item once, in order."""
    return list(dict.fromkeys(x))


def argfix(*x):
    """`f([a, b])` as `f(a, b)`."""
    return tuple(x[0]) if x and isinstance(x[0], (list, tuple)) else x


def argsort(x):
    """Places of the items in rising order."""
    return type(x)(sorted(range(len(x)), key=x.__getitem__))


def all_same(items):
    return all(item == items[0] for item in items)


def all_int(items):
    return all(isinstance(item, int) for item in items)


def make_tuple(x, cnt):
    """A number `cnt` times, or the numbers given."""
    return (x,) * cnt if isinstance(x, int) else tuple(x)


def flatten(lists):
    """One level less of nesting."""
    return [item for inner in lists for item in inner]


def fully_flatten(nested):
    """All items of nested lists."""
    return flatten(map(fully_flatten, nested)) if isinstance(nested, (list, tuple)) else [nested]


def merge_dicts(dicts):
    return {name: value for one in dicts for name, value in one.items()}


def partition(items, condition):
    """Those for which the condition holds, and the others."""
    parts = ([], [])
    for item in items:
        parts[not condition(item)].append(item)
    return parts


def unwrap(x):
    assert x is not None
    return x


def round_up(num, amt):
    """The next multiple of `amt`."""
    return -(-num // amt) * amt


def ceildiv(num, amt):
    return -(-num // amt)


COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def colored(st, color, background=False):
    """Text in a colour of the terminal; bright where the colour is written in capitals."""
    if color is None:
        return st
    if color.lower() not in COLORS:
        raise ArgumentError("colored", repr(color), ", ".join(COLORS), "name one of these")
    code = 30 + COLORS.index(color.lower()) + 10 * background + 60 * color.isupper()
    return f"\033[{code}m{st}\033[0m"


def ansistrip(s):
    """Text without colours."""
    return re.sub(r"\033\[(K|.*?m)", "", s)


def ansilen(s):
    return len(ansistrip(s))


def colorize_float(x):
    return colored(f"{x:7.2f}x", "green" if x < 0.75 else "red" if x > 1.15 else "yellow")


def time_to_str(t, w=8):
    """Seconds as `s`, `ms` or `us`."""
    scale, unit = (1, "s ") if t > 10 else (1e3, "ms") if t > 0.01 else (1e6, "us")
    return f"{t * scale:{w}.2f}{unit}"


def getenv(key, default=0):
    """A variable of the environment, of the default's type."""
    return type(default)(os.getenv(key, default))


class ContextVar:
    """A setting that `Context` changes for a while. Its first value comes from the environment."""

    _cache = {}

    def __init__(self, key, default_value):
        self.key, self.value = key, getenv(key, default_value)
        ContextVar._cache[key] = self

    def __bool__(self):
        return bool(self.value)

    def __eq__(self, x):
        return self.value == x

    def __lt__(self, x):
        return self.value < x

    def __le__(self, x):
        return self.value <= x

    def __gt__(self, x):
        return self.value > x

    def __ge__(self, x):
        return self.value >= x

    __hash__ = object.__hash__


class _Training(ContextVar):
    @property
    def value(self):
        return int(ask("training"))

    @value.setter
    def value(self, on):
        ask("setTraining", bool(on))


TRAINING = _Training("TRAINING", 0)
DEBUG, BEAM, NOOPT, JIT = (
    ContextVar("DEBUG", 0),
    ContextVar("BEAM", 0),
    ContextVar("NOOPT", 0),
    ContextVar("JIT", 1),
)
WINO, IMAGE, FLOAT16, PROFILE = (ContextVar(key, 0) for key in ("WINO", "IMAGE", "FLOAT16", "PROFILE"))


class Context(contextlib.ContextDecorator):
    """Settings for a while, as `with` or as a decorator. `TRAINING` acts; the others are there to be read."""

    def __init__(self, **kwargs):
        unknown = [key for key in kwargs if key not in ContextVar._cache]
        if unknown:
            raise ArgumentError("Context", unknown[0], ", ".join(ContextVar._cache), "name one of these")
        self.kwargs = kwargs
        self._before = []

    def __enter__(self):
        self._before.append({key: ContextVar._cache[key].value for key in self.kwargs})
        for key, value in self.kwargs.items():
            ContextVar._cache[key].value = value

    def __exit__(self, *exc):
        for key, value in self._before.pop().items():
            ContextVar._cache[key].value = value


class _Counters(type):
    _start = [0.0] * 6

    def _since(cls, place):
        return int(ask("counters")[place] - cls._start[place])

    kernel_count = property(lambda cls: cls._since(0), doc="Kernels run.")
    global_ops = property(lambda cls: cls._since(4), doc="Operations done.")
    global_mem = property(lambda cls: cls._since(5), doc="Bytes moved.")
    mem_used = property(lambda cls: flush() or int(ask("deviceBytes")), doc="Bytes held on all devices; not reset.")


class GlobalCounters(metaclass=_Counters):
    """What the engine has done since `reset`. It takes no time of kernels: `time_sum_s` is 0."""

    time_sum_s = 0.0

    @staticmethod
    def reset():
        GlobalCounters._start = list(ask("counters"))


class Timing(contextlib.ContextDecorator):
    """Prints how long a block or a function took. Work that was queued and not read may still be running."""

    def __init__(self, prefix="", on_exit=None, enabled=True):
        self.prefix, self.on_exit, self.enabled = prefix, on_exit, enabled

    def __enter__(self):
        self.st = time.perf_counter_ns()
        return self

    def __exit__(self, *exc):
        self.et = time.perf_counter_ns() - self.st
        if self.enabled:
            print(f"{self.prefix}{self.et * 1e-6:6.2f} ms" + (self.on_exit(self.et) if self.on_exit else ""))


def fetch(url, name=None, *args, **kwargs):
    """The path of a file. Addresses of the web are not fetched: `DataError`."""
    path = pathlib.Path(url)
    if "://" not in str(url) and path.exists():
        return path
    fix = "write the file with Python first, or use nn.datasets.mnist() for the data the page has"
    raise DataError("fetch", str(url), "the path of a file: nothing is downloaded here", fix)


def _hms(seconds):
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def _si(x):
    """Three digits and a letter for the thousands."""
    power = min(int(math.log(x, 1000)), 5) if x >= 1000 else 0
    return f"{x / 1000**power:.3g}{'kMGTP'[power - 1] if power else ''}"


class tqdm:
    """A line on stderr that tells how far a loop is, drawn anew a few times a second."""

    def __init__(
        self, iterable=None, desc="", disable=False, unit="it", unit_scale=False, total=None, rate=10
    ):
        self.iterable, self.unit, self.unit_scale, self.rate = iterable, unit, unit_scale, rate
        self.disable = bool(disable)
        self.t = getattr(iterable, "__len__", lambda: 0)() if total is None else total
        self.n, self.st, self._drawn = 0, time.perf_counter(), -math.inf
        self.set_description(desc)
        self.update(0)

    def __iter__(self):
        for item in self.iterable:
            yield item
            self.update(1)
        self.update(close=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.update(close=True)

    def set_description(self, desc):
        """What stands in front of the line."""
        self.desc = f"{desc}: " if desc else ""

    def update(self, n=0, close=False):
        """`n` more are done."""
        self.n += n
        now = time.perf_counter()
        if self.disable or not (close or now - self._drawn >= 1 / self.rate):
            return
        self._drawn = now
        print("\r" + self._line(now - self.st), end="\n" if close else "", flush=True, file=sys.stderr)

    def _line(self, elapsed):
        amount = _si if self.unit_scale else str
        speed = self.n / elapsed if elapsed and self.n else 0
        left = f"<{_hms((self.t - self.n) / speed) if speed else '?'}" if self.t else ""
        pace = (_si(speed) if self.unit_scale else f"{speed:5.2f}") if speed else "?"
        done = f"{amount(self.n)}/{amount(self.t)}" if self.t else f"{amount(self.n)}{self.unit}"
        tail = f"{done} [{_hms(elapsed)}{left}, {pace}{self.unit}/s]"
        if not self.t:
            return self.desc + tail
        share = min(self.n / self.t, 1)
        width = max(80 - ansilen(self.desc) - len(tail) - 9, 1)
        return f"{self.desc}{share:4.0%}|{'█' * int(share * width):{width}}| {tail}"

    @classmethod
    def write(cls, s):
        """A line of its own."""
        print(f"\r\033[K{s}", flush=True, file=sys.stderr)


def trange(n, **kwargs):
    """`tqdm(range(n))`."""
    return tqdm(range(n), total=n, **kwargs)
