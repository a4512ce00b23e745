// Layers, optimizers, schedules and files: what Python does, JavaScript does with the same seed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadSafetensors, manualSeed, nn, optim, saveSafetensors, Tensor, tensor } from "playgrad";
import { python } from "../node.mjs";

const py = await python();
py.runPython(`
from tinygrad import Tensor, dtypes, nn
from tinygrad.nn import optim, state
`);

/** The value of an expression, behind statements. */
function value(code) {
  const globals = py.globals.copy();
  const given = py.runPython(code, { globals, filename: "main.py" });
  return given?.toJs?.({ dict_converter: Object.fromEntries }) ?? given;
}

/** What a program is told that goes wrong. */
function fault(code) {
  const caught = `
from tinygrad._engine import EngineError
try:
${code.replace(/^/gm, "    ")}
except EngineError as e:
    told = [type(e).__name__, e.op, e.got, e.expected, e.fix]
else:
    told = None
told`;
  return value(caught);
}

test("names of tinygrad's nn, optim, state and datasets: present, different, absent", () => {
  py.runPython(readFileSync(join(import.meta.dirname, "names.py"), "utf8"), { filename: "names.py" });
  const difference = py.globals.get("difference");
  const lines = readFileSync(join(import.meta.dirname, "tinygrad-nn.txt"), "utf8")
    .trim()
    .split("\n");
  const told = lines.map((line) => {
    const [, module, call] = /^(.*)\.(\w+\(.*)$/.exec(line);
    return [line.split("(")[0], difference(call, `tinygrad.${module}`)];
  });
  const absent = told.filter(([, what]) => what === "absent").map(([name]) => name.replace(/.*\./, ""));
  assert.deepEqual(absent, ["TensorIO", "accept_filename", "fs_load", "fs_store", "cifar"]);
  // One is not made by itself, and has no settings of its own.
  const differs = told.filter(([, what]) => what && what !== "absent");
  assert.deepEqual(differs, [["nn.optim.Optimizer", "no lr, no device, no fused"]]);
});

test("names and order of a model's tensors are tinygrad's", () => {
  const names = (layer) => value(`list(state.get_state_dict(${layer}))`);
  const running = ["num_batches_tracked", "running_mean", "running_var"];
  for (const [layer, wanted] of [
    ["nn.Linear(3, 4)", ["weight", "bias"]],
    ["nn.Linear(3, 4, bias=False)", ["weight"]],
    ["nn.Conv1d(2, 4, 3)", ["weight", "bias"]],
    ["nn.ConvTranspose2d(2, 4, 3, bias=False)", ["weight"]],
    ["nn.BatchNorm(3)", ["weight", "bias", ...running]],
    ["nn.BatchNorm2d(3, affine=False)", running],
    ["nn.BatchNorm(3, track_running_stats=False)", ["weight", "bias", "num_batches_tracked"]],
    ["nn.InstanceNorm(4, affine=False)", []],
    ["nn.LayerNorm((2, 3))", ["weight", "bias"]],
    ["nn.RMSNorm(5)", ["weight"]],
    ["nn.Embedding(5, 2)", ["weight"]],
    ["nn.LSTMCell(2, 3)", ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]],
  ]) {
    assert.deepEqual(names(layer), wanted, layer);
  }
  const model = `
class Model:
    def __init__(self):
        self.layers = [nn.Linear(2, 3), Tensor.relu, (nn.BatchNorm(3), {"a": nn.Linear(3, 1)})]
        self.extra, self.n, self.itself = None, 3, self
        self.t = Tensor.zeros(2)
list(state.get_state_dict(Model(), "net."))`;
  assert.deepEqual(value(model), [
    ...["net.layers.0.weight", "net.layers.0.bias", "net.layers.2.0.weight", "net.layers.2.0.bias"],
    ...running.map((name) => `net.layers.2.0.${name}`),
    ...["net.layers.2.1.a.weight", "net.layers.2.1.a.bias", "net.t"],
  ]);
});

const same = (got, wanted, what) => assert.deepEqual(got, wanted, what);

