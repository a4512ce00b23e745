"""Layers that walk over sequences. The engine has the formulas; names of the weights are PyTorch's."""

import math

from ..tensor import Tensor
from ._sizes import whole


def _uniform(shape, bound):
    drawn = Tensor.uniform(*shape, low=-bound, high=bound)
    drawn.requires_grad = True
    return drawn


class _Recurrent:
    _gates = 1
    _cell = ""

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        *,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
    ):
        input_size, hidden_size, num_layers = whole(type(self).__name__, input_size, hidden_size, num_layers)
        self._options = {
            "bias": bias,
            "batch_first": batch_first,
            "bidirectional": bidirectional,
            "dropout": dropout,
        }
        self._names = []
        ways = ["", "_reverse"] if bidirectional else [""]
        rows = self._gates * hidden_size
        for layer in range(num_layers):
            features = len(ways) * hidden_size if layer else input_size
            for way in ways:
                shapes = {"weight_ih": (rows, features), "weight_hh": (rows, hidden_size)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                for kind, shape in shapes.items():
                    self._names.append(f"{kind}_l{layer}{way}")
                    setattr(self, self._names[-1], _uniform(shape, 1 / math.sqrt(hidden_size)))

    def _run(self, x, state):
        weights = [getattr(self, name) for name in self._names]
        return x.recurrent(self._cell, weights, state, **self._options)


class RNN(_Recurrent):
    """`h' = tanh(W·x + U·h + b)` over a sequence, in one or several layers; `nonlinearity` may be `"relu"`.

    Input `[steps, batch, features]`; gives the outputs and the state `[layers · directions, batch, hidden]`.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, *, nonlinearity="tanh", **options):
        self._cell = f"rnn_{nonlinearity}"
        super().__init__(input_size, hidden_size, num_layers, **options)

    def __call__(self, x, h=None):
        output, h = self._run(x, [] if h is None else [h])
        return output, h


class GRU(_Recurrent):
    """A gated recurrent unit over a sequence, in one or several layers.

    Input `[steps, batch, features]`; gives the outputs and the state `[layers · directions, batch, hidden]`.
    """

    _gates, _cell = 3, "gru"
    __call__ = RNN.__call__


class LSTM(_Recurrent):
    """Long short-term memory over a sequence, in one or several layers.

    Input `[steps, batch, features]`; gives the outputs and the states `[layers · directions, batch, hidden]`.
    """

    _gates, _cell = 4, "lstm"

    def __call__(self, x, hc=None):
        output, h, c = self._run(x, list(hc or ()))
        return output, (h, c)


class LSTMCell:
    """One step of an LSTM: input `[batch, features]` and the last states `[batch, hidden]`; gives the next."""

    def __init__(self, input_size, hidden_size, bias=True):
        input_size, hidden_size = whole("LSTMCell", input_size, hidden_size)
        bound = 1 / math.sqrt(hidden_size)
        self.weight_ih = _uniform((4 * hidden_size, input_size), bound)
        self.weight_hh = _uniform((4 * hidden_size, hidden_size), bound)
        self.bias_ih, self.bias_hh = (_uniform((4 * hidden_size,), 0) if bias else None for _ in range(2))

    def __call__(self, x, hc=None):
        weights = [t for t in (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh) if t is not None]
        state = [t.unsqueeze(0) for t in hc or ()]
        _, h, c = x.unsqueeze(0).recurrent("lstm", weights, state, bias=len(weights) == 4)
        return h.squeeze(0), c.squeeze(0)
