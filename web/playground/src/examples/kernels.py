from time import perf_counter
from playgrad.custom import custom_kernel, gradcheck, opcheck
from playground import plot, steps
from tinygrad import Device, Tensor

# One line. It runs once for each element i of the output.
def muladd_cpu(inputs, out, shapes):
    a, b, c = inputs
    for i in range(len(out)):
        out[i] = a[i] * b[i] + c[i]

muladd = custom_kernel(
    "muladd", ["a", "b", "c"],
    wgsl="out[i] = a[i] * b[i] + c[i];",
    cpu=muladd_cpu,
    backward=lambda g, x, out: [g * x[1], g * x[0], g],
)
abc = [Tensor.rand(2, 3) for _ in range(3)]
print(opcheck(muladd, abc))
print(gradcheck(muladd, abc))

# A whole row at once: each i is a row of x.
def rms_cpu(inputs, out, shapes):
    (x, w), (rows, n) = inputs, shapes[0]
    for i in range(rows):
        row = x[i * n : i * n + n]
        scale = (sum(v * v for v in row) / n + 1e-5) ** -0.5
        for j in range(n):
            out[i * n + j] = row[j] * scale * w[j]

def rms_backward(g, inputs, out):
    x, w = inputs
    scale = (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    unit, gw = x * scale, g * w
    along = (gw * unit).mean(-1, keepdim=True)
    return [(gw - unit * along) * scale, (g * unit).sum(0)]

rms_norm = custom_kernel(
    "rms_norm", ["x", "w"],
    threads=lambda x, w: x[0],
    wgsl="""
    let n = x_shape[1];
    var sum = 0.0;
    for (var j = 0u; j < n; j++) {
      sum += x[i * n + j] * x[i * n + j];
    }
    let scale = inverseSqrt(sum / f32(n) + 1e-5);
    for (var j = 0u; j < n; j++) {
      out[i * n + j] = x[i * n + j] * scale * w[j];
    }""",
    cpu=rms_cpu,
    backward=rms_backward,
)
xw = [Tensor.randn(3, 4), Tensor.rand(4)]
print(opcheck(rms_norm, xw))
print(gradcheck(rms_norm, xw))

# How long it takes, beside the engine's own.
x = Tensor.randn(128, 64).realize()
w = Tensor.ones(64).contiguous().realize()
print("timed on", Device.DEFAULT)
for _ in steps(20):
    start = perf_counter()
    rms_norm(x, w).sum().item()
    middle = perf_counter()
    (x.rms_norm() * w).sum().item()
    end = perf_counter()
    kernel, built_in = middle - start, end - middle
    plot(kernel=1000 * kernel, built_in=1000 * built_in)
