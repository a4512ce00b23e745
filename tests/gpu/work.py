"""The work that `playgrad bench` measures, for PyTorch and tinygrad: one definition over the names they share."""

import time

LAPS = 7


def median_lap(run, wait, seconds):
    """Seconds of one `run`: the median of laps that each end in `wait`."""

    def lap(n):
        start = time.perf_counter()
        for _ in range(n):
            run()
        wait()
        return time.perf_counter() - start

    lap(2)
    n, took = 1, lap(1)
    while took < seconds / LAPS / 2:
        n *= 2
        took = lap(n)
    return sorted(lap(n) / n for _ in range(LAPS))[LAPS // 2]


def mlp(e, p, x):
    x = (e.float(x) / 255).reshape(-1, 784)
    return e.linear(e.linear(x, p["0.weight"], p["0.bias"]).relu(), p["2.weight"], p["2.bias"])


def cnn(e, p, x):
    x = (e.float(x) / 255).reshape(-1, 1, 28, 28)
    x = e.half(e.conv2d(x, p["0.weight"], p["0.bias"])).relu()
    x = e.half(e.conv2d(x, p["3.weight"], p["3.bias"])).relu().flatten(1)
    return e.linear(e.linear(x, p["7.weight"], p["7.bias"]).relu(), p["9.weight"], p["9.bias"])


def beautiful(e, p, x):
    x = e.float(x).reshape(-1, 1, 28, 28)
    for first, second, norm in (("0", "2", "4"), ("6", "8", "10")):
        for layer in (first, second):
            x = e.conv2d(x, p[f"{layer}.weight"], p[f"{layer}.bias"]).relu()
        x = e.half(e.batch_norm(x, p[f"{norm}.weight"], p[f"{norm}.bias"]))
    return e.linear(x.flatten(1), p["13.weight"], p["13.bias"])


def gpt(e, p, x, layers, heads):
    batch, length = x.shape
    x = e.embedding(p["0.token.weight"], x) + p["0.position.weight"]
    width = x.shape[-1]

    def layer(name, x):
        return e.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    def norm(name, x):
        return e.layer_norm(x, p[f"{name}.weight"], p[f"{name}.bias"])

    for i in range(1, layers + 1):
        q = layer(f"{i}.attend", norm(f"{i}.norm1", x)).reshape(batch, length, 3, heads, width // heads)
        q = q.permute(2, 0, 3, 1, 4)
        out = e.attention(q[0], q[1], q[2]).permute(0, 2, 1, 3).reshape(batch, length, width)
        x = x + layer(f"{i}.project", out)
        x = x + layer(f"{i}.shrink", e.gelu(layer(f"{i}.grow", norm(f"{i}.norm2", x))))
    out = layer(str(layers + 2), norm(str(layers + 1), x))
    return out.reshape(batch * length, -1)


MODELS = {
    "mnist-mlp": mlp,
    "mnist-cnn": cnn,
    "beautiful-mnist": beautiful,
    "gpt-nano": lambda e, p, x: gpt(e, p, x, 3, 3),
    "gpt-mini": lambda e, p, x: gpt(e, p, x, 6, 6),
}

OPS = {
    "matmul": lambda e, a, b: a @ b,
    "add": lambda e, a, b: a + b,
    "gelu": lambda e, a: e.gelu(a),
    "sum": lambda e, a: a.sum(),
    "sum_rows": lambda e, a: a.sum(1),
    "sum_columns": lambda e, a: a.sum(0),
    "max_rows": lambda e, a: e.max_rows(a),
    "softmax": lambda e, a: a.softmax(-1),
    "layernorm": lambda e, a: e.layer_norm(a, None, None),
    "conv2d": lambda e, a, w: e.conv2d(a, w, None),
    "attention": lambda e, q, k, v: e.attention(q, k, v),
}


def is_trained(name):
    return name not in ("rows", "labels") and not name.endswith(
        ("running_mean", "running_var", "num_batches_tracked")
    )
