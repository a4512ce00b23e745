// TinyJit, and the helpers that programs import.
import assert from "node:assert/strict";
import { test } from "node:test";
import { python } from "../node.mjs";

const lines = [];
let ticks = 0;
const tick = () => {
  ticks += 1;
};
const py = await python({ write: (line) => lines.push(line), host: { tick } });
py.setStderr({ batched: (line) => lines.push(line) });
py.runPython(`
from tinygrad import Context, GlobalCounters, Tensor, TinyJit, dtypes, getenv, nn
from tinygrad.helpers import *
from tinygrad.helpers import TRAINING
from tinygrad._engine import EngineError
calls = []
`);

function run(code) {
  lines.length = 0;
  ticks = 0;
  const given = py.runPython(`calls.clear()\n${code}`, { globals: py.globals.copy(), filename: "main.py" });
  return given?.toJs?.({ dict_converter: Object.fromEntries }) ?? given;
}

/** The message of what is raised. */
const raised = (code) =>
  run(`
try:
${code.replace(/^/gm, "    ")}
    told = None
except Exception as e:
    told = f"{type(e).__name__}: {e}"
told`);

test("runs, records, then replays; the arguments are those of each call", () => {
  const code = `
@TinyJit
def f(x, *, by):
    """doubles"""
    calls.append(1)
    return (x * by).sum()
[[f(Tensor([float(i), 1.0]), by=Tensor(2.0)).item() for i in range(5)], len(calls), f.__name__, f.__doc__]`;
  assert.deepEqual(run(code), [[2, 4, 6, 8, 10], 2, "f", "doubles"]);
});

test("takes tinygrad's options", () => {
  const code = `
@TinyJit(prune=True)
def f(x):
    calls.append(1)
    return x + 1
[[f(Tensor([i])).item() for i in range(4)], len(calls)]`;
  assert.deepEqual(run(code), [[1, 2, 3, 4], 2]);
});

test("other shapes, types and plain values record anew", () => {
  const code = `
@TinyJit
def f(x, n, on=True):
    calls.append(1)
    return x * n if on else x
a, b = Tensor([1, 2]), Tensor([1, 2, 3])
made = [f(a, 2), f(a, 2), f(a, 2), f(b, 2), f(a, 3), f(a.float(), 2), f(a, 2.0), f(a, 2, on=False), f(b, 2)]
[[t.tolist() for t in made], len(calls)]`;
  const [made, calls] = run(code);
  const [a, b] = [
    [2, 4],
    [2, 4, 6],
  ];
  assert.deepEqual(made, [a, a, a, b, [3, 6], a, a, [1, 2], b]);
  assert.equal(calls, 7);
});

test("results keep their form; what replays give is new each time", () => {
  const code = `
from collections import namedtuple
Pair = namedtuple("Pair", "above, same")
@TinyJit
def f(x):
    return {"sum": x.sum(), "parts": [Pair(x + 1, x), None]}
made = [f(Tensor([i, 2])) for i in range(4)]
[[m["sum"].item(), [t.tolist() for t in m["parts"][0]], m["parts"][1], type(m["parts"][0]).__name__] for m in made]`;
  const wanted = [0, 1, 2, 3].map((i) => [
    i + 2,
    [
      [i + 1, 3],
      [i, 2],
    ],
    undefined,
    "Pair",
  ]);
  assert.deepEqual(run(code), wanted);
});

test("decorates methods: each object has recordings of its own", () => {
  const code = `
class Scale:
    def __init__(self, by):
        self.by = by
    @TinyJit
    def __call__(self, x):
        return x * self.by
a, b = Scale(2), Scale(3)
[[a(Tensor([i])).item(), b(Tensor([i])).item()] for i in range(1, 5)]`;
  assert.deepEqual(
    run(code),
    [1, 2, 3, 4].map((i) => [2 * i, 3 * i]),
  );
});

test("training inside: weights move, randomness goes on, the host hears of each step", () => {
  const code = `
w = Tensor([1.0, 1.0])
opt = nn.optim.SGD([w], lr=0.5)
@TinyJit
@Tensor.train()
def step(x):
    opt.zero_grad()
    loss = (w * x).sum().backward()
    noise = Tensor.rand(4)
    return loss.realize(*opt.schedule_step()), noise
made = [step(Tensor([1.0, 2.0])) for _ in range(4)]
[[loss.item() for loss, _ in made], len({tuple(noise.tolist()) for _, noise in made}), w.tolist(), Tensor.training]`;
  assert.deepEqual(run(code), [[3, 0.5, -2, -4.5], 4, [-1, -3], false]);
  assert.equal(ticks, 4);
});

test("nothing is left of a training, plain or replayed", () => {
  const code = `
import gc
from tinygrad._engine import ask
def train(wrap, steps):
    layers = [nn.Linear(4, 6), nn.BatchNorm(6), Tensor.relu, nn.Linear(6, 3)]
    opt = nn.optim.Adam(layers)
    @wrap
    @Tensor.train()
    def step(x, y):
        opt.zero_grad()
        loss = x.sequential(layers).sparse_categorical_crossentropy(y).backward()
        return loss.realize(*opt.schedule_step())
    for _ in range(steps):
        loss = step(Tensor.rand(5, 4), Tensor.randint(5, high=3))
    return loss.item()
def held(wrap, steps):
    train(wrap, steps)
    gc.collect()
    return [int(n) for n in ask("memoryInUse")[2:]]
held(lambda f: f, 3), held(TinyJit, 5)
[held(wrap, 3) == held(wrap, 40) for wrap in (lambda f: f, TinyJit)]`;
  assert.deepEqual(run(code), [true, true]);
});