/** Kernels may be fused otherwise, and round otherwise. */
function close(got, wanted) {
  const [a, b] = [got, wanted].map((nested) => nested.flat(9));
  same(a.length, b.length);
  b.forEach((one, i) => {
    assert.ok(Math.abs(a[i] - one) <= 1e-5 * (1 + Math.abs(one)), `${a[i]} in Python, ${one} in JavaScript`);
  });
}
const LAYERS = [
  ["Linear(3, 4)", () => new nn.Linear(3, 4), [2, 3]],
  ["Conv1d(2, 4, 3, stride=2)", () => new nn.Conv1d(2, 4, 3, { stride: 2 }), [1, 2, 7]],
  [
    "Conv2d(2, 4, (3, 2), padding=1, groups=2)",
    () => new nn.Conv2d(2, 4, [3, 2], { padding: 1, groups: 2 }),
    [1, 2, 5, 4],
  ],
  [
    "Conv2d(2, 2, (2, 3), padding='same', dilation=2)",
    () => new nn.Conv2d(2, 2, [2, 3], { padding: "same", dilation: 2 }),
    [1, 2, 5, 4],
  ],
  ["ConvTranspose1d(2, 3, 2)", () => new nn.ConvTranspose1d(2, 3, 2), [1, 2, 4]],
  [
    "ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1)",
    () => new nn.ConvTranspose2d(2, 3, 3, { stride: 2, padding: 1, outputPadding: 1 }),
    [1, 2, 3, 3],
  ],
  ["BatchNorm(3)", () => new nn.BatchNorm(3), [4, 3]],
  [
    "BatchNorm3d(3, affine=False, track_running_stats=False)",
    () => new nn.BatchNorm(3, { affine: false, trackRunningStats: false }),
    [2, 3, 2, 2],
  ],
  ["GroupNorm(2, 4)", () => new nn.GroupNorm(2, 4), [2, 4, 3]],
  ["InstanceNorm(3)", () => new nn.InstanceNorm(3), [2, 3, 4]],
  ["LayerNorm((2, 3))", () => new nn.LayerNorm([2, 3]), [4, 2, 3]],
  ["LayerNorm2d(3, eps=1e-3)", () => new nn.LayerNorm2d(3, { eps: 1e-3 }), [2, 3, 2, 2]],
  ["RMSNorm(4)", () => new nn.RMSNorm(4), [2, 4]],
  ["RNN(3, 4, nonlinearity='relu')", () => new nn.RNN(3, 4, 1, { nonlinearity: "relu" }), [5, 2, 3]],
  ["GRU(3, 4, 2, bidirectional=True)", () => new nn.GRU(3, 4, 2, { bidirectional: true }), [5, 2, 3]],
  ["LSTM(3, 4, batch_first=True)", () => new nn.LSTM(3, 4, 1, { batchFirst: true }), [2, 5, 3]],
  ["LSTMCell(3, 4)", () => new nn.LSTMCell(3, 4), [2, 3]],
];
for (const [written, make, shape] of LAYERS) {
  test(`${written} computes what JavaScript's does`, async () => {
    manualSeed(5);
    const layer = make();
    const made = layer.forward(Tensor.randn(shape));
    const wanted = await Promise.all([made].flat(2).map((part) => part.tolist()));
    const flat =
      "lambda m: [t for part in (m if isinstance(m, tuple) else (m,)) for t in (part if isinstance(part, tuple) else (part,))]";
    const got = value(`
Tensor.manual_seed(5)
layer = nn.${written}
[t.tolist() for t in (${flat})(layer(Tensor.randn(${shape})))]`);
    close(got, wanted);
  });
}

test("batch norm learns its statistics in training alone", () => {
  const code = `
norm = nn.BatchNorm(2)
x = Tensor([[1.0, 5.0], [3.0, 9.0]])
norm(x)
before = norm.running_mean.tolist()
with Tensor.train():
    norm(x)
[before, norm.running_mean.tolist(), norm.num_batches_tracked.item(), norm.running_mean.requires_grad]`;
  const [before, [a, b], count, required] = value(code);
  same([before, count, required], [[0, 0], 1, false]);
  assert.ok(Math.abs(a - 0.2) < 1e-6 && Math.abs(b - 0.7) < 1e-6);
});

