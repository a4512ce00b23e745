"""Running graphs, and training their variables."""

from tinygrad import Tensor
from tinygrad._errors import ArgumentError

from .graph import Node, Variable, default_graph, require_node, to_tensor
from .ops import compute


class Session:
    """Runs a graph."""

    def __init__(self, graph=None):
        self.graph = graph or default_graph()

    def run(self, fetch, feed_dict=None):
        """What a node comes to, or each of a list of nodes; only what they need is computed, all of it at once.

        Variables change after everything is computed.
        """
        wanted = list(fetch) if isinstance(fetch, (list, tuple)) else [fetch]
        for node in wanted:
            require_node("Session.run", node, self.graph)
        values = {}
        for node, data in (feed_dict or {}).items():
            require_node("Session.run", node, self.graph)
            values[node] = node.value = to_tensor(data)
        updates = {}
        for node in _in_order(wanted):
            if node not in values:
                values[node] = node.value = _evaluate(node, values, updates)
        results = [values[node] for node in wanted]
        Tensor.realize(*results, *updates.values())
        for variable, value in updates.items():
            variable.value = value
        return results if isinstance(fetch, (list, tuple)) else results[0]


def _evaluate(node, values, updates):
    if node.op == "placeholder":
        expected = "a value for every placeholder below what is run"
        fix = "feed it: session.run(loss, feed_dict={x: data})"
        raise ArgumentError("Session.run", f"no value for the {node}", expected, fix)
    if isinstance(node, Minimize):
        loss = values[node.inputs[0]]
        variables = [below for below in _in_order(node.inputs) if isinstance(below, Variable)]
        for variable, gradient in zip(variables, loss.gradient(*(one.value for one in variables))):
            before = updates.get(variable, variable.value)
            updates[variable] = (before - node.rate * gradient).detach()
        return loss
    return compute(node, [values[source] for source in node.inputs]) if node.inputs else node.value


def _in_order(wanted):
    """All that the nodes need, each behind its inputs."""
    order, stack = {}, [(node, False) for node in reversed(wanted)]
    while stack:
        node, complete = stack.pop()
        if complete:
            order[node] = None
        elif node not in order:
            stack.append((node, True))
            stack.extend((source, False) for source in node.inputs)
    return list(order)


class Minimize(Node):
    """A step of training: it changes the variables and comes to the loss before the step."""

    def __init__(self, loss, rate):
        super().__init__("minimize", (loss,))
        self.rate = rate


class GradientDescentOptimizer:
    """Steps against the gradient: each variable -= learning rate · gradient."""

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def minimize(self, loss):
        """The node that makes a step for a loss of one number; run it in a session."""
        return Minimize(loss, self.learning_rate)
