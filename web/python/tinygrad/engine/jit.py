"""Training steps that are recorded once and replayed."""

import functools

from _playgrad import replay

from .._engine import ArgumentError, JsException, ask, error, tick
from ..tensor import Tensor

_recording = None


def stepped():
    """An optimizer has made a step: the host may let time pass, but never while a step is being recorded."""
    if _recording is None:
        tick()
    else:
        _recording.steps += 1


class _Recording:
    """What a call left behind: the engine's record, and what it returned with its tensors replaced by places."""

    steps = 0
    id = None
    result = None

    def __del__(self):
        if self.id is not None:
            ask("jitRelease", self.id)

    def replay(self, ids):
        try:
            made = replay(self.id, *ids)
        except JsException as thrown:
            raise error(thrown) from None
        tensors = [Tensor._of(made)] if type(made) is int else [*map(Tensor._of, made.to_py())]
        self.tick()
        return _give(self.result, tensors)

    def tick(self):
        for _ in range(self.steps):
            tick()


class _Place(int):
    """The place of a tensor among those a step returned."""


class TinyJit:
    """Makes a step fast: the first call runs the function, the second runs and records it, later ones replay the
    recording without running Python.

    Other shapes, types or plain values of the arguments record anew. Give what changes from call to call as tensors;
    everything else the function reads, except weights and other assigned tensors, is taken to stay as it was. What
    it returns, tensors and lists, tuples and dicts of them, is computed. Decorates functions and methods. tinygrad's
    options make no difference here.
    """

    def __new__(cls, fxn=None, **options):
        return super().__new__(cls) if fxn is not None else functools.partial(cls, **options)

    def __init__(self, fxn, **options):
        self.fxn = fxn
        functools.update_wrapper(self, fxn, updated=())
        self.reset()

    def reset(self):
        """Forgets what was recorded."""
        self.cnt = 0
        self._recorded = {}

    def __get__(self, obj, objtype=None):
        return self if obj is None else functools.partial(self, obj)

    def __call__(self, *args, **kwargs):
        if _recording is not None:
            return self.fxn(*args, **kwargs)
        tensors = []
        key = (
            ask("training"),
            *[_key(arg, tensors) for arg in args],
            kwargs and _key(kwargs, tensors) or None,
        )
        ids = [t._id for t in tensors]
        found = self._recorded.get(key)
        self.cnt += 1
        if found is not None:
            return found.replay(ids)
        if self.cnt == 1:
            return self.fxn(*args, **kwargs)
        found, result = self._record(args, kwargs, ids)
        self._recorded[key] = found
        found.tick()
        return result

    def _record(self, args, kwargs, ids):
        global _recording
        ask("jitBegin", ids)
        _recording = _Recording()
        try:
            result = self.fxn(*args, **kwargs)
            tensors = []
            _recording.result = _take(result, tensors)
            _recording.id = ask("jitEnd", ids, [t._id for t in tensors])
            return _recording, result
        except BaseException:
            ask("jitAbandon")
            raise
        finally:
            _recording = None


class _Same:
    """An object as part of a key: it equals itself alone, and lives as long as the key."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return id(self.value)

    def __eq__(self, other):
        return isinstance(other, _Same) and self.value is other.value


def _key(tree, tensors):
    """What a recording depends on: shapes and types of the tensors, which are gathered, and all other values."""
    if isinstance(tree, Tensor):
        tensors.append(tree)
        return Tensor, tree.shape, tree.dtype
    if isinstance(tree, (list, tuple)):
        return type(tree), *(_key(inner, tensors) for inner in tree)
    if isinstance(tree, dict):
        return dict, *((name, _key(inner, tensors)) for name, inner in tree.items())
    if tree is None or isinstance(tree, (bool, int, float, str, bytes)):
        return type(tree), tree
    if hasattr(tree, "tolist"):
        raise ArgumentError("TinyJit", type(tree).__name__, "tensors as what changes", "wrap it: Tensor(x)")
    return _Same(tree)


def _alike(tree, items):
    """The items in a list, tuple or named tuple as the other."""
    kind = type(tree)
    return getattr(kind, "_make", kind)(items)


def _take(tree, tensors):
    """The tree with its tensors moved into `tensors` and places in their stead."""
    if isinstance(tree, Tensor):
        tensors.append(tree)
        return _Place(len(tensors) - 1)
    if isinstance(tree, (list, tuple)):
        return _alike(tree, [_take(inner, tensors) for inner in tree])
    if isinstance(tree, dict):
        return {name: _take(inner, tensors) for name, inner in tree.items()}
    if tree is None:
        return None
    raise ArgumentError(
        "TinyJit",
        f"a function that returns {type(tree).__name__}",
        "tensors",
        "read values outside the function",
    )


def _give(tree, tensors):
    """The tree with tensors in their places."""
    if isinstance(tree, _Place):
        return tensors[tree]
    if isinstance(tree, (list, tuple)):
        return _alike(tree, [_give(inner, tensors) for inner in tree])
    if isinstance(tree, dict):
        return {name: _give(inner, tensors) for name, inner in tree.items()}
    return tree
