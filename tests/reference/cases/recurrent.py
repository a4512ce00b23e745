"""Recurrent layers with given weights; the gradients are of the input, all weights and the first states."""

import torch

from draw import case, f

LAYERS = {"rnn_tanh": torch.nn.RNN, "rnn_relu": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def recurrent(x, *rest, cell, state=(), bias=True, bidirectional=False, batch_first=False):
    weights, first = rest[: len(rest) - len(state)], rest[len(rest) - len(state) :]
    each, ways = 4 if bias else 2, 2 if bidirectional else 1
    kind = {"nonlinearity": cell[4:]} if cell.startswith("rnn") else {}
    layer = LAYERS[cell](
        x.shape[-1],
        weights[1].shape[1],
        len(weights) // each // ways,
        bias=bias,
        bidirectional=bidirectional,
        batch_first=batch_first,
        **kind,
    )
    named = dict(zip([name for name, _ in layer.named_parameters()], weights))
    given = () if not state else (first if cell == "lstm" else first[0],)
    output, last = torch.func.functional_call(layer, named, (x, *given))
    return [output, *(last if cell == "lstm" else [last])]


OPS = {"recurrent": recurrent}


def weights(cell, inputs, hidden, layers=1, bias=True, ways=1):
    rows = GATES[cell] * hidden
    small = {"low": -0.8, "high": 0.8}
    for layer in range(layers):
        features = inputs if layer == 0 else ways * hidden
        for _ in range(ways):
            yield from (f(rows, features, **small), f(rows, hidden, **small))
            if bias:
                yield from (f(rows, **small), f(rows, **small))


def run(cell, x, layers=1, bias=True, bidirectional=False, first=None, **args):
    """`first`: the shape of the first states."""
    ways = 2 if bidirectional else 1
    all = [*weights(cell, x["shape"][-1], 2, layers, bias, ways)]
    states = [] if first is None else [f(*first)] * (2 if cell == "lstm" else 1)
    if states:
        args["state"] = [f"${1 + len(all) + n}" for n in range(len(states))]
    if bidirectional:
        args["bidirectional"] = True
    if not bias:
        args["bias"] = False
    case("recurrent", x, *all, *states, cell=cell, **args)


for cell in LAYERS:
    run(cell, f(2, 2, 3), first=(1, 2, 2))
for cell in ("rnn_tanh", "gru", "lstm"):
    run(cell, f(3, 3), bias=False)
for cell in ("rnn_relu", "lstm"):
    run(cell, f(2, 3, 2), layers=2, bidirectional=True, first=(4, 2, 2), batch_first=True)
run("gru", f(8, 1, 2))
run("lstm", f(1, 2), first=(1, 2))
