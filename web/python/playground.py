"""The panels and the training loop of the page, by the names they have in TypeScript."""

import itertools
import json
import math
from builtins import print as print
from typing import Any, Iterator, NamedTuple, Sequence

import _playground as page
from pyodide.ffi import JsException, create_proxy
from tinygrad import Tensor
from tinygrad._engine import EngineError, ask, error, wait
from tinygrad.nn.state import get_parameters, get_state_dict


class UsageError(EngineError, ValueError):
    """A mistake in calling one of these helpers."""


class Labelled(NamedTuple):
    """uint8 images (n, 28, 28) and int32 labels (n,)."""

    images: Tensor
    labels: Tensor


class Dataset(NamedTuple):
    train: Labelled
    test: Labelled
    source: str


_sources: dict[str, tuple[str, Any]] = {}


def _tell(function, *args) -> Any:
    try:
        return function(*args)
    except JsException as thrown:
        js = thrown.js_error
        if js.name == "UsageError":
            raise UsageError(js.op, js.got, js.expected, js.fix) from None
        raise error(thrown) from None


def _tensor(value: Any) -> Tensor:
    """For the page to read, which leaves a tensor of the program its way back to what it came from."""
    return (value if isinstance(value, Tensor) else Tensor(value))._kept()


def _keep(panel: str, op: str, source: Any) -> str:
    """Remembers what a panel shows under its name, by which the page asks for it."""
    if not _sources:
        page.serve(*map(create_proxy, (_answer, _first_parameter, _drawing, _weights, _same)))
    _sources[panel] = op, source
    return panel


def _model(panel: str, op: str, model: Any) -> str:
    if callable(model) or hasattr(model, "forward") or isinstance(model, list):
        return _keep(panel, op, model)
    expected = "a function of a tensor, or an object with __call__ or forward"
    raise UsageError(op, f"a {type(model).__name__}", expected, "Pass the model itself.")


def _answer(panel: str, handle: int) -> int:
    x = Tensor._of(handle)
    op, model = _sources[panel]
    if isinstance(model, list):
        answer = x.sequential(model)
    else:
        answer = model(x) if callable(model) else model.forward(x)
    if isinstance(answer, Tensor):
        return ask("alias", answer._id)
    raise UsageError(op, f"a model that returns a {type(answer).__name__}", "a tensor", "Let it return Tensor(…).")


def _first_parameter(panel: str) -> int:
    parameters = get_parameters(_sources[panel][1])
    return ask("alias", parameters[0]._id) if parameters else 0


def _weights(panel: str) -> str:
    """Handles by name, as JSON."""
    named = get_state_dict(_sources[panel][1])
    return json.dumps({name: ask("alias", tensor._id) for name, tensor in named.items()})


def _same(panel: str, other: str) -> bool:
    return _sources[panel][1] is _sources[other][1]


_MOST_NODES = 160


def _nearest(result: Any) -> tuple[list, bool]:
    """The nodes that are the fewest steps from the result, each behind its inputs; whether there are more."""
    found, queue, more = {result}, [result], False
    for node in queue:
        for source in node.inputs:
            if source in found:
                continue
            if len(found) < _MOST_NODES:
                found.add(source)
                queue.append(source)
            else:
                more = True
    order: dict[Any, None] = {}

    def visit(node: Any) -> None:
        if node in found and node not in order:
            for source in node.inputs:
                visit(source)
            order[node] = None

    visit(result)
    return list(order), more


def _drawing(panel: str) -> str:
    order, more = _nearest(_sources[panel][1])
    places = {node: place for place, node in enumerate(order)}
    nodes = []
    for node in order:
        kept = [k for k, source in enumerate(node.inputs) if source in places]
        drawn = {"label": node.label, "op": node.op, "inputs": [places[node.inputs[k]] for k in kept]}
        if hasattr(node, "grad"):
            slopes = [node.slopes[k] for k in kept]
            drawn |= {"data": node.data, "grad": node.grad, "slopes": slopes}
        elif isinstance(node.value, Tensor):
            drawn["value"] = ask("alias", node.value._id)
        nodes.append(drawn)
    return json.dumps({"nodes": nodes, "more": more})


def plot(values: dict[str, Any] | None = None, /, **named: Any) -> None:
    """Adds a point to one chart per name: plot(loss=loss, accuracy=0.9), or plot({"train loss": loss})."""
    flat: list = []
    tensors = []
    for name, value in {**(values or {}), **named}.items():
        if isinstance(value, Tensor):
            tensors.append(_tensor(value))
            flat += (name, tensors[-1]._id, 0.0)
            continue
        try:
            flat += (name, 0, float(value))
        except (TypeError, ValueError):
            got = f"{name} of type {type(value).__name__}"
            expected = "a number or a tensor with one element"
            raise UsageError("plot", got, expected, "Pass the value itself.") from None
    _tell(page.plot, *flat)


def show(value: Any, label: str | None = None, names: Sequence[str] = ()) -> None:
    """A tensor, array, number or text in a panel of its own; `names` stand at the rows and columns of square maps."""
    if isinstance(value, str) or isinstance(value, (int, float)) and not isinstance(value, bool):
        _tell(page.show, 0, value, label)
    else:
        shown = _tensor(value)
        _tell(page.show, shown._id, 0.0, label, *names)


