import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { python } from "../node.mjs";

const here = import.meta.dirname;
const lines = [];
const py = await python({ write: (line) => lines.push(line) });

/** What the program prints. */
function run(code) {
  lines.length = 0;
  py.runPython(`from tinygrad import Tensor, dtypes, Device\n${code}`, { filename: "main.py" });
  return lines.join("\n");
}

/** What each of the expressions gives. */
const values = (...expressions) => run(expressions.map((text) => `print(${text})`).join("\n")).split("\n");

/** The exception of a program: its class, its bases by name, its text and the last line of the program in it. */
function raised(code) {
  const told = run(`
import json, sys, traceback
try:
${code.replace(/^/gm, "    ")}
except Exception as e:
    names = [c.__name__ for c in type(e).__mro__]
    lines = [f.lineno for f in traceback.extract_tb(e.__traceback__) if f.filename == "main.py"]
    print(json.dumps({"names": names, "text": str(e), "line": lines[-1] - 4, "fields": [getattr(e, n, None) for n in ("op", "got", "expected", "fix")]}))
else:
    print("null")`);
  return JSON.parse(told);
}

test("tensors are made as tinygrad makes them", () => {
  const dtypes = ["[1, 2]", "[1.0, 2]", "[True]", "[True, 2]", "3", "2.5", "[]", "b'ab'", "range(3)"].map(
    (data) => `Tensor(${data}).dtype`,
  );
  const expected = "int float bool int int float float uchar int".split(" ").map((name) => `dtypes.${name}`);
  assert.deepEqual(values(...dtypes), expected);
  assert.deepEqual(
    values(
      "Tensor([[1, 2], [3, 4]]).shape",
      "Tensor([]).shape, Tensor([[], []]).shape, Tensor(1).shape",
      "Tensor([1, 2], dtype=dtypes.half).tolist(), Tensor([1.5, 2], dtype='int32').tolist()",
      "Tensor([1.5], dtype=dtypes.bfloat16).item()",
      "Tensor.full((2,), 7).dtype, Tensor.full((2,), 7.0).dtype, Tensor.full((1,), True).tolist()",
      "Tensor.arange(3).dtype, Tensor.arange(0, 1, 0.5).tolist()",
      "Tensor.zeros(2, 3).shape, Tensor.ones((2, 3)).shape, Tensor.eye(2).tolist()",
      "Tensor.randint(100, low=3, high=5).min().item() >= 3, Tensor.rand(2, dtype=dtypes.half).dtype",
    ),
    [
      "(2, 2)",
      "(0,) (2, 0) ()",
      "[1.0, 2.0] [1, 2]",
      "1.5",
      "dtypes.int dtypes.float [True]",
      "dtypes.int [0.0, 0.5]",
      "(2, 3) (2, 3) [[1.0, 0.0], [0.0, 1.0]]",
      "True dtypes.half",
    ],
  );
});

test("operators take tensors and numbers on either side", () => {
  const both = "+ - * / // % ** < <= > >= == !=".split(" ");
  const program = `
for a in (7, 5, -3, 2.5):
    for b in (2, 3, 0.5):
        for sign in "${both.join(" ")}".split():
            want = eval(f"({a}) {sign} {b}")
            for text in (f"Tensor([{a}]) {sign} {b}", f"({a}) {sign} Tensor([{b}])", f"Tensor([{a}]) {sign} Tensor([{b}])"):
                if sign == "**" and a < 0 and b == 0.5: continue
                got = eval(text).tolist()[0]
                assert abs(got - want) < 1e-4 * max(1, abs(want)), (text, got, want)
for sign in "& | ^ << >>".split():
    for text in (f"Tensor([6]) {sign} 3", f"6 {sign} Tensor([3])", f"Tensor([6]) {sign} Tensor([3])"):
        assert eval(text).tolist() == [eval(f"6 {sign} 3")], text
print((~Tensor([5])).tolist(), (-Tensor([5])).tolist(), abs(Tensor([-5])).tolist(), (+Tensor([5])).tolist())
print((Tensor([[1, 2]]) @ Tensor([[3], [4]])).tolist(), round(Tensor([1.26]), 1).tolist())
print((2 - Tensor([1])).dtype, (2.0 - Tensor([1])).dtype, (Tensor([True]) + Tensor([True])).dtype)`;
  assert.equal(
    run(program),
    "[-6] [-5] [5] [5]\n[[11]] [1.2999999523162842]\ndtypes.int dtypes.float dtypes.int",
  );
});

