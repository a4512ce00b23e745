// Kernels that programs write in Python.
import assert from "node:assert/strict";
import { test } from "node:test";
import { python } from "../node.mjs";

const lines = [];
const py = await python({ write: (line) => lines.push(line) });
const run = (code) => {
  lines.length = 0;
  py.runPython(code, { globals: py.globals });
  return [...lines];
};

run(`
from playgrad.custom import custom_kernel, gradcheck, opcheck
from tinygrad import Tensor, dtypes, nn
from tinygrad.engine.jit import TinyJit

def cpu(inputs, out, shapes):
    a, b, c = inputs
    for i in range(len(out)):
        out[i] = a[i] * b[i] + c[i]

rule = lambda g, x, out: [g * x[1], g * x[0], g]
text = "out[i] = a[i] * b[i] + c[i];"
muladd = custom_kernel("muladd", ["a", "b", "c"], wgsl=text, cpu=cpu, backward=rule)
x = [Tensor([float(i), 2.0, 3.0]) for i in (1, 2, 3)]
`);

test("an operation like any other", () => {
  const printed = run(`
a, b, c = x
y = muladd(a * 2, b, Tensor.ones(3)) - 1
print(y.tolist())
print([g.tolist() for g in (y * y).sum().gradient(a, b)])
w = Tensor([0.0, 0.0, 0.0], requires_grad=True)
opt = nn.optim.SGD([w], lr=0.05)

@TinyJit
def step(x):
    loss = (muladd(w, x, Tensor.zeros(3)) - x * 3).square().sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss

Tensor.training = True
for _ in range(40):
    step(a)
Tensor.training = False
print([round(v, 2) for v in w.tolist()])
`);
  assert.deepEqual(printed, [
    "[4.0, 8.0, 18.0]",
    "[[32.0, 64.0, 216.0], [16.0, 64.0, 216.0]]",
    "[2.96, 3.0, 3.0]",
  ]);
});

test("reports", () => {
  const printed = run(`
print(opcheck(muladd, x))
print(gradcheck(muladd, x))
half = custom_kernel("half", ["a"], cpu=lambda inputs, out, shapes: out.__setitem__(0, 1.0))
print(opcheck(half, x[:1]))
wrong = custom_kernel("wrong", ["a", "b", "c"], cpu=cpu, backward=lambda g, x, out: [g, g * x[0], g])
print(gradcheck(wrong, x))
`)
    .join("\n")
    .split("\n");
  assert.equal(printed[0], "opcheck muladd on CPU (cpu function)");
  assert.equal(printed.slice(1, 7).filter((line) => line.startsWith("✓")).length, 6);
  assert.deepEqual(printed.slice(7, 9), [
    "gradcheck on CPU",
    "✓ 9 gradients are the slopes that differences give",
  ]);
  assert.ok(
    printed.includes("✗ writes its output, all of it, and nothing else: element [1] was never written"),
  );
  assert.match(printed.at(-1), /^✗ 9 gradients .*gradient [\d.]+ at \[\d\] of input 0/);
});

test("errors", () => {
  const printed = run(`
def attempt(work):
    try:
        work()
    except Exception as error:
        print(type(error).__name__, error)

def broken(inputs, out, shapes):
    raise KeyError("mine")

attempt(lambda: muladd(x[0]))
attempt(lambda: custom_kernel("k", ["a"], wgsl=text)(x[0]).tolist())
attempt(lambda: custom_kernel("k", ["a"], cpu=broken)(x[0]).tolist())
attempt(lambda: custom_kernel("k", ["a"], cpu=lambda i, o, s: o[5])(x[0]).tolist())
attempt(lambda: custom_kernel("k", ["a"], cpu=lambda i, o, s: None)(x[0]).sum().gradient(x[0]))
`);
  const kinds = printed.map((line) => line.split(" ")[0]);
  assert.deepEqual(kinds, ["ArgumentError", "DeviceError", "KeyError", "IndexError", "ArgumentError"]);
});