const OPTIMIZERS = [
  ["SGD(p, lr=0.1)", (p) => new optim.SGD(p, { lr: 0.1 })],
  [
    "SGD(p, 0.1, 0.9, 0.01, True, True)",
    (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true, classic: true }),
  ],
  ["Adam(p)", (p) => new optim.Adam(p)],
  [
    "Adam(p, 0.01, 0.8, 0.9, 1e-6, weight_decay=0.1)",
    (p) => new optim.Adam(p, { lr: 0.01, betas: [0.8, 0.9], eps: 1e-6, weightDecay: 0.1 }),
  ],
  ["AdamW(p, lr=0.01)", (p) => new optim.AdamW(p, { lr: 0.01 })],
  ["LAMB(p, lr=0.01, weight_decay=0.1)", (p) => new optim.LAMB(p, { lr: 0.01, weightDecay: 0.1 })],
  ["LARS(p, lr=0.1)", (p) => new optim.LARS(p, { lr: 0.1 })],
  ["Muon(p, lr=0.02)", (p) => new optim.Muon(p, { lr: 0.02 })],
  [
    "OptimizerGroup(optim.Muon([p[0]]), optim.AdamW([p[1]], lr=0.1))",
    (p) => new optim.OptimizerGroup(new optim.Muon([p[0]]), new optim.AdamW([p[1]], { lr: 0.1 })),
  ],
];
for (const [written, make] of OPTIMIZERS) {
  test(`optim.${written} steps as JavaScript's does`, async () => {
    manualSeed(3);
    const layer = new nn.Linear(3, 2);
    const optimizer = make([layer.weight, layer.bias]);
    const x = Tensor.randn([4, 3]);
    for (let i = 0; i < 3; i += 1) {
      optimizer.zeroGrad();
      layer.forward(x).square().mean().backward();
      optimizer.step();
    }
    const wanted = await Promise.all([layer.weight.tolist(), layer.bias.tolist()]);
    const got = value(`
Tensor.manual_seed(3)
layer = nn.Linear(3, 2)
p = [layer.weight, layer.bias]
opt = optim.${written}
x = Tensor.randn(4, 3)
for _ in range(3):
    opt.zero_grad()
    layer(x).square().mean().backward()
    opt.step()
[t.tolist() for t in p]`);
    close(got, wanted);
  });
}

test("an optimizer's parameters, buffers and learning rate", () => {
  const code = `
norm, fixed = nn.BatchNorm(2), Tensor([1.0], requires_grad=False)
opt = optim.SGD([norm, fixed, norm.weight], lr=0.5, device="CPU", fused=True)
rates = [opt.lr]
opt.lr = 0.25
rates.append(opt.lr.item())
opt.lr *= 2
rates.append(float(opt.lr))
opt.lr.assign(Tensor([0.125]))
rates.append(opt.lr.numpy().item())
group = optim.OptimizerGroup(opt, optim.Adam([Tensor([1.0])]))
w = norm.weight
(w * Tensor([1.0, 2.0])).sum().backward()
norm.bias.sum().backward()
stepped = opt.schedule_step()
[len(opt.params), len(opt.buffers), rates, len(group.params), group[1].lr, w.tolist(), len(stepped)]`;
  same(value(code), [2, 4, [0.5, 0.25, 0.5, 0.125], 3, 0.001, [0.875, 0.75], 6]);
});

test("an optimizer goes on where another was", () => {
  const code = `
def train(steps, saved=None):
    Tensor.manual_seed(1)
    layer = nn.Linear(2, 2)
    opt = optim.Adam([layer], lr=0.1)
    if saved:
        state.load_state_dict(layer, saved[0])
        opt.load_state_dict(saved[1])
    for _ in range(steps):
        opt.zero_grad()
        layer(Tensor([[1.0, 2.0]])).square().sum().backward()
        opt.step()
    return state.get_state_dict(layer), opt.state_dict()
state.safe_save(train(3)[1], "adam.safetensors")
[train(6)[0]["weight"].tolist(), train(3, (train(3)[0], state.safe_load("adam.safetensors")))[0]["weight"].tolist()]`;
  const [all, halves] = value(code);
  same(halves, all);
});

