"""Writes files.json: small files saved by PyTorch and by safetensors (as base64), and what they hold.

    pip install torch safetensors numpy && python tests/reference/files.py
"""

import base64
import collections
import io
import json
import os
import pathlib

import safetensors.torch
import torch

torch.manual_seed(0)
DTYPES = ["bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


def all_dtypes():
    values = [[-2.5, 0, 1], [3, 100, 7]]
    return {name: torch.tensor(values).to(getattr(torch, name)) for name in DTYPES}


def trained():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(4, 2)).square().mean().backward()
    optimizer.step()
    return model, optimizer


def views():
    base = torch.arange(24, dtype=torch.float32)
    return {
        "transposed": base.reshape(4, 6).t(),
        "permuted": base.reshape(2, 3, 4).permute(2, 0, 1),
        "later": base[5:9],
        "columns": base.reshape(4, 6)[:, 1:3],
        "stepped": base[::5],
        "expanded": base[2:3].expand(2, 3),
        "scalar": base[7],
        "empty": torch.zeros(0, 3),
    }


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


def saved(what, **options):
    out = io.BytesIO()
    torch.save(what, out, **options)
    return out.getvalue()


def flat(what, path=""):
    if isinstance(what, torch.Tensor):
        numbers = what.double() if what.is_floating_point() else what
        values = [x if isinstance(x, bool) else float(f"{x:.8g}") if isinstance(x, float) else x
                  for x in numbers.detach().reshape(-1).tolist()]
        yield path or "tensor", {"dtype": str(what.dtype)[6:], "shape": list(what.shape), "values": values}
    items = what.items() if isinstance(what, dict) else enumerate(what) if isinstance(what, (list, tuple)) else []
    for key, inner in items:
        yield from flat(inner, f"{path}.{key}" if path else str(key))


def row(name, data, holds=None, error=None):
    text = base64.b64encode(data).decode()
    return {"name": name, "base64": text, **({"error": error} if error else {"holds": dict(flat(holds))})}


def pt(name, what, error=None, **options):
    return row(name, saved(what, **options), what, error)


model, optimizer = trained()
checkpoint = {
    "model": model.state_dict(),
    "optimizer": optimizer.state_dict(),
    "epoch": 3,
    "best": 0.25,
    "seen": 2**40,
    "name": "naïve",
    "rest": [None, (True, False, -1, 70000), torch.ones(2)],
}
deep = torch.ones(1)
for _ in range(70):
    deep = [deep]

files = {
    "torch": [
        pt("state dict", model.state_dict()),
        pt("checkpoint", checkpoint),
        pt("views", views()),
        pt("dtypes", all_dtypes()),
        pt("uint32", {"x": torch.tensor([1, 2**32 - 1], dtype=torch.uint32)}),
        pt("parameters", collections.OrderedDict(w=torch.nn.Parameter(torch.ones(2, 2)))),
        pt("a lone tensor", torch.tensor([1.5, -2])),
        pt("protocol 4", {"w": torch.ones(3)}, pickle_protocol=4),
        pt("module", torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear"),
        pt("evil", {"w": Evil()}, "posix.system"),
        pt("complex", {"w": torch.zeros(1, dtype=torch.complex64)}, "complex64"),
        pt("deep", deep, "too many nested"),
        pt("old format", {"w": torch.ones(1)}, "before PyTorch 1.6", _use_new_zipfile_serialization=False),
    ],
    "safetensors": [
        row("dtypes", safetensors.torch.save(all_dtypes()), all_dtypes()),
        row(
            "metadata",
            safetensors.torch.save({"b": torch.ones(2), "a": torch.zeros(0, 4)}, {"format": "pt", "note": "ü\n"}),
            {"b": torch.ones(2), "a": torch.zeros(0, 4)},
        ),
        row("float8", safetensors.torch.save({"w": torch.zeros(2).to(torch.float8_e4m3fn)}), error="w of F8_E4M3"),
    ],
}
lines = json.dumps(files, separators=(",", ":"), ensure_ascii=False).replace(',{"name"', ',\n{"name"')
(pathlib.Path(__file__).parent / "files.json").write_text(lines + "\n")