test("in-place operators change what others hold too", () => {
  const program = `
x = Tensor([1.0, 2.0]); y = x
x += 1; x *= 2
print(y.tolist())
total = Tensor(0); total += Tensor(0.5); print(total.item())
w = Tensor([3.0], requires_grad=True)
for _ in range(2):
    (w * w).sum().backward()
    w -= 0.25 * w.grad
    w.grad = None
print(w.tolist(), w.grad)`;
  assert.equal(run(program), "[4.0, 6.0]\n0.5\n[0.75] None");
});

test("indexing and assignment follow NumPy", () => {
  const x = "x = Tensor.arange(12).reshape(3, 4)\n";
  const program = `${x}
for part in (x[1], x[-1, 2], x[:, 1], x[::-1, ::2], x[..., 0], x[None, 0].squeeze(0), x[[2, 0]], x[[True, False, True]],
             x[x > 9], x[Tensor([2, 0])], x[Tensor([[0], [2]]), Tensor([1, 3])], x[1:, 3:0:-2], x[Tensor(1).item()]):
    print(part.tolist())
x[0] = 7; x[1:, 1] = Tensor([8, 9]); x[x == 7] = 0; x[2, 2:] = [5, 6]
print(x.tolist())
a, b, c = x
print(len(x), c.tolist(), [r.sum().item() for r in x])`;
  assert.deepEqual(run(program).split("\n"), [
    "[4, 5, 6, 7]",
    "10",
    "[1, 5, 9]",
    "[[8, 10], [4, 6], [0, 2]]",
    "[0, 4, 8]",
    "[0, 1, 2, 3]",
    "[[8, 9, 10, 11], [0, 1, 2, 3]]",
    "[[0, 1, 2, 3], [8, 9, 10, 11]]",
    "[10, 11]",
    "[[8, 9, 10, 11], [0, 1, 2, 3]]",
    "[[1, 3], [9, 11]]",
    "[[7, 5], [11, 9]]",
    "[4, 5, 6, 7]",
    "[[0, 0, 0, 0], [4, 8, 6, 0], [8, 9, 5, 6]]",
    "3 [8, 9, 5, 6] [0, 18, 28]",
  ]);
});

test("reads, formats and Python's conversions", () => {
  assert.deepEqual(
    values(
      "Tensor([[1, 2], [3, 4]])",
      "Tensor.zeros(100, 100)",
      "Tensor([1.5]).item(), float(Tensor(2)), int(Tensor(2.9)), bool(Tensor([0])), [5, 6][Tensor(1)]",
      "f'{Tensor(3.14159):.2f}', f'{Tensor([1, 2])}'",
      "bytes(Tensor([1, 2], dtype='uint8').data()), Tensor([[1.0, 2.0]]).data().shape",
      "Tensor([1, 2]).numel(), Tensor([1, 2]).nbytes(), Tensor.ones(2, 3).size(1), Tensor.ones(2, 3).T.shape",
      "Tensor([float('nan'), float('inf')]).tolist()",
      "len({Tensor([1]), Tensor([1])}), Tensor([2]) in [Tensor([2])]",
    ),
    [
      "<Tensor (2, 2) int32 on CPU",
      "[[1 2]",
      " [3 4]]>",
      "<Tensor (100, 100) float32 on CPU>",
      "1.5 2.0 2 False 6",
      "3.14 <Tensor (2,) int32 on CPU [1 2]>",
      "b'\\x01\\x02' (1, 2)",
      "2 8 3 (3, 2)",
      "[nan, inf]",
      "2 True",
    ],
  );
});

