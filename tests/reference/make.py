"""Writes ops.json: for every case the forward output of PyTorch and the gradients of sum(output * weights).

    pip install torch && python tests/reference/make.py

Inputs are not stored: they come from a linear congruential generator that tests/ops.rs repeats. Its state starts
at the case's seed, `state = (1664525 * state + 1013904223) mod 2**32`, and a value is `low + (high - low) * u` with
`u = (state >> 8) / 2**24` in float64, rounded to float32; integers are `low + floor((high - low) * u)`. Inputs are
drawn in order, element by element, then the weights from [-1, 1]. A `view` lists movements applied to an input
before the operation; gradients are of what stood before the view.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


class Draw:
    def __init__(self, seed):
        self.state = seed

    def unit(self):
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return (self.state >> 8) / 2**24

    def tensor(self, shape, dtype, low, high):
        values = [low + (high - low) * self.unit() for _ in range(math.prod(shape))]
        if dtype != "float32":
            values = [math.floor(v) for v in values]
        return torch.tensor(values, dtype=getattr(torch, dtype)).reshape(shape)


def f(*shape, low=-2, high=2, view=()):
    return {"shape": shape, "dtype": "float32", "low": low, "high": high, "view": view}


def pos(*shape, low=0.1, high=2, view=()):
    return f(*shape, low=low, high=high, view=view)


def i(*shape, low=-5, high=6, dtype="int32", view=()):
    return {"shape": shape, "dtype": dtype, "low": low, "high": high, "view": view}


def b(*shape):
    return i(*shape, low=0, high=2, dtype="bool")


def take(x, parts):
    for axis, part in enumerate(parts):
        if isinstance(part, list):
            start, stop, step = (*part, 1)[:3]
            if step < 0:
                places = range(x.shape[axis])[start:stop:step]
                x = x.index_select(axis, torch.tensor(list(places), dtype=torch.int64))
            else:
                x = x[(slice(None),) * axis + (slice(start, stop, step),)]
    for axis in reversed(range(len(parts))):
        if isinstance(parts[axis], int):
            x = x.select(axis, parts[axis])
    return x


def pad(x, pairs, value=0.0):
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=value)


MOVES = {
    "permute": lambda x, a: x.permute(a),
    "flip": lambda x, a: x.flip(a),
    "expand": lambda x, a: x.expand(a),
    "reshape": lambda x, a: x.reshape(a),
    "slice": take,
    "pad": pad,
}


def axis(args):
    return args.get("axis"), args.get("keepdim", False)


def over(method):
    """A reduction over one axis, several, or all."""

    def run(x, args):
        dims, keep = axis(args)
        return method(x, list(range(x.ndim)) if dims is None else dims, keep)

    return run


def chained(method):
    """For PyTorch's one-axis reductions: one axis after another, from the last."""

    def run(x, args):
        dims, keep = axis(args)
        dims = range(x.ndim) if dims is None else [dims] if isinstance(dims, int) else dims
        for dim in sorted((d % x.ndim for d in dims), reverse=True):
            x = method(x, dim, keep)
        return x

    return run


def arg(method):
    return lambda x, args: method(x, args.get("axis"), keepdim=args.get("keepdim", False)).int()


def conv2d(x, w, *bias, args):
    return F.conv2d(x, w, *bias, **args)


def max_pool2d(x, args):
    return F.max_pool2d(x, args["kernel"], args.get("stride"), args.get("padding", 0))


def avg_pool2d(x, args):
    return F.avg_pool2d(x, args["kernel"], args.get("stride"), args.get("padding", 0))


def attention(q, k, v):
    return F.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), -1) @ v


def unary(method):
    return lambda x, args: method(x)


def binary(method):
    """Of two tensors, or a tensor and the number args["value"]."""
    return lambda *x, args: method(*x, *([args["value"]] if "value" in args else []))


