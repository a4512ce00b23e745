"""Runs ONNX's own tests, and models made here, against the import. Needs no network once its packages are installed.

    pip install onnx==1.17.0 onnxruntime
    python tests/onnx/run.py [TEST FILTER]
    python tests/onnx/run.py --fixtures      writes tests/onnx/fixtures anew

The node tests lie inside the onnx package (versions up to 1.18). The models have the shapes of MNIST-8, of a small
ResNet and of a transformer block, with random weights; onnxruntime gives their outputs, or onnx's reference
evaluator where it is not installed. Files that our export wrote are given to onnxruntime in turn.
"""

import json
import os
import pathlib
import subprocess
import struct
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(7)


class Graph:
    """Nodes and initialisers, each named by its number."""

    def __init__(self):
        self.nodes, self.initialisers = [], []

    def weight(self, *shape, scale=None):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 1
        values = rng.normal(0, scale or 1 / np.sqrt(fan), shape).astype(np.float32)
        return self.constant(values)

    def constant(self, values):
        name = f"c{len(self.initialisers)}"
        self.initialisers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def __call__(self, op, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"n{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def model(self, opset, output, rank, inputs):
        infos = [
            helper.make_tensor_value_info(name, TensorProto.INT64 if v.dtype == np.int64 else TensorProto.FLOAT, v.shape)
            for name, v in inputs.items()
        ]
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * rank)
        graph = helper.make_graph(self.nodes, "model", infos, [result], self.initialisers)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(made)
        return made


def mnist(opset):
    """MNIST-8: two convolutions with biases added apart, pooling, a product."""
    g = Graph()
    x = "x"
    for cin, cout, pool, stride in [(1, 8, 2, 2), (8, 16, 3, 3)]:
        x = g("Conv", x, g.weight(cout, cin, 5, 5), kernel_shape=[5, 5], auto_pad="SAME_UPPER", strides=[1, 1])
        x = g("Relu", g("Add", x, g.weight(cout, 1, 1)))
        x = g("MaxPool", x, kernel_shape=[pool, pool], strides=[stride, stride], pads=[0, 0, 0, 0])
    x = g("Reshape", x, g.constant(np.array([1, 256], np.int64)))
    w = g("Reshape", g.weight(16, 4, 4, 10, scale=0.06), g.constant(np.array([256, 10], np.int64)))
    x = g("Add", g("MatMul", x, w), g.weight(1, 10))
    inputs = {"x": rng.normal(size=(1, 1, 28, 28)).astype(np.float32)}
    return g.model(opset, x, 2, inputs), inputs


