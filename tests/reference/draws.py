"""Writes draws.json: what tinygrad draws, call by call, after `Tensor.manual_seed`.

    pip install tinygrad numpy && python tests/reference/draws.py

A run is a seed and calls in order: a method of the table with its arguments by name, or the initialiser of a layer.
"""

import json
import os
import pathlib

os.environ.setdefault("DEV", "PYTHON")

from tinygrad import Context, Tensor, dtypes, nn

RUNS = [
    (0, [
        ("rand", {"shape": [5]}), ("rand", {"shape": [2, 3]}), ("randn", {"shape": [4]}), ("rand", {"shape": [1]}),
        ("rand", {"shape": [0]}), ("rand", {"shape": []}), ("randn", {"shape": [3, 1, 3]}), ("rand", {"shape": [33]}),
        ("randint", {"shape": [7], "low": -5, "high": 90}), ("randint", {"shape": [2, 2]}),
        ("uniform", {"shape": [3], "low": -2.0, "high": 3.0}), ("normal", {"shape": [5], "mean": 10.0, "std": 2.0}),
        ("scaled_uniform", {"shape": [2, 4]}), ("glorot_uniform", {"shape": [2, 3]}),
        ("kaiming_uniform", {"shape": [2, 3]}), ("kaiming_uniform", {"shape": [2, 3, 2], "a": 0.5}),
        ("kaiming_normal", {"shape": [3, 2]}), ("kaiming_normal", {"shape": [2, 3, 1], "a": 1.0}),
    ]),
    (1337, [("randn", {"shape": [3]})] * 3 + [("rand", {"shape": [4]})] * 20),
    (2**32 - 1, [("rand", {"shape": [3]}), ("randint", {"shape": [5], "low": 0, "high": 1000000})]),
    (7, [
        ("dropout", {"shape": [3, 4], "p": 0.3}), ("dropout", {"shape": [9], "p": 0.5}), ("rand", {"shape": [2]}),
        ("Linear", {"sizes": [3, 2]}), ("Linear", {"sizes": [2, 4]}), ("Embedding", {"sizes": [4, 3]}),
        ("rand", {"shape": [2]}),
    ]),
    (42, [
        ("randperm", {"n": 7}), ("randperm", {"n": 20}), ("multinomial", {"weights": [1.0, 2.0, 3.0, 4.0], "num_samples": 6, "replacement": True}),
        ("multinomial", {"weights": [1.0, 2.0, 3.0, 4.0], "num_samples": 3}), ("multinomial", {"weights": [0.0, 5.0, 1.0]}),
        ("multinomial", {"weights": [[1.0, 0.0], [1.0, 3.0]], "num_samples": 4, "replacement": True}),
        ("rand", {"shape": [3]}),
    ]),
    (3, [
        ("rand", {"shape": [5], "dtype": "float16"}), ("rand", {"shape": [3], "dtype": "bfloat16"}),
        ("randn", {"shape": [4], "dtype": "float16"}), ("rand", {"shape": [3]}),
    ]),
]


def draw(name, args):
    args = dict(args)
    if name in ("Linear", "Embedding"):
        layer = getattr(nn, name)(*args["sizes"])
        return [layer.weight] + ([layer.bias] if name == "Linear" else [])
    if "dtype" in args:
        args["dtype"] = getattr(dtypes, args["dtype"])
    if name == "dropout":
        with Context(TRAINING=1):
            return [Tensor.ones(*args["shape"]).dropout(args["p"]).realize()]
    if name == "multinomial":
        return [Tensor(args.pop("weights")).multinomial(**args)]
    shape = args.pop("shape", None)
    return [getattr(Tensor, name)(*([shape] if shape is not None else []), **args)]


runs = []
for seed, calls in RUNS:
    Tensor.manual_seed(seed)
    rows = []
    for name, args in calls:
        outs = [out.realize().float().flatten().tolist() for out in draw(name, args)]
        rows.append({"name": name, "args": args, "outs": [[float(f"{v:.9g}") for v in out] for out in outs]})
    runs.append({"seed": seed, "calls": rows})
path = pathlib.Path(__file__).parent / "draws.json"
lines = [json.dumps(run, separators=(",", ":")) for run in runs]
path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
print(f"{sum(len(r['calls']) for r in runs)} calls, {path.stat().st_size} bytes")
