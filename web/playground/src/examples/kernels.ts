import { device, Tensor } from "playgrad";
import { customKernel, gradcheck } from "playgrad/custom";
import { opcheck } from "playgrad/custom";
import { plot, print, steps } from "playground";

// One line. It runs once for each element i of the output.
const muladd = customKernel({
  name: "muladd",
  inputs: ["a", "b", "c"],
  wgsl: "out[i] = a[i] * b[i] + c[i];",
  cpu: ([a, b, c], out) => {
    for (let i = 0; i < out.length; i++)
      out[i] = a[i] * b[i] + c[i];
  },
  backward: (g, [a, b]) => [g.mul(b), g.mul(a), g],
});
const abc = [1, 2, 3].map(() => Tensor.rand([2, 3]));
print(await opcheck(muladd, abc));
print(await gradcheck(muladd, abc));

// A whole row at once: each i is a row of x.
const rmsNorm = customKernel({
  name: "rms_norm",
  inputs: ["x", "w"],
  threads: (x) => x[0],
  wgsl: `
    let n = x_shape[1];
    var sum = 0.0;
    for (var j = 0u; j < n; j++) {
      sum += x[i * n + j] * x[i * n + j];
    }
    let scale = inverseSqrt(sum / f32(n) + 1e-5);
    for (var j = 0u; j < n; j++) {
      out[i * n + j] = x[i * n + j] * scale * w[j];
    }`,
  cpu: ([x, w], out, [[rows, n]]) => {
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = i * n; j < i * n + n; j++) sum += x[j] * x[j];
      const scale = 1 / Math.sqrt(sum / n + 1e-5);
      for (let j = 0; j < n; j++)
        out[i * n + j] = x[i * n + j] * scale * w[j];
    }
  },
  backward: (g, [x, w]) => {
    const mean = (t: Tensor) => t.mean(-1, { keepdim: true });
    const scale = mean(x.square()).add(1e-5).rsqrt();
    const unit = x.mul(scale);
    const gw = g.mul(w);
    const gx = gw.sub(unit.mul(mean(gw.mul(unit)))).mul(scale);
    return [gx, g.mul(unit).sum(0)];
  },
});
const xw = [Tensor.randn([3, 4]), Tensor.rand([4])];
print(await opcheck(rmsNorm, xw));
print(await gradcheck(rmsNorm, xw));

// How long it takes, beside the engine's own.
const x = Tensor.randn([128, 64]).realize();
const w = Tensor.ones([64]).contiguous().realize();
print("timed on", device().name);
for await (const _ of steps(20)) {
  const start = performance.now();
  await rmsNorm(x, w).sum().item();
  const middle = performance.now();
  await x.rmsNorm().mul(w).sum().item();
  const end = performance.now();
  plot({ kernel: middle - start, built_in: end - middle });
}