test("gradients: of data, with a gradient given, of chosen tensors, and none", () => {
  const program = `
x = Tensor([1.0, 2.0, 3.0]); y = (x * 2).sum()
print(y.backward() is y, x.grad.tolist())
x = Tensor([1.0, 2.0]); (x * x).backward(Tensor([1.0, 10.0])); print(x.grad.tolist())
w = Tensor([3.0], requires_grad=True); x = Tensor([2.0]); (w * x).sum().backward(); print(w.grad.tolist(), x.grad)
x = Tensor([[0, 1]]); w = Tensor([[0.5], [0.5]]); (x @ w).sum().backward(); print(w.grad.tolist())
print(Tensor([2.0]).requires_grad, Tensor([2.0]).requires_grad_().requires_grad)
a = Tensor([2.0]); b = Tensor([3.0]); print([g.tolist() for g in (a * b).sum().gradient(a, b)])
with Tensor.no_grad(): y = w * 2
@Tensor.no_grad()
def f(): return w * 2
for made in (y, f(), w.detach()):
    try: made.sum().backward()
    except ValueError: print("no gradient")
with Tensor.train(): print(Tensor.training, end=" ")
@Tensor.train()
def g(): return Tensor.training
print(g(), Tensor.training)
Tensor.training = True; print(Tensor.training); Tensor.training = False`;
  assert.deepEqual(run(program).split("\n"), [
    "True [2.0, 2.0, 2.0]",
    "[2.0, 40.0]",
    "[2.0] None",
    "[[0.0], [1.0]]",
    "False True",
    "[[3.0], [2.0]]",
    "no gradient",
    "no gradient",
    "no gradient",
    "True True False",
    "True",
  ]);
});

test("reading keeps the way back, and what holds data gets a gradient", () => {
  const program = `
x = Tensor([1.0, 2.0]); y = x * x; print(y.tolist(), y.numpy(), y[1].item(), y.sum())
loss = y.sum(); print(loss.item()); loss.backward(); print(x.grad.tolist())
for w in (Tensor.zeros(2), Tensor.ones(2), Tensor.full((2,), 3.0), Tensor.rand(2), Tensor.randn(2), Tensor.ones(2).zeros_like()):
    ((w + 1) * Tensor([3.0, 4.0])).sum().backward(); print(w.grad.tolist())
x = Tensor.eye(2).clone(); y = Tensor([[2.0, 3.0]]); y.matmul(x).sum().backward(); print(x.grad.tolist(), y.grad.tolist())
w, b = Tensor.zeros(2), Tensor.zeros(1)
X, Y = Tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), Tensor([1.0, 2.0, 3.0])
for i in range(300):
    loss = (X @ w + b - Y).square().mean(); loss.backward()
    for p in (w, b): p -= 0.3 * p.grad; p.grad = None
    if i % 100 == 0: loss.item()
print([round(v, 3) for v in w.tolist() + b.tolist()])`;
  assert.deepEqual(run(program).split("\n"), [
    "[1.0, 4.0] [1. 4.] 4.0 <Tensor () float32 on CPU 5.0>",
    "5.0",
    "[2.0, 4.0]",
    ...Array(6).fill("[3.0, 4.0]"),
    "[[2.0, 2.0], [3.0, 3.0]] [[1.0, 1.0]]",
    "[2.0, 1.0, 0.0]",
  ]);
});

test("arrays without NumPy print, index, compare and compute like NumPy's", () => {
  const program = `
a = Tensor([[1.0, 2.0], [3.0, 4.5]]).numpy()
print(a); print(repr(a)); print(repr(a.astype(int)), a.dtype, a.shape, a.ndim, a.size, len(a))
print(a[0], a[1, 1], a[:, 0], a[a > 2], a.T.tolist(), a.reshape(4), a.flatten().tolist())
print(a.sum(), a.mean(axis=0), a.max(), a.argmax(axis=1), a.std(), (a == a).all(), (a > 4).any())
print(f"{(a > 2).mean():.1%}", 2 * a - a, a @ a, (a == 2.0).sum() == 1, 3.0 in a, round(a.mean(), 1))
a[0, 0] = 9; print(a.item(0, 0), [row.sum().item() for row in a], Tensor(a).shape, a.copy() is a)
x = Tensor([1.0]); kept = x.numpy(); x += 1; print(kept, x.numpy())`;
  assert.deepEqual(run(program).split("\n"), [
    "[[1.  2. ]",
    " [3.  4.5]]",
    "array([[1. , 2. ],",
    "       [3. , 4.5]], dtype=float32)",
    "array([[1, 2],",
    "       [3, 4]], dtype=int32) float32 (2, 2) 2 4 2",
    "[1. 2.] 4.5 [1. 3.] [3.  4.5] [[1.0, 3.0], [2.0, 4.5]] [1.  2.  3.  4.5] [1.0, 2.0, 3.0, 4.5]",
    "10.5 [2.   3.25] 4.5 [1 1] 1.29301 True True",
    "50.0% [[1.  2. ]",
    " [3.  4.5]] [[ 7.   11.  ]",
    " [16.5  26.25]] True True 2.6",
    "9.0 [11.0, 7.5] (2, 2) False",
    "[1.] [2.]",
  ]);
});

