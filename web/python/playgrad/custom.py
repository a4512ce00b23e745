"""Kernels that a program writes: a text for each target and a gradient of one's own, and what checks them."""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Sequence

import _playgrad
from pyodide.ffi import create_proxy, to_js
from tinygrad import Tensor, dtypes
from tinygrad._engine import ArgumentError, EngineError, ask, of, wait
from tinygrad._errors import KernelError
from tinygrad.dtype import to_dtype

# What texts already have.
TAKEN = "i", "out", "group", "thread"

# Of the engine's element types, in its order.
FORMATS = "BbBiIqHHfd"

Shape = tuple[int, ...]


def _given(value: Any, shapes: list[Shape], default: Any = None) -> Any:
    return default if value is None else value(*shapes) if callable(value) else value


class CustomKernel:
    """A function of tensors, computed by a kernel of the program's."""

    def __init__(self, name, inputs, wgsl, cuda, cpu, shape, dtype, threads, groups, backward):
        self.name, self.inputs, self.wgsl, self.cuda, self.cpu = name, list(inputs), wgsl, cuda, cpu
        self.shape, self.threads, self.groups, self.backward = shape, threads, groups, backward
        self.dtype = None if dtype is None else to_dtype(dtype)
        self._check_names()
        self._rule = create_proxy(self._gradients)
        function = create_proxy(self._on_memory) if cpu else None
        self._id = ask("customKernel", name, " ".join(self.inputs), wgsl, function)

    def _check_names(self) -> None:
        word = re.compile(r"[A-Za-z]\w*", re.ASCII).fullmatch
        apart = len({*self.inputs, *TAKEN}) == len(self.inputs) + len(TAKEN)
        if not apart or not all(map(word, [self.name, *self.inputs])):
            got = f"the names {self.name} and {', '.join(self.inputs)}"
            fix = f"choose other names; {', '.join(TAKEN)} are taken"
            raise ArgumentError("custom_kernel", got, "different names of letters, digits and _", fix)

    def _check_grid(self, threads: int | None, groups: int | None) -> None:
        whole = groups is not None if self.wgsl is None else "@compute" in self.wgsl
        most = 0xFFFFFFFF if groups is None else 1024
        if whole == (groups is not None) and (groups or 0) <= 65_535 and (threads or 1) <= most:
            return
        expected = "threads for the body of a function; for a whole @compute function groups, at most 65535, of at most 1024 threads"
        fix = "give groups where the wgsl has @compute, and there alone"
        raise ArgumentError("custom_kernel", f"{self.name}: threads {threads}, groups {groups}", expected, fix)

    def __call__(self, *inputs: Tensor) -> Tensor:
        made = self._call(inputs, False)
        if not dtypes.is_float(made.dtype):
            return made
        return of(ask("customGrad", made._id, [x._id for x in inputs], self._rule))

    def checked(self, *inputs: Tensor) -> bytes:
        """All bytes of a run whose output lies between `ZONE` bytes that it must not touch."""
        return bytes(self._call(inputs, True).data())

    def _call(self, inputs: Sequence[Tensor], checked: bool) -> Tensor:
        if len(inputs) != len(self.inputs):
            got, expected = f"{len(inputs)} inputs for {self.name}", f"{len(self.inputs)}: {', '.join(self.inputs)}"
            raise ArgumentError("custom_kernel", got, expected, "pass one tensor for each name")
        shapes = [x.shape for x in inputs]
        shape = _given(self.shape, shapes, shapes[0] if shapes else ())
        dtype = self.dtype or (inputs[0].dtype if inputs else dtypes.float32)
        threads, groups = _given(self.threads, shapes), _given(self.groups, shapes)
        self._check_grid(threads, groups)
        sizes = [threads or 0, groups or 0, *shape]
        return of(ask("customCall", self._id, [x._id for x in inputs], dtype.engine, sizes, checked))

    def _gradients(self, gradient, output, inputs):
        if self.backward is None:
            got, fix = f"{self.name}, which has no gradient", "give backward, or detach() the inputs"
            raise ArgumentError("custom_kernel", got, "a backward function", fix)
        made = self.backward(of(gradient), [of(x) for x in inputs.to_py()], of(output))
        return to_js([0 if g is None else g._id for g in made])

    def _on_memory(self, described) -> None:
        from js import Uint8Array

        numbers = described.to_py().tolist()
        memory, views, arrays, shapes = _playgrad.memory(), [], [], []
        while numbers:
            start, kind, axes, *numbers = numbers
            shape, numbers = tuple(numbers[:axes]), numbers[axes:]
            form = FORMATS[kind]
            views.append(Uint8Array.new(memory, start, math.prod(shape) * memoryview(b"").cast(form).itemsize))
            arrays.append(memoryview(bytearray(views[-1].slice().to_bytes())).cast(form))
            shapes.append(shape)
        *inputs, output = arrays
        self.cpu(inputs, output, shapes)
        views[-1].assign(output.cast("B"))


