//! Four kernels with their gradients, each as WGSL, CUDA C++ and a function: sums, products and sums, an LLTM cell
//! (Goldsborough's example of a C++ extension for PyTorch), RMSNorm (arXiv 1910.07467).

use playgrad::{Result, Tensor, tensor::CustomKernel};

macro_rules! kernel {
    ($name:literal, $inputs:expr) => {
        CustomKernel::new($name, $inputs)
            .wgsl(include_str!(concat!($name, ".wgsl")))
            .cuda(include_str!(concat!($name, ".cu")))
    };
}

pub fn add2() -> CustomKernel {
    kernel!("add2", &["a", "b"])
        .cpu(|k| {
            let (a, b) = (k.input::<f32>(0)?, k.input::<f32>(1)?);
            k.output::<f32>()?.iter_mut().enumerate().for_each(|(i, out)| *out = a[i] + b[i]);
            Ok(())
        })
        .backward(|g, _, _| Ok(vec![Some(g.clone()), Some(g.clone())]))
}

pub fn mymuladd() -> CustomKernel {
    kernel!("mymuladd", &["a", "b", "c"])
        .cpu(|k| {
            let (a, b, c) = (k.input::<f32>(0)?, k.input::<f32>(1)?, k.input::<f32>(2)?);
            k.output::<f32>()?.iter_mut().enumerate().for_each(|(i, out)| *out = a[i] * b[i] + c[i]);
            Ok(())
        })
        .backward(|g, x, _| Ok(vec![Some(g.mul(&x[1])?), Some(g.mul(&x[0])?), Some(g.clone())]))
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// What the gates of cell `i` let in and out, and the candidate with its slope.
fn gates(gates: &[f32], i: usize, n: usize) -> [f32; 4] {
    let at = i / n * 3 * n + i % n;
    let x = gates[at + 2 * n];
    let candidate = if x > 0.0 { [x, 1.0] } else { [x.exp() - 1.0, x.exp()] };
    [sigmoid(gates[at]), sigmoid(gates[at + n]), candidate[0], candidate[1]]
}

/// Gates `[batch, 3·state]` and cells `[batch, state]` to hidden values and cells, `[2, batch, state]`.
pub fn lltm() -> CustomKernel {
    let back = kernel!("lltm_back", &["g", "gates", "cell"])
        .shape(|s| vec![s[2][0], 4 * s[2][1]])
        .threads(|s| s[2].iter().product())
        .cpu(|k| {
            let (g, gate, cell) = (k.input::<f32>(0)?, k.input::<f32>(1)?, k.input::<f32>(2)?);
            let (n, out) = (k.shape(2)[1], k.output::<f32>()?);
            for i in 0..cell.len() {
                let [enters, leaves, candidate, slope] = gates(gate, i, n);
                let t = (cell[i] + candidate * enters).tanh();
                let now = g[i] * leaves * (1.0 - t * t) + g[cell.len() + i];
                let to = i / n * 4 * n + i % n;
                out[to] = now * candidate * enters * (1.0 - enters);
                out[to + n] = g[i] * t * leaves * (1.0 - leaves);
                out[to + 2 * n] = now * enters * slope;
                out[to + 3 * n] = now;
            }
            Ok(())
        });
    kernel!("lltm", &["gates", "cell"])
        .shape(|s| vec![2, s[1][0], s[1][1]])
        .threads(|s| s[1].iter().product())
        .cpu(|k| {
            let (gate, cell) = (k.input::<f32>(0)?, k.input::<f32>(1)?);
            let (n, out) = (k.shape(1)[1], k.output::<f32>()?);
            for i in 0..cell.len() {
                let [enters, leaves, candidate, _] = gates(gate, i, n);
                let now = cell[i] + candidate * enters;
                (out[i], out[cell.len() + i]) = (now.tanh() * leaves, now);
            }
            Ok(())
        })
        .backward(move |g, x, _| {
            let both = back.call(&[g, &x[0], &x[1]])?;
            let (rows, n) = (x[1].shape()[0], x[1].shape()[1]);
            let part = |from, to| both.shrink(&[(0, rows), (from, to)]);
            Ok(vec![Some(part(0, 3 * n)?), Some(part(3 * n, 4 * n)?)])
        })
}

const EPS: f32 = 1e-5;

/// Rows `x`, `[rows, n]`, by the root of their mean square, times `w`, `[n]`.
pub fn rms_norm() -> CustomKernel {
    let back = kernel!("rms_norm_back", &["g", "x", "w"]).threads(|s| s[1][0]).cpu(|k| {
        let (g, x, w) = (k.input::<f32>(0)?, k.input::<f32>(1)?, k.input::<f32>(2)?);
        let n = w.len();
        for ((out, g), x) in k.output::<f32>()?.chunks_mut(n).zip(g.chunks(n)).zip(x.chunks(n)) {
            let scale = (x.iter().map(|x| x * x).sum::<f32>() / n as f32 + EPS).sqrt().recip();
            let along: f32 = (0..n).map(|j| g[j] * w[j] * x[j]).sum();
            (0..n).for_each(|j| out[j] = scale * (g[j] * w[j] - x[j] * scale * scale * along / n as f32));
        }
        Ok(())
    });
    kernel!("rms_norm", &["x", "w"])
        .groups(|s| s[0][0])
        .cpu(|k| {
            let (x, w) = (k.input::<f32>(0)?, k.input::<f32>(1)?);
            let n = w.len();
            for (out, x) in k.output::<f32>()?.chunks_mut(n).zip(x.chunks(n)) {
                let scale = (x.iter().map(|x| x * x).sum::<f32>() / n as f32 + EPS).sqrt().recip();
                (0..n).for_each(|j| out[j] = x[j] * scale * w[j]);
            }
            Ok(())
        })
        .backward(move |g, x, _| {
            let unit = x[0].rms_norm(-1, f64::from(EPS))?;
            Ok(vec![Some(back.call(&[g, &x[0], &x[1]])?), Some(g.mul(&unit)?.sum(0, false)?)])
        })
}

/// What each kernel computes, by the engine's own operations.
pub fn plain(name: &str, x: &[Tensor]) -> Result<Tensor> {
    match name {
        "add2" => x[0].add(&x[1]),
        "mymuladd" => x[0].mul(&x[1])?.add(&x[2]),
        "lltm" => {
            let (rows, n) = (x[1].shape()[0], x[1].shape()[1]);
            let part = |i: usize| x[0].shrink(&[(0, rows), (i * n, i * n + n)]);
            let now = part(2)?.elu(1.0)?.mul(part(0)?.sigmoid()?)?.add(&x[1])?;
            Tensor::stack(&[now.tanh()?.mul(part(1)?.sigmoid()?)?, now], 0)
        }
        _ => x[0].rms_norm(-1, f64::from(EPS))?.mul(&x[1]),
    }
}