test("errors have op, got, expected, fix, a class of Python's, and the line of the program", () => {
  // Node 20 has no way to wait.
  py.globals.set("promise", new Promise(() => undefined));
  const cases = [
    ["x = Tensor([1, 2])\nx.reshape(3)", "ShapeError", "ValueError", /^reshape: got \[3\]/],
    ["Tensor([1.0]).bitwise_not()", "DTypeError", "TypeError", /^bitwise_not: /],
    ["Tensor([1.0]) @ 3", "ArgumentError", "TypeError", /^matmul: /],
    ["Tensor([1]).to('CUDA')", "DeviceError", "RuntimeError", /"WEBGPU", "CPU"/],
    ["Tensor([[1, 2], [3]])", "ShapeError", "ValueError", /make all rows equally long/],
    ["Tensor([1]).sum(axis=7)", "ShapeError", "ValueError", /^sum: /],
    ["Tensor([1, 2]).item()", "ShapeError", "ValueError", /^item: /],
    ["bool(Tensor([1, 2]))", "ArgumentError", "ValueError", /use \.any\(\) or \.all\(\)/],
    ["Tensor([1]) + 10**20", "ArgumentError", "ValueError", /write it as a float/],
    ["Tensor([1], dtype='int16')", "DTypeError", "TypeError", /int32/],
    ["from tinygrad._engine import wait\nwait(promise)", "DeviceError", "RuntimeError", /can wait/],
    ["Tensor([1, 2]).one_hot('a')", "ArgumentError", "TypeError", /^one_hot: got num_classes "a"/],
  ];
  for (const [code, name, base, text] of cases) {
    const got = raised(code);
    assert.ok(got, `${code} raises`);
    assert.equal(got.names[0], name, code);
    assert.ok(got.names.includes(base) && got.names.includes("EngineError"), `${code}: ${got.names}`);
    assert.match(got.text, text, code);
    assert.equal(got.line, code.split("\n").length, code);
    assert.ok(
      got.fields.every((field) => typeof field === "string" && field !== ""),
      code,
    );
  }
});

test("what Python itself tells is a TypeError that names the method", () => {
  const cases = [
    ["Tensor([1]).relu(3)", /^Tensor\.relu\(\) takes 1 positional argument/],
    ["Tensor([1]).softmax(axs=0)", /^Tensor\.softmax\(\) got an unexpected keyword argument 'axs'/],
    ["Tensor([1]).sum({})", /^Tensor\.sum: got dict/],
    ["Tensor([1]) + {}", /unsupported operand type\(s\) for \+: 'Tensor' and 'dict'/],
    ["Tensor({})", /^Tensor: got dict/],
    ["len(Tensor(1))", /^len\(\)/],
    ["dtypes.float128", /not an element type/],
  ];
  for (const [code, text] of cases) {
    const got = raised(code);
    assert.ok(/^(TypeError|AttributeError)$/.test(got?.names[0]), `${code}: ${got?.names}`);
    assert.match(got.text, text, code);
  }
});

test("every row of the table has its help, and its example runs", () => {
  const program = `
import inspect
from tinygrad._methods import ROWS
failures = []
for row in ROWS:
    for name in (row["name"], *row["aliases"]):
        method = getattr(Tensor, name)
        assert method.__doc__.startswith(row["doc"]), name
        assert method.__qualname__ == f"Tensor.{row['name']}", name
        told = inspect.signature(method)
    *before, last = row["example"].split("; ")
    names = {"Tensor": Tensor, "dtypes": dtypes}
    try:
        exec("; ".join(before), names)
        made = eval(last, names)
        for part in made if isinstance(made, (tuple, list)) else (made,):
            part.realize()
    except Exception as e:
        failures.append(f"{row['example']}: {e}")
print(failures, len(ROWS) > 180)`;
  assert.equal(run(program), "[] True");
  assert.match(run("help(Tensor.softmax)"), /softmax\(self, axis=-1, dtype=None\)\n.*probabilities/);
});

test("devices go by tinygrad's names", () => {
  assert.deepEqual(
    values(
      "Device.DEFAULT, Tensor([1]).device, Tensor([1]).to('CPU').device, Tensor([1], device='cpu').tolist()",
      "Device['CPU'].device, Device.get_available_devices()",
    ),
    ["CPU CPU CPU [1]", "CPU ['CPU']"],
  );
});