UNARY = {
    **{name: getattr(torch, name) for name in (
        "neg exp exp2 log log2 sqrt rsqrt reciprocal sin cos tanh sigmoid relu abs sign square floor ceil round trunc".split()
    )},
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "elu": F.elu,
    "softplus": F.softplus,
    "logical_not": torch.logical_not,
    "float": lambda x: x.float(),
    "int": lambda x: x.int(),
    "contiguous": lambda x: x.contiguous(),
    "t": lambda x: x.transpose(-2, -1),
}
BINARY = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.true_divide, "pow": torch.pow, "mod": torch.remainder,
    "maximum": torch.maximum, "minimum": torch.minimum,
    "eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge,
}
OPS = {
    **{name: unary(method) for name, method in UNARY.items()},
    **{name: binary(method) for name, method in BINARY.items()},
    "leaky_relu": lambda x, args: F.leaky_relu(x, args.get("slope", 0.01)),
    "clip": lambda x, args: x.clamp(args["low"], args["high"]),
    "cast": lambda x, args: x.to(getattr(torch, args["dtype"])),
    "where": lambda *x, args: torch.where(x[0], *x[1:], *([args["value"]] if "value" in args else [])),
    "sum": over(lambda x, dims, keep: x.sum(dims, keepdim=keep)),
    "mean": over(lambda x, dims, keep: x.mean(dims, keepdim=keep)),
    "max": over(lambda x, dims, keep: x.amax(dims, keepdim=keep)),
    "min": over(lambda x, dims, keep: x.amin(dims, keepdim=keep)),
    "var": over(lambda x, dims, keep: x.var(dims, keepdim=keep)),
    "std": over(lambda x, dims, keep: x.std(dims, keepdim=keep)),
    "prod": chained(lambda x, dim, keep: x.prod(dim, keepdim=keep)),
    "logsumexp": over(lambda x, dims, keep: x.logsumexp(dims, keepdim=keep)),
    "argmax": arg(torch.argmax),
    "argmin": arg(torch.argmin),
    "softmax": lambda x, args: x.softmax(args.get("axis", -1)),
    "log_softmax": lambda x, args: x.log_softmax(args.get("axis", -1)),
    "reshape": lambda x, args: x.reshape(args["shape"]),
    "permute": lambda x, args: x.permute(args["axes"]),
    "transpose": lambda x, args: x.transpose(args["a"], args["b"]),
    "expand": lambda x, args: x.expand(args["shape"]),
    "pad": lambda x, args: pad(x, args["pairs"], args.get("value", 0.0)),
    "shrink": lambda x, args: take(x, args["pairs"]),
    "slice": lambda x, args: take(x, args["parts"]),
    "flip": lambda x, args: x.flip(args["axes"]),
    "squeeze": lambda x, args: x.squeeze(args["axis"]) if "axis" in args else x.squeeze(),
    "unsqueeze": lambda x, args: x.unsqueeze(args["axis"]),
    "flatten": lambda x, args: x.flatten(args.get("start", 0)),
    "cat": lambda *x, args: torch.cat(x, args["axis"]),
    "stack": lambda *x, args: torch.stack(x, args["axis"]),
    "repeat": lambda x, args: x.repeat(args["times"]),
    "gather": lambda x, idx, args: x.gather(args["axis"], idx.long()),
    "index": lambda x, idx, args: x[idx.long()],
    "one_hot": lambda x, args: F.one_hot(x.long(), args["classes"]).int(),
    "matmul": lambda x, y, args: x @ y,
    "linear": lambda x, w, *bias, args: F.linear(x, w, *bias),
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "layer_norm": lambda x, *wb, args: F.layer_norm(x, args["shape"], *wb, eps=1e-5),
    "batch_norm": lambda x, w, bias, args: F.batch_norm(x, None, None, w, bias, training=True, eps=1e-5),
    "cross_entropy": lambda x, t, args: F.cross_entropy(x, t if t.is_floating_point() else t.long()),
    "mse": lambda x, t, args: F.mse_loss(x, t),
    "binary_cross_entropy": lambda x, t, args: F.binary_cross_entropy(x, t),
    "arange": lambda args: torch.arange(*args["range"], dtype=torch.float32 if args.get("float") else torch.int32),
    "linspace": lambda args: torch.linspace(args["start"], args["stop"], args["steps"]),
    "eye": lambda args: torch.eye(args["n"]),
    "full": lambda args: torch.full(args["shape"], args["value"]),
    "chain_mlp": lambda x, w1, b1, w2, b2, t, args: F.cross_entropy(F.relu(x @ w1 + b1) @ w2 + b2, t.long()),
    "chain_attention": lambda q, k, v, args: attention(q, k, v),
    "chain_conv_pool": lambda x, w, bias, args: F.max_pool2d(F.relu(F.conv2d(x, w, bias)), 2).flatten(1),
    "chain_norm_residual": lambda x, w, bias, args: x + F.layer_norm(x, x.shape[-1:], w, bias).tanh() * x,
    "chain_shared": lambda x, args: (x.exp() * x.sin() + x.exp()).sum(1) * x.mean(1),
    "chain_bias_sum": lambda x, y, args: ((x + y).sum(0, keepdim=True) * y).softmax(-1),
    "chain_moved": lambda x, args: (x.transpose(0, 1).flip([0])[:, 1:].reshape(-1) * 2).relu(),
}