def boundary(model: Any, x: Any, y: Any) -> None:
    """The plane as the model sees it, with the points x (n, 2) and their classes y on it."""
    x, y = _tensor(x), _tensor(y)
    _tell(page.boundary, _model("boundary", "boundary", model), x._id, y._id)


def weights(source: Any, label: str = "first layer") -> None:
    """The first layer's weights of a model, or any tensor, as small images."""
    if isinstance(source, Tensor):
        _tell(page.weights, "", source._id, label)
    else:
        _tell(page.weights, _keep(f"weights:{label}", "weights", source), 0, label)


def predictions(images: Tensor, predicted: Any, labels: Tensor) -> None:
    """The first images with what the model says of them; `predicted` is the model, classes (n,) or scores."""
    images, labels = _tensor(images), _tensor(labels)
    if isinstance(predicted, Tensor):
        predicted = _tensor(predicted)
        _tell(page.predictions, images._id, "", predicted._id, labels._id)
    else:
        panel = _model("predictions", "predictions", predicted)
        _tell(page.predictions, images._id, panel, 0, labels._id)


def images(rows: dict[str, Any] | None = None, /, label: str = "images", **named: Any) -> None:
    """Rows of grey images, each under its name: images(noisy=x, clean=y). (n, h, w), (n, 1, h, w) or (n, side²)."""
    kept = {name: _tensor(row) for name, row in {**(rows or {}), **named}.items()}
    _tell(page.images, label, *(part for name, row in kept.items() for part in (name, row._id)))


def scene(shapes: Any, view: Any = (-1, 1, -1, 1), label: str = "scene") -> None:
    """A drawing in the program's own units, y upwards. `view`: lowest x, highest x, lowest y, highest y.

    Shapes: ("line", x1, y1, x2, y2, color, width), ("rect", x, y, width, height, color) from the lower left corner,
    ("circle", x, y, radius, color), ("text", x, y, words, color).
    """
    try:
        told = json.dumps([list(shapes), list(view), label], allow_nan=False, default=float)
    except (TypeError, ValueError) as why:
        expected = "a list of shapes whose numbers are finite"
        raise UsageError("scene", str(why), expected, "Give shapes as tuples of a kind and numbers.") from None
    _tell(page.scene, told)


def draw_digit(model: Any) -> None:
    """A pad to draw a digit on, with the model's probabilities beside it."""
    _tell(page.drawDigit, _model("draw", "draw_digit", model))


def graph(result: Any, label: str = "graph") -> None:
    """The graph that a value was computed by: micrograd's Value with data and gradients, or a node of minitf."""
    if not hasattr(result, "inputs"):
        expected = "a Value of micrograd or a node of minitf"
        fix = "Pass the value that was computed last, as in graph(loss)."
        raise UsageError("graph", f"a {type(result).__name__}", expected, fix)
    _tell(page.graph, _keep(f"graph:{label}", "graph", result), label)


def slider(name: str, min: float, max: float, value: float, step: float | None = None) -> float:
    """A slider beside the charts; returns where it stands now, so call it inside the loop."""
    return _tell(page.slider, name, float(min), float(max), float(value), step)


def text(name: str, value: str = "", rows: int = 6) -> str:
    """A box to type or paste text into; returns what it holds now. `value` is there at first."""
    return _tell(page.text, name, value, rows)


def dataset(train: int = 6000, test: int = 1000) -> Dataset:
    """Digits to learn from: generated ones, or real MNIST once it is chosen in the Data panel."""
    *handles, source = wait(_tell(page.dataset, train, test))
    images, labels, test_images, test_labels = (Tensor._of(handle) for handle in handles)
    return Dataset(Labelled(images, labels), Labelled(test_images, test_labels), source)


def save(model: Any, name: str = "model") -> None:
    """Offers a model's weights (or tensors by name, a dict) to the Export menu, which saves them as safetensors."""
    if isinstance(model, Tensor):
        expected = "a model, or a dict of tensors"
        raise UsageError("save", "a tensor", expected, 'Give it a name: save({"w": w}).')
    _tell(page.save, _keep(f"save:{name}", "save", model), name)


def model_file() -> bytes | None:
    """The bytes of the model or weights given in the File panel, which this call puts on the page; None if none are."""
    given = wait(_tell(page.modelFile))
    return None if given is None else bytes(given)


def moons(n: int = 200, noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two interleaved half circles: points (n, 2) and their classes, 0 or 1."""
    x, y = ask("points", 1, n, noise, seed, 2)
    return Tensor._of(x), Tensor._of(y)


def steps(count: int | None = None) -> Iterator[int]:
    """Counts 0, 1, … and answers Pause, Step, Stop and the speed slider between two steps."""
    page.enterLoop(math.inf if count is None else count)
    try:
        for i in itertools.count() if count is None else range(count):
            wait(page.beforeStep())
            yield i
            page.afterStep()
    finally:
        page.leaveLoop()