const SCHEDULES = [
  ["StepLR(opt, 2)", (o) => new optim.StepLR(o, { stepSize: 2 })],
  [
    "MultiStepLR(opt, [1, 3], gamma=0.5)",
    (o) => new optim.MultiStepLR(o, { milestones: [1, 3], gamma: 0.5 }),
  ],
  ["ConstantLR(opt)", (o) => new optim.ConstantLR(o)],
  ["LinearLR(opt, total_iters=3)", (o) => new optim.LinearLR(o, { totalIters: 3 })],
  ["ExponentialLR(opt, 0.9)", (o) => new optim.ExponentialLR(o, { gamma: 0.9 })],
  ["PolynomialLR(opt, 4, power=2)", (o) => new optim.PolynomialLR(o, { totalIters: 4, power: 2 })],
  ["CosineAnnealingLR(opt, 5, warmup=2)", (o) => new optim.CosineAnnealingLR(o, { tMax: 5, warmup: 2 })],
  [
    "CosineAnnealingWarmRestarts(opt, 2, T_mult=2)",
    (o) => new optim.CosineAnnealingWarmRestarts(o, { t0: 2, tMult: 2 }),
  ],
  ["OneCycleLR(opt, 0.3, 6)", (o) => new optim.OneCycleLR(o, { maxLr: 0.3, totalSteps: 6 })],
  [
    "OneCycleLR(opt, 0.3, 6, linear=True, three_phase=True)",
    (o) => new optim.OneCycleLR(o, { maxLr: 0.3, totalSteps: 6, linear: true, threePhase: true }),
  ],
  ["ReduceLROnPlateau(opt, patience=1)", (o) => new optim.ReduceLROnPlateau(o, { patience: 1 })],
];
for (const [written, make] of SCHEDULES) {
  test(`optim.${written} sets the rates that JavaScript's does`, () => {
    const optimizer = new optim.SGD([tensor([1])], { lr: 0.1 });
    const schedule = make(optimizer);
    const wanted = [optimizer.lr];
    for (let i = 0; i < 5; i += 1) {
      schedule.step(1);
      wanted.push(optimizer.lr);
    }
    const got = value(`
opt = optim.SGD([Tensor([1.0])], lr=0.1)
schedule = optim.${written}
rates = [opt.lr]
for i in range(5):
    schedule.step(1)
    rates.append(opt.lr)
    schedule.load_state_dict(schedule.state_dict())
rates`);
    same(got, wanted);
    assert.ok(new Set(wanted).size > 1);
  });
}

test("safetensors go from Python to JavaScript and back", async () => {
  py.runPython(`
saved = {"a.w": Tensor([[1.5, -2.0]]), "n": Tensor([3], dtype="uint8"), "on": Tensor([True, False])}
state.safe_save(saved, "model.safetensors", metadata={"made by": "us"})`);
  const file = py.FS.readFile("model.safetensors");
  const loaded = loadSafetensors(file);
  same(await Promise.all(Object.values(loaded).map((t) => t.tolist())), [[[1.5, -2]], [3], [true, false]]);
  same(
    Object.entries(loaded).map(([name, t]) => [name, t.dtype]),
    [
      ["a.w", "float32"],
      ["n", "uint8"],
      ["on", "bool"],
    ],
  );
  assert.match(new TextDecoder().decode(file), /"made by":"us"/);

  py.FS.writeFile("back.safetensors", await saveSafetensors({ b: tensor([[1], [2]]), a: tensor([0.5]) }));
  const read = (how) =>
    value(`
import pathlib
{name: (t.tolist(), str(t.dtype)) for name, t in state.safe_load(${how}).items()}`);
  const wanted = { b: [[[1], [2]], "dtypes.float"], a: [[0.5], "dtypes.float"] };
  for (const how of [
    '"back.safetensors"',
    'pathlib.Path("back.safetensors")',
    'pathlib.Path("back.safetensors").read_bytes()',
    'Tensor(pathlib.Path("back.safetensors"))',
  ]) {
    same(read(how), wanted, how);
  }
});