CASES = []


def case(op, *inputs, **args):
    CASES.append({"op": op, "inputs": inputs, "args": args})


for op in "neg exp exp2 sin cos tanh sigmoid relu gelu silu elu softplus abs square".split():
    case(op, f(3, 5))
case("exp", f(2, 3, low=-80, high=80))
case("tanh", f(2, 5, low=-30, high=30))
case("sigmoid", f(2, 5, low=-30, high=30))
case("softplus", f(2, 5, low=-15, high=15))
case("gelu", f(7, low=-8, high=8))
case("sin", f(6, low=-20, high=20))
for op in "log log2 sqrt rsqrt reciprocal".split():
    case(op, pos(3, 5))
for op in "sign floor ceil round trunc".split():
    case(op, f(3, 4, low=-4, high=4))
case("leaky_relu", f(3, 4))
case("leaky_relu", f(3, 4), slope=0.2)
case("clip", f(3, 4), low=-0.5, high=1.0)
case("logical_not", b(5))
case("float", i(4))
case("int", f(7, low=-9, high=9))
case("cast", f(5, low=0, high=250), dtype="uint8")
case("cast", i(5), dtype="bool")
case("cast", b(5), dtype="float32")
case("neg", f())
case("exp", f(1))
case("square", f(0, 3))
case("relu", f(4, 6, view=[["permute", [1, 0]], ["slice", [[1, 5, 2], [0, 4]]]]))
case("tanh", f(3, 1, view=[["expand", [3, 4]]]))

for op in "add sub mul maximum minimum".split():
    case(op, f(2, 3), f(2, 3))
    case(op, f(4, 1, 3), f(2, 1))
case("div", f(2, 3), pos(3))
case("div", f(3, 1), pos(1, 4))
case("div", i(5), i(5, low=1, high=4))
for op in "add sub mul div".split():
    case(op, f(2, 3), value=1.5)
case("add", i(2, 3), i(3))
case("add", i(4), f(4))
case("mul", i(2, 2), value=3)
case("add", f(), f(2, 2))
case("add", f(0, 3), f(3))
case("add", f(3, 4, view=[["permute", [1, 0]]]), f(4, 3, view=[["flip", [0]]]))
case("mul", f(5, view=[["pad", [[1, 2]]]]), f(8))
case("pow", pos(2, 3), f(3))
case("pow", f(2, 3), value=2)
case("pow", f(2, 3), value=3)
case("pow", pos(2, 3), value=0.5)
case("pow", pos(2, 3), value=-1.5)
case("mod", f(2, 5, low=-9, high=9), pos(5, low=1, high=3))
case("mod", i(8, low=-9, high=10), value=4)
case("maximum", f(2, 3), f(1))
for op in "eq ne lt le gt ge".split():
    case(op, i(3, 4, low=0, high=3), i(4, low=0, high=3))
case("lt", f(2, 3), value=0.5)
case("eq", i(6, low=0, high=3), value=1)
case("where", b(2, 3), f(2, 3), f(3))
case("where", b(3, 1), f(1, 4), f())
case("where", b(2, 3), f(2, 3), value=-1.0)

for op in "sum mean max min prod".split():
    case(op, f(3, 4))
    case(op, f(3, 4, 2), axis=1)
    case(op, f(3, 4, 2), axis=-1, keepdim=True)
    case(op, f(2, 3, 4), axis=[0, 2])
for op in "sum max mean".split():
    case(op, f(4, 5, view=[["permute", [1, 0]], ["flip", [1]]]), axis=0)
case("sum", f(1, 1), axis=0)
case("sum", f(0, 3), axis=0)
case("sum", f())
case("sum", i(3, 4), axis=1)
case("sum", b(3, 4), axis=0)
case("max", i(3, 4), axis=1)
case("sum", f(2, 300), axis=1)
case("mean", f(300, 2), axis=0)
case("var", f(3, 4))
case("var", f(3, 4, 2), axis=1, keepdim=True)
case("std", f(3, 5), axis=-1)
case("logsumexp", f(3, 5), axis=1)
case("logsumexp", f(3, 5, low=60, high=100))
for op in ("softmax", "log_softmax"):
    case(op, f(3, 5))
    case(op, f(2, 3, 4), axis=1)
    case(op, f(2, 4, low=-100, high=100))
