"""Trained models of other libraries: ONNX files."""

import json
import pathlib
import weakref
from typing import NamedTuple

from .._engine import ArgumentError, ask, wait
from ..dtype import dtypes
from ..tensor import Tensor
from .state import _bytes, _named, get_state_dict, handles


class OnnxValue(NamedTuple):
    """An input: sizes, or the names that stand for them; a name of its own where nothing is said."""

    shape: tuple
    dtype: object
    is_optional: bool = False
    is_sequence: bool = False


class OnnxRunner:
    """A model of opset 7 to 22, made of ordinary lazy tensors: gradients flow to its weights.

    `model_path` is a path, bytes or a tensor of bytes; weights may lie in files beside it. Operators that are not
    supported are one `ArgumentError` that names them all with their nodes. `graph_inputs` tells the inputs by name,
    `graph_outputs` the outputs' names, `graph_values` holds the weights by name.
    """

    def __init__(self, model_path):
        file = _bytes("OnnxRunner", model_path)
        folder = pathlib.Path(model_path).parent if isinstance(model_path, (str, pathlib.PurePath)) else None
        names = list(wait(ask("onnxFiles", file)))
        beside = [(name, (folder / name).read_bytes()) for name in names if folder and (folder / name).is_file()]
        self._model, told = ask("onnxOpen", file, [name for name, _ in beside], *[part for _, part in beside])
        weakref.finalize(self, ask, "onnxClose", self._model)
        told = json.loads(told)
        self.graph_values = _named(ask("onnxWeights", self._model))
        self.graph_inputs = {
            port["name"]: OnnxValue(_sizes(port), getattr(dtypes, port["dtype"])) for port in told["inputs"]
        }
        self.graph_outputs = tuple(port["name"] for port in told["outputs"])
        self.opset, self.operators = told["opset"], told["operators"]

    def __call__(self, inputs, debug=0):
        """The outputs by name, for inputs by name: tensors, or what tensors are made from."""
        unknown = [name for name in inputs if name not in self.graph_inputs]
        missing = [name for name in self.graph_inputs if name not in inputs]
        if unknown or missing:
            got = f"inputs {', '.join(map(repr, inputs)) or 'of no name'}"
            raise ArgumentError("OnnxRunner", got, ", ".join(self.graph_inputs), "name each input of the model")
        given = [value if isinstance(value, Tensor) else Tensor(value) for value in map(inputs.get, self.graph_inputs)]
        made = wait(ask("onnxRun", self._model, [t._id for t in given]))
        return dict(zip(self.graph_outputs, map(Tensor._of, made)))

    def to(self, device):
        """The runner: weights move to a device with the first computation on it."""
        return self


def save(model, inputs, fn, output_names=None, batch=False):
    """Writes a model as an ONNX file, opset 18: what it computes of inputs of these shapes, out of training.

    `model` is a function or has `__call__`, `inputs` are example tensors by name. Weights keep their names in
    `nn.state.get_state_dict(model)`; other tensors it reads become constants. `batch` leaves the size of the first
    axis, of all inputs and outputs, open: the model is asked for two numbers of examples.
    """
    given = {name: Tensor(value.numpy()) for name, value in inputs.items()}
    sets = [given]
    if batch:
        sets = [{name: x[:1].cat(*[x[:1]] * n).realize() for name, x in given.items()} for n in (1, 2)]
    weights = _distinct(get_state_dict(model))
    Tensor.realize(*weights.values(), *given.values())
    runs, names, made = [], [], []
    with Tensor.train(False):
        for one in sets:
            out = model(*one.values())
            out = list(out) if isinstance(out, (list, tuple)) else [out]
            names = list(output_names or (f"y{i}" for i in range(len(out))))
            made.append(out)
            runs += [handles("save", one), handles("save", dict(zip(names, out)))]
    wait(ask("startReader"))
    file = ask("onnxSave", list(given), names, list(weights), handles("save", weights), *runs)
    pathlib.Path(fn).write_bytes(wait(file))


def _distinct(state):
    found = {}
    for name, tensor in state.items():
        found.setdefault(id(tensor), (name, tensor))
    return dict(found.values())


def _sizes(port):
    return tuple("?" if size is None else size for size in port["shape"] or ())