test("a safetensors file's header, and archives", () => {
  const code = `
import io, tarfile, zipfile
state.safe_save({"w": Tensor([1.0])}, "one.safetensors")
file, start, header = state.safe_load_metadata("one.safetensors")
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("a/b.bin", bytes([1, 2, 3]))
bundled = io.BytesIO()
with tarfile.open(fileobj=bundled, mode="w:gz") as archive:
    archive.add("one.safetensors")
found = state.tar_extract(bundled.getvalue())
[file[start:].tolist(), header["w"]["shape"], {n: t.tolist() for n, t in state.zip_extract(packed.getvalue()).items()},
 state.safe_load(found["one.safetensors"])["w"].tolist()]`;
  same(value(code), [[0, 0, 128, 63], [1], { "a/b.bin": [1, 2, 3] }, [1]]);
});

test("a file of torch.save", () => {
  const values = join(import.meta.dirname, "../../../tests/reference/files.json");
  const { base64, holds } = JSON.parse(readFileSync(values, "utf8")).torch.find((row) => row.holds);
  py.FS.writeFile("model.pt", Buffer.from(base64, "base64"));
  const names = Object.keys(holds).toSorted();
  same(value('sorted(state.torch_load("model.pt"))'), names);
});

test("loading a state: what is missing, left over or of another shape", () => {
  const load = (state, more = "") => `
layer = nn.Linear(2, 1)
before = layer.weight.tolist()
state.load_state_dict(layer, ${state}${more})`;
  const whole = '{"weight": Tensor([[1, 2]]), "bias": Tensor([3.0]), "other": Tensor([1])}';
  same(value(`${load(whole)}\n[layer.weight.tolist(), layer.bias.tolist()]`), [[[1, 2]], [3]]);
  assert.match(fault(load('{"bias": Tensor([3.0])}')).join(), /DataError,load_state_dict.*weight/);
  assert.match(fault(load('{"weight": Tensor([[1.0]]), "bias": Tensor([3.0])}')).join(), /DataError.*weight/);
  const kept = `${load('{"bias": Tensor([3.0])}', ", strict=False")}`;
  same(value(`${kept}\n[layer.weight.tolist() == before, layer.bias.tolist()]`), [true, [3]]);
  const consumed = `saved = ${whole}\n${load("saved", ", consume=True")}\nlist(saved)`;
  same(value(consumed), ["other"]);
});

for (const [code, kind, op] of [
  ["nn.Linear(0, 1)", "ArgumentError", "Linear"],
  ["nn.Linear(2.0, True)", "ArgumentError", "Linear"],
  ["state.safe_save({'w': [1.0]}, 'w.safetensors')", "ArgumentError", "safe_save"],
  ["nn.Conv2d(1, 2, 3, stride=2, padding='same')", "ArgumentError", "Conv2d"],
  ["nn.GRU(2, 0)", "ArgumentError", "GRU"],
  ["nn.Embedding(3, 2)(Tensor([0.5]))", "DTypeError", "Embedding"],
  ["nn.Linear(3, 2)(Tensor.ones(2, 2))", "ShapeError", "linear"],
  ["optim.Adam([])", "ArgumentError", "Adam"],
  ["optim.Adam(Tensor([1.0]))", "ArgumentError", "Adam"],
  ["optim.SGD([Tensor([1.0])], lr=-1)", "ArgumentError", "SGD"],
  ["optim.SGD([Tensor([1.0])]).step()", "ArgumentError", "step"],
  ["state.safe_load('nowhere.safetensors')", "DataError", "safe_load"],
  ["state.safe_load(b'12345678')", "DataError", "load_safetensors"],
  ["state.tar_extract(b'none')", "DataError", "tar_extract"],
  ["state.zip_extract(b'none')", "DataError", "zip_extract"],
  ["state.safe_load(3)", "ArgumentError", "safe_load"],
]) {
  test(`${code} says what is wrong`, () => {
    const told = fault(code);
    same(told?.slice(0, 2), [kind, op], told?.join("; "));
    assert.ok(told.every((part) => part.length > 0));
  });
}