test("training and evaluation are recorded apart", () => {
  const code = `
@TinyJit
def f(x):
    return x.dropout(0.9999)
x = Tensor.ones(4, 4)
for _ in range(3):
    f(x)
with Tensor.train():
    dropped = [f(x).sum().item() for _ in range(3)]
[f(x).sum().item(), max(dropped) < 16]`;
  assert.deepEqual(run(code), [16, true]);
});

test("one inside another, a reset, and an error on the way", () => {
  const nested = `
@TinyJit
def inner(x): return x + 1
@TinyJit
def outer(x): return inner(x) * 2
[outer(Tensor([i])).item() for i in range(5)]`;
  assert.deepEqual(run(nested), [2, 4, 6, 8, 10]);
  const reset = `
@TinyJit
def f(x):
    calls.append(1)
    return x + 1
for i in range(8):
    if i == 4: f.reset()
    f(Tensor([1]))
[len(calls), f.cnt]`;
  assert.deepEqual(run(reset), [4, 4]);
  const failing = `
@TinyJit
def f(x):
    calls.append(1)
    if len(calls) == 2: raise KeyError("mine")
    return x + 1
f(Tensor([1]))
try: f(Tensor([1]))
except KeyError as e: told = str(e)
[told, *(f(Tensor([i])).item() for i in range(3))]`;
  assert.deepEqual(run(failing), ["'mine'", 1, 2, 3]);
});

test("what cannot be recorded is an error", () => {
  const number = "f = TinyJit(lambda x: x.sum().item())\nf(Tensor([1]))\nf(Tensor([1]))";
  assert.match(raised(number), /^ArgumentError: TinyJit: got a function that returns int, expected tensors/);
  const array = "f = TinyJit(lambda x: Tensor(x))\nf(Tensor([1]).numpy())";
  assert.match(raised(array), /^ArgumentError: TinyJit: .*Tensor\(x\)/);
});

test("settings for a while", () => {
  const code = `
from tinygrad.helpers import DEBUG
@Context(TRAINING=1)
def inside(): return Tensor.training
seen = [Tensor.training, inside(), Tensor.training]
with Context(DEBUG=2, TRAINING=1):
    seen += [DEBUG >= 2, DEBUG.value, bool(TRAINING), Tensor.training]
seen + [DEBUG == 0, bool(TRAINING)]`;
  assert.deepEqual(run(code), [false, true, false, true, 2, true, true, true, false]);
  assert.match(raised("Context(NOSUCH=1)"), /^ArgumentError: Context: got NOSUCH, expected TRAINING/);
});

test("the environment, colours, lists, times", () => {
  const code = `
import os
os.environ["PLAYGRAD_TEST_N"] = "3"
[getenv("PLAYGRAD_TEST_N", 1), getenv("PLAYGRAD_TEST_N", ""), getenv("PLAYGRAD_NONE"), getenv("PLAYGRAD_NONE", 0.5),
 prod((2, 3, 4)), prod([]), flatten([[1], [2, 3]]), dedup([2, 1, 2]), argfix([1, 2]), argfix(1, 2), argsort([3, 1, 2]),
 make_tuple(2, 3), all_same([1, 1]), round_up(5, 4), ceildiv(5, 2), partition([1, 2, 3], lambda x: x > 1),
 ansilen(colored("text", "red")), colored("a", None), fully_flatten([1, [2, [3]]]), time_to_str(0.25)]`;
  assert.deepEqual(run(code), [
    ...[3, "3", 0, 0.5, 24, 1, [1, 2, 3], [2, 1], [1, 2], [1, 2], [1, 2, 0]],
    ...[[2, 2, 2], true, 8, 3, [[2, 3], [1]], 4, "a", [1, 2, 3], "  250.00ms"],
  ]);
  assert.match(raised('colored("x", "pink")'), /^ArgumentError: colored: got 'pink', expected black/);
  run('with Timing("took "): pass');
  assert.match(lines.join(), /^took +\d+\.\d\d ms$/);
});

test("the counters count from the last reset", () => {
  const code = `
GlobalCounters.reset()
before = GlobalCounters.kernel_count
(Tensor.rand(8, 8) @ Tensor.rand(8, 8)).realize()
[before, GlobalCounters.kernel_count > 0, GlobalCounters.global_ops >= 2 * 8 * 8 * 8 - 64, GlobalCounters.mem_used > 0]`;
  assert.deepEqual(run(code), [0, true, true, true]);
});

test("how far a loop is", () => {
  run(`
with tqdm(total=2000, unit="B", unit_scale=True, desc="load") as t: t.update(1500)
for _ in tqdm(iter([1, 2])): pass
for _ in (t := trange(3, disable=True)): t.set_description("unseen")
tqdm.write("a line")`);
  const seen = lines.flatMap((line) => line.split("\r"));
  assert.ok(
    seen.some((line) => /^load: {2}75%\|█+ +\| 1\.5k\/2k \[00:00<00:00, [\d.]+[kMG]?B\/s\]$/.test(line)),
    `${seen}`,
  );
  assert.ok(
    seen.some((line) => /^2it \[00:00, +[\d.]+it\/s\]$/.test(line)),
    `${seen}`,
  );
  assert.ok(seen.some((line) => line.endsWith("a line")));
  assert.ok(!seen.some((line) => line.includes("unseen")));
});

test("nothing is fetched from the web, and it says so", () => {
  assert.match(
    raised('fetch("https://example.com/x.bin")'),
    /^DataError: fetch: got https:.*nothing is downloaded/,
  );
  assert.equal(run('open("/tmp/x.bin", "w").close(); str(fetch("/tmp/x.bin"))'), "/tmp/x.bin");
});
