from math import exp, tanh
from time import perf_counter

from playgrad.custom import custom_kernel, gradcheck, opcheck
from playground import plot, steps
from tinygrad import Tensor, nn

# Each i is a cell. Its gates stand n apart in a row of 3 * n.
OPEN = """
  let n = cell_shape[1];
  let at = (i / n) * 3u * n + i % n;
  let enters = 1.0 / (1.0 + exp(-gates[at]));
  let leaves = 1.0 / (1.0 + exp(-gates[at + n]));
  let x = gates[at + 2u * n];
  let fresh = select(exp(x) - 1.0, x, x > 0.0);"""

def sigmoid(x):
    return 1 / (1 + exp(-x))

def opened(gates, i, n):
    at = i // n * 3 * n + i % n
    x = gates[at + 2 * n]
    elu = (x, 1) if x > 0 else (exp(x) - 1, exp(x))
    return sigmoid(gates[at]), sigmoid(gates[at + n]), *elu

# The way back: gradients of a row of gates, then of its cells.
def back_cpu(inputs, out, shapes):
    (g, gates, cell), n = inputs, shapes[2][1]
    size = len(cell)
    for i in range(size):
        enters, leaves, fresh, slope = opened(gates, i, n)
        t = tanh(cell[i] + fresh * enters)
        now = g[i] * leaves * (1 - t * t) + g[size + i]
        to = i // n * 4 * n + i % n
        out[to] = now * fresh * enters * (1 - enters)
        out[to + n] = g[i] * t * leaves * (1 - leaves)
        out[to + 2 * n] = now * enters * slope
        out[to + 3 * n] = now

back = custom_kernel(
    "lltm_back", ["g", "gates", "cell"],
    shape=lambda g, gates, cell: (cell[0], 4 * cell[1]),
    threads=lambda g, gates, cell: cell[0] * cell[1],
    wgsl=OPEN + """
  let t = tanh(cell[i] + fresh * enters);
  let now = g[i] * leaves * (1.0 - t * t) + g[cell_size + i];
  let to = (i / n) * 4u * n + i % n;
  out[to] = now * fresh * enters * (1.0 - enters);
  out[to + n] = g[i] * t * leaves * (1.0 - leaves);
  out[to + 2u * n] = now * enters * select(exp(x), 1.0, x > 0.0);
  out[to + 3u * n] = now;""",
    cpu=back_cpu,
)

# The way there: what leaves the cells, and what stays in them.
def lltm_cpu(inputs, out, shapes):
    (gates, cell), n = inputs, shapes[1][1]
    for i in range(len(cell)):
        enters, leaves, fresh, _ = opened(gates, i, n)
        now = cell[i] + fresh * enters
        out[i], out[len(cell) + i] = tanh(now) * leaves, now

def lltm_backward(g, inputs, out):
    both, n = back(g, *inputs), inputs[1].shape[1]
    return [both[:, : 3 * n], both[:, 3 * n :]]

lltm = custom_kernel(
    "lltm", ["gates", "cell"],
    shape=lambda gates, cell: (2, *cell),
    threads=lambda gates, cell: cell[0] * cell[1],
    wgsl=OPEN + """
  let now = cell[i] + fresh * enters;
  out[i] = tanh(now) * leaves;
  out[cell_size + i] = now;""",
    cpu=lltm_cpu,
    backward=lltm_backward,
)

# The same of tensors: what the engine makes of it by itself.
def composed(gates, cell):
    enters, leaves, fresh = gates.chunk(3, 1)
    now = fresh.elu() * enters.sigmoid() + cell
    return (now.tanh() * leaves.sigmoid()).stack(now)

given = [Tensor.randn(2, 9), Tensor.randn(2, 3)]
print(opcheck(back, [Tensor.randn(2, 2, 3), *given]))
print(opcheck(lltm, given))
print(gradcheck(lltm, given))

# A task for a memory: one of six numbers is marked. Which was it?
rows, length, n = 16, 6, 8
to_gates, read = nn.Linear(2 + n, 3 * n), nn.Linear(n, 1)
parameters = nn.state.get_parameters([to_gates, read])
opt = nn.optim.Adam(parameters, lr=0.02)

def guess(story, cells):
    out = cell = Tensor.zeros(rows, n)
    for t in range(length):
        gates = to_gates(story[:, t].cat(out, dim=1))
        out, cell = cells(gates, cell)
    return read(out).squeeze(1)

@Tensor.train()
def learn(cells):
    values = Tensor.rand(rows, length) * 2 - 1
    mark = Tensor.randint(rows, high=length).one_hot(length)
    story = values.stack(mark, dim=2)
    wanted = (values * mark).sum(1)
    loss = (guess(story, cells) - wanted).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss

# By turns: both learn the same, and each takes its time.
for step in steps(300):
    own = step % 2 == 0
    start = perf_counter()
    loss = learn(lltm if own else composed).item()
    time = 1000 * (perf_counter() - start)
    plot(**{"loss": loss, "kernel" if own else "composed": time})