test("handles are given back as tensors die", () => {
  const program = `
from tinygrad._engine import ask, flush
x = y = None
flush(); before = ask("memoryInUse")[2]
x = Tensor.rand(10)
for _ in range(1000): y = x * 2 + 1
del x, y
flush(); print(ask("memoryInUse")[2] - before)`;
  assert.equal(run(program), "0.0");
});

test("copies are tensors of their own", () => {
  const program = `
import copy, pickle
x = Tensor([1.0, 2.0], requires_grad=True)
copies = [Tensor(x), x.clone(), copy.copy(x), copy.deepcopy({"x": x})["x"]]
print([c.requires_grad for c in copies])
y = Tensor([1.0, 2.0])
copies = [Tensor(y), y.clone(), copy.copy(y), copy.deepcopy(y), Tensor(y.numpy())]
y += 1; y[0] = 5
print([c.tolist() == [1.0, 2.0] for c in copies], y.tolist())
z = Tensor([3, 4]); z[0] += 1; z[1:] *= 2; print(z.tolist())
y.replace(z); print(y.tolist(), y.dtype)
Tensor(x).sum().backward(); print(x.grad.tolist())
print(bool(Tensor.no_grad), bool(Tensor.train()))
with Tensor.no_grad(): print(bool(Tensor.no_grad))
try: pickle.dumps(x)
except TypeError as e: print(e)`;
  assert.deepEqual(run(program).split("\n"), [
    "[False, False, False, True]",
    "[True, True, True, True, True] [5.0, 3.0]",
    "[4, 8]",
    "[4, 8] dtypes.int",
    "[1.0, 1.0]",
    "False False",
    "True",
    "a tensor cannot be pickled; save it with nn.state.safe_save",
  ]);
});

test("an interrupt is never lost, whatever runs when it comes", () => {
  const buffer = new Uint8Array(1);
  py.setInterruptBuffer(buffer);
  py.globals.set("interrupt", () => {
    buffer[0] = 2;
  });
  const program = `
x, stopped = Tensor([1.0]), 0
for i in range(200):
    many = [x * 2 for _ in range(i)]
    try:
        interrupt()
        del many
        for _ in range(1000): pass
    except KeyboardInterrupt:
        stopped += 1
print(stopped)`;
  assert.equal(run(program), "200");
  py.setInterruptBuffer(undefined);
});

test("expressions give what tinygrad 0.14 gives: dtype, shape and values to four digits", () => {
  const expected = JSON.parse(readFileSync(join(here, "tinygrad-values.json"), "utf8"));
  const program = `
import json, math
def rounded(v):
    if isinstance(v, list): return [rounded(one) for one in v]
    return v if not isinstance(v, float) else float(f"{v:.4g}") if math.isfinite(v) else str(v)
def told(x):
    return [str(x.dtype), list(x.shape), rounded(x.tolist())] if isinstance(x, Tensor) else str(x)
names = {"Tensor": Tensor, "dtypes": dtypes}
print(json.dumps({text: told(eval(text, names)) for text in json.loads(texts)}))`;
  py.globals.set("texts", JSON.stringify(Object.keys(expected)));
  assert.deepEqual(JSON.parse(run(program)), expected);
});

test("names of tinygrad's Tensor: present, different, absent", () => {
  py.runPython(readFileSync(join(here, "names.py"), "utf8"), { filename: "names.py" });
  const difference = py.globals.get("difference");
  const names = readFileSync(join(here, "tinygrad-tensor.txt"), "utf8").trim().split("\n");
  const told = names.map((line) => [line, difference(line)]);
  for (const [line, what] of told) console.log(`  ${(what || "present").padEnd(8)} ${line}`);
  const absent = told.filter(([, what]) => what === "absent").map(([line]) => line.split("(")[0]);
  const differs = told.filter(([, what]) => what && what !== "absent").map(([line]) => line.split("(")[0]);
  // What tinygrad's compiler and its many devices need, and its hashes.
  const inside =
    "alu as_param call callify const custom_kernel decode_hevc_frame from_blob hash image_conv2d image_dot " +
    "invalids is_param keccak linear_with_vars max_numel max_shape newton_schulz random_bits schedule_linear " +
    "shard shard_ shard_like threefry ufix uop uprod usum";
  assert.deepEqual(absent, inside.split(" "));
  // The same function with more digits.
  assert.deepEqual(differs, ["selu"]);
});
