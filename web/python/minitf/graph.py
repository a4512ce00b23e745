"""What is computed, written down before anything is: nodes that name their inputs."""

from tinygrad import Tensor
from tinygrad._errors import ArgumentError


class Graph:
    """Holds nodes; those made after `as_default()` are of this graph."""

    def __init__(self):
        self.nodes = []

    def as_default(self):
        global _current
        _current = self
        return self


_current = Graph()


def default_graph():
    return _current


class Node:
    """One place of a graph: what it does, what it takes, and its value once a session has run it."""

    def __init__(self, op, inputs=(), label="", **options):
        self.graph = inputs[0].graph if inputs and isinstance(inputs[0], Node) else _current
        for source in inputs:
            require_node(op, source, self.graph)
        self.op, self.inputs, self.label, self.options = op, list(inputs), label, options
        self.value = None
        self.graph.nodes.append(self)

    def __str__(self):
        return f'{self.op} "{self.label}"' if self.label else self.op


class Variable(Node):
    """What training changes; it keeps its value from run to run."""

    def __init__(self, initial_value, label=""):
        super().__init__("variable", (), label)
        self.value = to_tensor(initial_value).detach().requires_grad_()


def placeholder(label=""):
    """A value that is given when the graph runs."""
    return Node("placeholder", (), label)


def constant(value, label=""):
    """A value that never changes."""
    node = Node("constant", (), label)
    node.value = to_tensor(value)
    return node


def to_tensor(value):
    if isinstance(value, Tensor):
        return value
    return Tensor(value).float()


def require_node(op, node, graph):
    """Refuses what is no node, or a node of another graph."""
    if not isinstance(node, Node):
        got = f'"{node}"' if isinstance(node, str) else f"a {type(node).__name__}"
        raise ArgumentError(op, got, "a node of the graph", "pass what add, constant, placeholder … returned")
    if node.graph is not graph:
        fix = "make nodes and session after one Graph().as_default()"
        raise ArgumentError(op, f"{node} of another graph", "a node of the same graph", fix)