case("softmax", f(3, 1))
case("softmax", f(4, 3, view=[["permute", [1, 0]]]))
for op in ("argmax", "argmin"):
    case(op, f(4, 5))
    case(op, f(4, 5), axis=1)
    case(op, f(4, 5, 2), axis=-2, keepdim=True)
case("argmax", i(3, 6, low=0, high=100), axis=1)

case("reshape", f(2, 6), shape=[3, 4])
case("reshape", f(2, 6), shape=[-1, 2, 1])
case("reshape", f(3, 4, view=[["permute", [1, 0]]]), shape=[2, 6])
case("permute", f(2, 3, 4), axes=[2, 0, 1])
case("transpose", f(2, 3, 4), a=-1, b=0)
case("t", f(2, 3))
case("expand", f(1, 3, 1), shape=[4, 3, 2])
case("pad", f(2, 3), pairs=[[1, 0], [2, 1]])
case("pad", f(2, 3), pairs=[[0, 1], [1, 1]], value=-1.5)
case("shrink", f(4, 5), pairs=[[1, 3], [0, 4]])
case("slice", f(5, 4), parts=[[1, 4], 2])
case("slice", f(5, 4), parts=[-1])
case("slice", f(6, 5), parts=[[0, 6, 2], [-3, None]])
case("slice", f(6, 3), parts=[[None, None, -1]])
case("slice", f(7, 3), parts=[[5, 0, -2], None])
case("slice", f(4, 3), parts=[[2, 2]])
case("flip", f(2, 3, 2), axes=[0, -1])
case("squeeze", f(1, 3, 1))
case("squeeze", f(1, 3, 1), axis=-1)
case("unsqueeze", f(2, 3), axis=-1)
case("unsqueeze", f(2, 3), axis=1)
case("flatten", f(2, 3, 2))
case("flatten", f(2, 3, 2), start=1)
case("cat", f(2, 3), f(1, 3), f(2, 3), axis=0)
case("cat", f(2, 3), f(2, 2), axis=-1)
case("cat", i(2), i(3), axis=0)
case("cat", f(0, 2), f(3, 2), axis=0)
case("stack", f(2, 3), f(2, 3), axis=0)
case("stack", f(2, 3), f(2, 3), f(2, 3), axis=-1)
case("repeat", f(2, 3), times=[2, 2])
case("repeat", f(3), times=[2, 1])
case("contiguous", f(3, 4, view=[["permute", [1, 0]]]))

case("gather", f(4, 5), i(4, 2, low=0, high=5), axis=1)
case("gather", f(4, 5), i(3, 5, low=0, high=4), axis=0)
case("gather", f(2, 3, 4), i(2, 3, 2, low=0, high=4), axis=-1)
case("index", f(6, 3), i(4, low=0, high=6))
case("index", f(6, 2, 2), i(2, 3, low=0, high=6))
case("index", f(5), i(7, low=0, high=5))
case("index", f(5, 2), i(4, low=-5, high=5))
case("index", i(6, 2, dtype="uint8", low=0, high=255), i(3, low=0, high=6))
case("one_hot", i(5, low=0, high=4), classes=4)

case("matmul", f(3, 4), f(4, 5))
case("matmul", f(4), f(4))
case("matmul", f(3, 4), f(4))
case("matmul", f(4), f(4, 3))
case("matmul", f(2, 3, 4), f(2, 4, 2))
case("matmul", f(2, 1, 3, 4), f(3, 4, 2))
case("matmul", f(3, 1), f(1, 4))
case("matmul", f(1, 7), f(7, 1))
case("matmul", f(17, 9), f(9, 18))
case("matmul", f(4, 3, view=[["permute", [1, 0]]]), f(5, 4, view=[["permute", [1, 0]]]))
case("matmul", f(3, 65), f(65, 3))
case("matmul", f(2, 0), f(0, 3))
case("matmul", i(2, 3), i(3, 2))
case("linear", f(3, 4), f(2, 4), f(2))
case("linear", f(2, 3, 4), f(5, 4))

