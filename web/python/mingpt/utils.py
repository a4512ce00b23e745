"""Seeds and settings."""

import random
from ast import literal_eval

from tinygrad import Tensor


def set_seed(seed):
    """The same random numbers from here on, Python's and the engine's."""
    random.seed(seed)
    Tensor.manual_seed(seed)


class CfgNode:
    """Settings by name, in nodes that may lie within each other."""

    def __init__(self, **settings):
        self.__dict__.update(settings)

    def to_dict(self):
        """As dicts."""
        return {name: v.to_dict() if isinstance(v, CfgNode) else v for name, v in self.__dict__.items()}

    def merge_from_dict(self, settings):
        """Takes these settings over its own."""
        self.__dict__.update(settings)

    def merge_from_args(self, args):
        """Takes settings as a command line writes them: `--model.n_layer=3`."""
        for arg in args:
            path, separator, value = arg.removeprefix("--").partition("=")
            *nodes, name = path.split(".")
            node = self
            for inner in nodes:
                node = getattr(node, inner, None)
            if not separator or not arg.startswith("--") or not hasattr(node, name):
                raise ValueError(f"{arg!r} is not of the form --name=value with the name of a setting")
            try:
                value = literal_eval(value)
            except (SyntaxError, ValueError):
                pass
            setattr(node, name, value)

    def __str__(self):
        def lines(node, indent):
            for name, value in node.__dict__.items():
                if isinstance(value, CfgNode):
                    yield f"{indent}{name}:"
                    yield from lines(value, indent + "    ")
                else:
                    yield f"{indent}{name}: {value}"

        return "\n".join(lines(self, ""))