def custom_kernel(
    name: str,
    inputs: Sequence[str],
    wgsl: str | None = None,
    cuda: str | None = None,
    cpu: Callable[[list[memoryview], memoryview, list[Shape]], None] | None = None,
    shape: Shape | Callable[..., Shape] | None = None,
    dtype: Any = None,
    threads: int | Callable[..., int] | None = None,
    groups: int | Callable[..., int] | None = None,
    backward: Callable[[Tensor, list[Tensor], Tensor], Sequence[Tensor | None]] | None = None,
) -> CustomKernel:
    """
    A function of tensors whose kernels the program writes. Its output is a tensor like any other: computed when it is
    read, fused around, recorded by `TinyJit`, differentiated by `backward`.

    `wgsl` is, for WebGPU, the body of a function that runs once for each `i` below `threads` (the output's elements
    unless told), or a whole `@compute` function of `groups` workgroups. `x[e]` is element `e` of the input `x` in
    row-major order, the output is `out`, `x_size` and `x_shape` are constants. `cuda` is the same in CUDA C++, for the
    native engine. `cpu(inputs, out, shapes)` fills the flat `out` from the flat `inputs`; `shapes` has the output's at
    its end. `shape`, `threads` and `groups` are values or functions of the inputs' shapes; shape and dtype are the
    first input's unless told. `backward(gradient, inputs, output)` gives a gradient for each input, or None.

    >>> custom_kernel("double", ["x"], wgsl="out[i] = 2 * x[i];")
    """
    return CustomKernel(name, inputs, wgsl, cuda, cpu, shape, dtype, threads, groups, backward)


class Report:
    """What was looked at: for each thing what it is, whether it is as it should be, and what was found."""

    def __init__(self, title: str, checks: list[tuple[str, bool, str]]):
        self.title, self.checks = title, checks

    @property
    def ok(self) -> bool:
        return all(good for _, good, _ in self.checks)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [f"{'✓' if good else '✗'} {what}{found and f': {found}'}" for what, good, found in self.checks]
        return "\n".join([self.title, *lines])