case("conv2d", f(1, 1, 5, 5), f(1, 1, 3, 3))
case("conv2d", f(2, 3, 6, 5), f(4, 3, 3, 2), f(4))
case("conv2d", f(1, 2, 5, 6), f(3, 2, 3, 3), padding=1)
case("conv2d", f(1, 2, 6, 6), f(3, 2, 3, 3), stride=2)
case("conv2d", f(1, 2, 7, 6), f(2, 2, 3, 3), f(2), stride=2, padding=1)
case("conv2d", f(1, 1, 7, 7), f(2, 1, 3, 3), dilation=2)
case("conv2d", f(1, 2, 7, 8), f(2, 2, 2, 3), stride=[2, 3], padding=[1, 2], dilation=[2, 1])
case("conv2d", f(2, 4, 5, 5), f(6, 2, 3, 3), groups=2)
case("conv2d", f(1, 3, 5, 5), f(3, 1, 3, 3), f(3), groups=3, padding=1)
case("conv2d", f(1, 4, 6, 6), f(4, 2, 2, 2), groups=2, stride=2, dilation=2, padding=1)
case("conv2d", f(2, 3, 4, 4), f(5, 3, 1, 1))
case("conv2d", f(1, 2, 4, 4), f(3, 2, 4, 4))
case("conv2d", f(1, 1, 6, 6), f(2, 1, 2, 2), stride=2)
case("conv2d", f(1, 1, 5, 5), f(1, 1, 2, 2), stride=3)
for op in ("max_pool2d", "avg_pool2d"):
    case(op, f(2, 2, 4, 6), kernel=2)
    case(op, f(1, 2, 5, 5), kernel=2)
    case(op, f(1, 2, 6, 5), kernel=[3, 2], stride=1)
    case(op, f(1, 1, 7, 7), kernel=3, stride=2)
    case(op, f(1, 1, 5, 7), kernel=2, stride=3)
    case(op, f(1, 1, 6, 6), kernel=3, stride=2, padding=1)

case("layer_norm", f(3, 6), shape=[6])
case("layer_norm", f(2, 3, 4), f(3, 4), f(3, 4), shape=[3, 4])
case("batch_norm", f(3, 2, 3, 3), f(2), f(2))
case("batch_norm", f(6, 3), f(3), f(3))
case("cross_entropy", f(4, 5), i(4, low=0, high=5))
case("cross_entropy", f(3, 10, low=-50, high=50), i(3, low=0, high=10))
case("cross_entropy", f(2, 3), pos(2, 3, low=0, high=1))
case("mse", f(3, 2), f(3, 2))
case("binary_cross_entropy", pos(5, low=0.05, high=0.95), pos(5, low=0, high=1))

case("arange", range=[5])
case("arange", range=[2, 11, 3])
case("arange", range=[5, 0, -2])
case("arange", range=[0.0, 1.0, 0.25], float=True)
case("linspace", start=-1.0, stop=1.0, steps=7)
case("eye", n=3)
case("full", shape=[2, 2], value=2.5)

case("chain_mlp", f(6, 5), f(5, 8), f(8), f(8, 4), f(4), i(6, low=0, high=4))
case("chain_attention", f(2, 4, 3), f(2, 5, 3), f(2, 5, 2))
case("chain_conv_pool", f(2, 2, 6, 6), f(3, 2, 3, 3), f(3))
case("chain_norm_residual", f(4, 6), f(6), f(6))
case("chain_shared", f(4, 5))
case("chain_bias_sum", f(4, 3), f(3))
case("chain_moved", f(3, 4))


def stored(x):
    values = x.detach().reshape(-1).tolist()
    return [float(f"{v:.7g}") if isinstance(v, float) else int(v) for v in values]


def run(seed, op, inputs, args):
    draw = Draw(seed)
    leaves = [draw.tensor(**{k: v for k, v in spec.items() if k != "view"}) for spec in inputs]
    leaves = [x.requires_grad_(x.is_floating_point()) for x in leaves]
    viewed = list(leaves)
    for n, spec in enumerate(inputs):
        for name, move in spec["view"]:
            viewed[n] = MOVES[name](viewed[n], move)
    out = OPS[op](*viewed, args=args)
    dtype = str(out.dtype).removeprefix("torch.").replace("int64", "int32")
    result = {"shape": list(out.shape), "dtype": dtype, "out": stored(out)}
    if out.requires_grad:
        weights = draw.tensor(out.shape, "float32", -1, 1)
        grads = torch.autograd.grad((out * weights).sum(), [x for x in leaves if x.requires_grad], allow_unused=True)
        result["grads"] = [None if g is None else stored(g) for g in grads]
    return result


rows = []
for seed, c in enumerate(CASES, start=1):
    rows.append(json.dumps({"seed": seed, **c, **run(seed, **c)}, separators=(",", ":"), allow_nan=False))
path = pathlib.Path(__file__).parent / "ops.json"
path.write_text("[\n" + ",\n".join(rows) + "\n]\n")
print(f"{len(rows)} cases, {path.stat().st_size} bytes, PyTorch {torch.__version__}")