def resnet(opset, width=16, size=64):
    """ResNet: stem, residual blocks with batch normalization, two of them narrowing, global pooling."""
    g = Graph()

    def norm(x, n):
        variance = rng.uniform(0.5, 1.5, n).astype(np.float32)
        lists = [g.weight(n), g.weight(n), g.weight(n), g.constant(variance)]
        return g("BatchNormalization", x, *lists, epsilon=1e-5)

    def conv(x, cin, cout, k, stride=1):
        pads = [k // 2] * 4
        x = g("Conv", x, g.weight(cout, cin, k, k), kernel_shape=[k, k], strides=[stride] * 2, pads=pads)
        return norm(x, cout)

    x = g("Relu", conv("x", 3, width, 7, 2))
    x = g("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for cin, cout, stride in [(width, width, 1), (width, 2 * width, 2), (2 * width, 4 * width, 2)]:
        y = conv(g("Relu", conv(x, cin, cout, 3, stride)), cout, cout, 3)
        x = g("Relu", g("Add", y, x if cin == cout else conv(x, cin, cout, 1, stride)))
    x = g("Flatten", g("GlobalAveragePool", x))
    x = g("Softmax", g("Gemm", x, g.weight(10, 4 * width), g.weight(10), transB=1))
    inputs = {"x": rng.normal(size=(2, 3, size, size)).astype(np.float32)}
    return g.model(opset, x, 2, inputs), inputs


def transformer(opset):
    """Embedding, a causal attention block whose shapes come from Shape and Gather, a gelu by Erf, logits."""
    g = Graph()
    heads, width, vocabulary, length = 4, 32, 50, 12

    def integer(*values):
        return g.constant(np.array(values, np.int64))

    def size(x, axis):
        return g("Gather", g("Shape", x), integer(axis), axis=0)

    def layer_norm(x):
        mean = g("ReduceMean", x, axes=[-1])
        centred = g("Sub", x, mean)
        variance = g("ReduceMean", g("Pow", centred, g.constant(np.float32(2))), axes=[-1])
        root = g("Sqrt", g("Add", variance, g.constant(np.float32(1e-5))))
        return g("Add", g("Mul", g("Div", centred, root), g.weight(width)), g.weight(width))

    def split_heads(x):
        to = g("Concat", size("ids", 0), size("ids", 1), integer(heads), integer(width // heads), axis=0)
        return g("Transpose", g("Reshape", x, to), perm=[0, 2, 1, 3])

    x = g("Gather", g.weight(vocabulary, width, scale=1.0), "ids")
    places = g("Slice", g.weight(64, width, scale=1.0), integer(0), size("ids", 1))
    x = g("Add", x, places)
    q, k, v = g("Split", g("MatMul", layer_norm(x), g.weight(width, 3 * width)), outputs=3, axis=-1)
    q, k, v = split_heads(q), split_heads(k), split_heads(v)
    scores = g("Div", g("MatMul", q, g("Transpose", k, perm=[0, 1, 3, 2])), g.constant(np.float32(np.sqrt(8))))
    square = g("Concat", size("ids", 1), size("ids", 1), axis=0)
    ones = g("ConstantOfShape", square, value=numpy_helper.from_array(np.array([1], np.int64)))
    mask = g("Cast", g("Trilu", ones, upper=0), to=TensorProto.BOOL)
    scores = g("Where", mask, scores, g.constant(np.float32(-1e9)))
    mixed = g("Transpose", g("MatMul", g("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
    mixed = g("Reshape", mixed, g("Concat", size("ids", 0), size("ids", 1), integer(-1), axis=0))
    x = g("Add", x, g("MatMul", mixed, g.weight(width, width)))
    h = g("MatMul", layer_norm(x), g.weight(width, 4 * width))
    half = g("Mul", h, g.constant(np.float32(0.5)))
    erf = g("Erf", g("Div", h, g.constant(np.float32(np.sqrt(2)))))
    h = g("Mul", half, g("Add", erf, g.constant(np.float32(1))))
    x = g("Add", x, g("MatMul", h, g.weight(4 * width, width)))
    x = g("MatMul", x, g.weight(width, vocabulary))
    inputs = {"ids": rng.integers(0, vocabulary, (2, length))}
    return g.model(opset, x, 3, inputs), inputs


def upsampler(opset):
    """An encoder and decoder: strided and transposed convolutions, instance normalization, resizing, concatenation."""
    g = Graph()

    def conv(x, cin, cout, stride=1):
        return g("Conv", x, g.weight(cout, cin, 3, 3), g.weight(cout), pads=[1] * 4, strides=[stride] * 2)

    a = g("LeakyRelu", g("InstanceNormalization", conv("x", 3, 8), g.weight(8), g.weight(8)), alpha=0.1)
    b = g("Elu", conv(a, 8, 16, 2))
    region, scales = g.constant(np.zeros(0, np.float32)), g.constant(np.array([1, 1, 2, 2], np.float32))
    up = g("Resize", b, region, scales, mode="linear", coordinate_transformation_mode="half_pixel")
    near = g("Resize", b, region, scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    back = g("ConvTranspose", b, g.weight(16, 8, 2, 2), strides=[2, 2])
    x = g("Concat", a, up, near, back, axis=1)
    x = g("Clip", conv(x, 48, 3), g.constant(np.float32(-0.5)), g.constant(np.float32(0.5)))
    inputs = {"x": rng.normal(size=(1, 3, 16, 16)).astype(np.float32)}
    return g.model(opset, x, 4, inputs), inputs


def expected(model, inputs):
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(model).run(None, inputs)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, inputs)


def write(folder):
    for make, opsets in [(mnist, [8, 13, 22]), (resnet, [9, 13, 22]), (transformer, [14, 17]), (upsampler, [11, 18])]:
        for opset in opsets:
            model, inputs = make(opset)
            case = folder / f"{make.__name__}_opset{opset}"
            data = case / "test_data_set_0"
            data.mkdir(parents=True)
            onnx.save(model, case / "model.onnx")
            for i, (name, value) in enumerate(inputs.items()):
                (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(value, name).SerializeToString())
            for i, value in enumerate(expected(model, inputs)):
                (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(value, f"y{i}").SerializeToString())


def flat(value):
    return {"shape": value.shape, "values": [float(f"{x:.7g}") for x in value.ravel()]}


def fixtures(folder):
    """Small models with an input and onnxruntime's output, for the tests of the package."""
    folder.mkdir(exist_ok=True)
    for name, (model, inputs) in {"mnist": mnist(8), "resnet": resnet(17, width=4, size=16)}.items():
        onnx.save(model, folder / f"{name}.onnx")
        case = {"x": flat(inputs["x"]), "y": flat(expected(model, inputs)[0])}
        (folder / f"{name}.json").write_text(json.dumps(case) + "\n")


def safetensors(path):
    """Arrays by name."""
    file = path.read_bytes()
    size = struct.unpack("<Q", file[:8])[0]
    kinds = {"F32": np.float32, "I32": np.int32}
    for name, entry in json.loads(file[8 : 8 + size]).items():
        if name != "__metadata__":
            start, end = (8 + size + at for at in entry["data_offsets"])
            yield name, np.frombuffer(file[start:end], kinds[entry["dtype"]]).reshape(entry["shape"])


def exported(folder):
    """How far onnxruntime's outputs of the exported files are from ours."""
    worst = 0
    for path in sorted(folder.glob("*.onnx")):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        values = dict(safetensors(path.with_suffix(".safetensors")))
        y = values.pop("y")
        apart = np.abs(expected(model, values)[0] - y).max() / max(1, np.abs(y).max())
        worst = max(worst, apart)
        print(f"exported {path.stem}: {apart:.1e} from onnxruntime")
    return worst


def main():
    if sys.argv[1:] == ["--fixtures"]:
        return fixtures(pathlib.Path(__file__).parent / "fixtures")
    nodes = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    with tempfile.TemporaryDirectory() as folder:
        models = os.path.join(folder, "models")
        write(pathlib.Path(models))
        ours = pathlib.Path(folder) / "exported"
        ours.mkdir()
        environment = dict(os.environ, PLAYGRAD_ONNX_MODELS=models, PLAYGRAD_ONNX_OUT=str(ours))
        if nodes.is_dir():
            environment.setdefault("PLAYGRAD_ONNX_TESTS", str(nodes))
        else:
            print(f"onnx {onnx.__version__} has no node tests inside; install onnx==1.17.0 for them")
        command = ["cargo", "test", "--test", "onnx", "--", "--nocapture", "--test-threads=1", *sys.argv[1:]]
        failed = subprocess.call(command, env=environment)
        sys.exit(1 if failed or exported(ours) > 1e-4 else 0)


main()