def _attempt(what: str, work: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        wrong = work()
    except KernelError:
        raise
    except (EngineError, IndexError) as error:
        wrong = str(error)
    return what, not wrong, wrong


# Bytes around the output of a checked run, and what is there at first; as float32 it is not a number.
ZONE = 256
FILL = (0x7FC12345).to_bytes(4, "little")

# How far float results of two devices may be apart: ATOL + RTOL * |value|.
ATOL, RTOL = 1e-5, 1e-4


def _place(element: int, shape: Shape) -> str:
    at = []
    for size in reversed(shape):
        element, here = divmod(element, size)
        at.insert(0, here)
    return str(at)


def _strays(found: bytes, output: Tensor) -> str:
    """What a run wrote where it should not have, or did not write; nothing if all is well."""
    end = ZONE + output.nbytes()
    words = [found[at : at + 4] for at in range(0, len(found), 4)]
    around = words[: ZONE // 4] + words[math.ceil(end / 4) :]
    if any(word != FILL for word in around):
        return "an element outside the output was written"
    for at, word in enumerate(words[ZONE // 4 : end // 4]):
        if word == FILL:
            return f"element {_place(4 * at // output.element_size(), output.shape)} was never written"
    return ""


def _far(got: memoryview, want: memoryview, exact: bool) -> int | None:
    """The first element where they are further apart than allowed."""
    for i, (a, b) in enumerate(zip(got, want)):
        same = a == b or (a != a and b != b)
        if not same and (exact or not abs(a - b) <= ATOL + RTOL * abs(b)):
            return i
    return None


def opcheck(kernel: CustomKernel, inputs: Sequence[Tensor]) -> Report:
    """Runs a kernel on `inputs` and looks at all that can be seen of it: the output's shape and type, elements it never
    writes, writes outside the output, another result when it runs again, another result of its `cpu` function,
    gradients of another shape. Text that does not compile raises `KernelError`."""
    own = [x.detach() for x in inputs]
    before = [bytes(x.data()) for x in own]
    output = kernel(*own)
    got, where = output._read(), output.device
    first, second = kernel.checked(*own), kernel.checked(*own)
    after = [bytes(x.data()) for x in own]
    is_float = dtypes.is_float(output.dtype)

    def unchanged() -> str:
        changed = [name for name, a, b in zip(kernel.inputs, before, after) if a != b]
        return f"{', '.join(changed)} has changed" if changed else ""

    def agrees() -> str:
        made = memoryview(bytearray(output.nbytes())).cast(got.format)
        made[:] = memoryview(FILL * (len(made.cast("B")) // 4)).cast(got.format)
        arrays = [memoryview(bytearray(data)).cast(x.dtype.fmt) for data, x in zip(before, own)]
        kernel.cpu(arrays, made, [*(x.shape for x in own), output.shape])
        far = _far(got, made, not is_float)
        return "" if far is None else f"far apart at {_place(far, output.shape)}"

    def fits() -> str:
        leaves = [x * 1 for x in own]
        floats = [x for x in leaves if dtypes.is_float(x.dtype)]
        for gradient in kernel(*leaves).sum().gradient(*floats, materialize_grads=True):
            gradient.realize()
        return ""

    shape = ", ".join(map(str, output.shape))
    checks = [
        (f"gives {output.dtype.engine} [{shape}]", True, ""),
        _attempt("writes its output, all of it, and nothing else", lambda: _strays(first, output)),
        _attempt("leaves its inputs as they are", unchanged),
        _attempt("gives the same again", lambda: "" if first == second else "two runs differ"),
    ]
    if kernel.cpu and output.element_size() >= 4:
        what = "its cpu function stays inside its arrays" if where == "CPU" else "agrees with its cpu function"
        checks.append(_attempt(what, agrees))
    if kernel.backward and is_float:
        checks.append(_attempt("backward gives gradients that fit", fits))
    text = "cpu function" if where == "CPU" else "wgsl"
    return Report(f"opcheck {kernel.name} on {where} ({text})", checks)


def gradcheck(
    f: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
) -> Report:
    """Holds the gradients of `f` against `(f(x + eps) - f(x - eps)) / (2 * eps)` for every element of every input, and
    says what it found. What is not told follows from the dtype; `float64` inputs on the CPU tell most."""

    def called(ids) -> int:
        made = f(*(of(x) for x in ids.to_py()))
        kept.append(made)
        return made._id

    kept: list[Tensor] = []
    function = create_proxy(called)

    def work() -> str:
        wait(ask("gradcheck", function, [x._id for x in inputs], eps, atol, rtol))
        return ""

    count = sum(x.numel() for x in inputs)
    try:
        check = _attempt(f"{count} gradients are the slopes that differences give", work)
    finally:
        function.destroy()
    return Report(f"gradcheck on {inputs[0].device}", [check])
