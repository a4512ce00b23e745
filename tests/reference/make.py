"""Writes values/THEME.json for each cases/THEME.py: for every case what PyTorch gives, and the gradients of
sum(output * weights).

    pip install torch && python tests/reference/make.py [THEME...]

A file of cases calls `case` of draw.py and holds PyTorch's side of each operation in `OPS`: a function of the
inputs in order and of the arguments by name.
"""

import importlib
import json
import math
import pathlib
import sys
import zlib

import torch

import draw

HERE = pathlib.Path(__file__).parent

torch.set_num_threads(1)


def number(x, digits=7):
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return float(f"{x:.{digits}g}") if isinstance(x, float) else int(x)


def stored(x):
    digits = 15 if x.dtype == torch.float64 else 7
    return [number(value, digits) for value in x.detach().reshape(-1).tolist()]


def text(value):
    return json.dumps(value, separators=(",", ":"))


def spelled(x):
    """What JSON has no spelling for as text."""
    if isinstance(x, dict):
        return {k: spelled(y) for k, y in x.items()}
    if isinstance(x, (list, tuple)):
        return [spelled(y) for y in x]
    return str(x) if isinstance(x, float) and not math.isfinite(x) else x


def run(ops, op, inputs, args, gradients=True):
    written = text([op, inputs, args])
    seed = zlib.crc32(written.encode())
    source = draw.Draw(seed)
    leaves = [source.tensor(**{k: x for k, x in spec.items() if k != "view"}) for spec in inputs]
    leaves = [x.requires_grad_(gradients and x.is_floating_point()) for x in leaves]
    viewed = list(leaves)
    for n, spec in enumerate(inputs):
        for name, move in spec["view"]:
            viewed[n] = draw.MOVES[name](viewed[n], move)
    named = set()

    def told(x):
        if isinstance(x, str) and x[:1] == "$":
            named.add(int(x[1:]))
            return viewed[int(x[1:])]
        return [told(y) for y in x] if isinstance(x, (list, tuple)) else x

    args_told = {a: told(x) for a, x in args.items()}
    outs = ops[op](*(x for n, x in enumerate(viewed) if n not in named), **args_told)
    outs = [x if torch.is_tensor(x) else torch.tensor(x) for x in (outs if isinstance(outs, (list, tuple)) else [outs])]
    result = {"seed": seed, "op": op, "inputs": spelled(inputs), "args": spelled(args), "outs": []}
    total = None
    for out in outs:
        dtype = str(out.dtype).removeprefix("torch.")
        if "int64" not in written:
            dtype = dtype.replace("int64", "int32")
        result["outs"].append({"shape": list(out.shape), "dtype": dtype, "values": stored(out)})
        if out.requires_grad:
            weighed = (out * source.tensor(out.shape, "float32", -1, 1)).sum()
            total = weighed if total is None else total + weighed
    if total is not None:
        floats = [x for x in leaves if x.requires_grad]
        grads = torch.autograd.grad(total, floats, allow_unused=True)
        result["grads"] = [None if g is None else stored(g) for g in grads]
    return result


def make(theme):
    draw.CASES.clear()
    module = importlib.import_module(f"cases.{theme}")
    rows = [text(run(module.OPS, **c)) for c in draw.CASES]
    path = HERE / "values" / f"{theme}.json"
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n")
    print(f"{theme}: {len(rows)} cases, {path.stat().st_size} bytes")


for theme in sys.argv[1:] or sorted(p.stem for p in (HERE / "cases").glob("*.py")):
    make(theme)
print(f"PyTorch {torch.__version__}")
