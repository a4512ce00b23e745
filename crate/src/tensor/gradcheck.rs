//! Gradients against central differences.

use super::Tensor;
use crate::{
    error::{Error, Result},
    graph::DType,
};

/// How far [`gradcheck`] moves each element, and how far apart slopes may be: `atol + rtol·|by differences|`.
#[derive(Clone, Copy, Debug)]
pub struct GradCheck {
    pub eps: f64,
    pub atol: f64,
    pub rtol: f64,
}

impl GradCheck {
    /// For inputs of that dtype: PyTorch's for float64, what the digits of float32 allow else.
    pub fn of(dtype: DType) -> GradCheck {
        if dtype.size() == 8 {
            GradCheck { eps: 1e-6, atol: 1e-5, rtol: 1e-3 }
        } else {
            GradCheck { eps: 4e-3, atol: 2e-3, rtol: 1e-2 }
        }
    }
}

/// The element whose two slopes are furthest apart, measured by what is allowed.
#[derive(Clone, Debug)]
pub struct Worst {
    pub input: usize,
    pub element: usize,
    pub gradient: f64,
    pub by_differences: f64,
}

/// Compares the gradients of `f` with `(f(x + eps) − f(x − eps)) / 2·eps` for every element of every input; a result
/// that is no scalar is weighed with fixed numbers. float64 inputs (on the CPU) tell most. Gives the worst element.
/// Source: `torch.autograd.gradcheck`.
///
/// # Errors
/// `Data` where the slopes of an element are further apart than allowed, with that element; `DType` for inputs that are
/// no float tensors, `Argument` for none, and what `f` fails with.
pub async fn gradcheck(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    options: Option<GradCheck>,
) -> Result<Worst> {
    let first = inputs.iter().find(|x| x.numel() > 0);
    let first = first
        .ok_or_else(|| Error::argument("gradcheck", "no elements", "inputs with elements", "pass some"))?;
    let GradCheck { eps, atol, rtol } = options.unwrap_or_else(|| GradCheck::of(first.dtype()));
    let mut points = Vec::with_capacity(inputs.len());
    for x in inputs {
        if !x.dtype().is_float() {
            let fix = "cast it with .float(), or let f hold it";
            return Err(Error::dtype("gradcheck", x.dtype().name(), "float tensors", fix));
        }
        points.push(read(x).await?);
    }
    let leaves = |points: &[Vec<f64>]| -> Result<Vec<Tensor>> {
        points.iter().zip(inputs).map(|(v, x)| made(v, x)).collect()
    };
    let x: Vec<Tensor> = leaves(&points)?;
    let gradients = {
        let weigh = |x: &[Tensor]| {
            let y = f(x)?;
            y.mul(made(&weights(y.numel()), &y)?)?.sum((), false)
        };
        super::vjp(weigh, &x.iter().collect::<Vec<_>>(), None)?.1
    };
    let mut worst: Option<(f64, Worst)> = None;
    for (input, gradient) in gradients.iter().enumerate() {
        let exact = read(gradient).await?;
        for element in 0..exact.len() {
            let mut sides = [(0.0, Vec::new()), (0.0, Vec::new())];
            for (side, sign) in sides.iter_mut().zip([1.0, -1.0]) {
                let mut moved = points.clone();
                moved[input][element] += sign * eps;
                let at = leaves(&moved)?;
                *side = (read(&at[input]).await?[element], read(&f(&at)?).await?);
            }
            let [(right, up), (left, down)] = sides;
            let rise: f64 = up.iter().zip(&down).zip(weights(up.len())).map(|((u, d), w)| w * (u - d)).sum();
            let by_differences = rise / (right - left);
            let gradient = exact[element];
            let apart = (gradient - by_differences).abs() / (atol + rtol * by_differences.abs());
            let apart = if apart.is_nan() { f64::INFINITY } else { apart };
            if worst.as_ref().is_none_or(|(known, _)| apart > *known) {
                worst = Some((apart, Worst { input, element, gradient, by_differences }));
            }
        }
    }
    let (apart, worst) = worst.expect("there are elements");
    if apart <= 1.0 {
        return Ok(worst);
    }
    let Worst { input, element, gradient, by_differences } = worst;
    Err(Error::data(
        "gradcheck",
        format!("gradient {gradient} at {:?} of input {input}", place(element, &inputs[input].shape())),
        format!("{by_differences}, the slope by differences, within {atol} + {rtol} of it"),
        "correct the gradient, or keep away from kinks and give the inputs as float64",
    ))
}

/// Values in the shape and dtype of another tensor; only the CPU has float64.
fn made(values: &[f64], like: &Tensor) -> Result<Tensor> {
    if like.dtype() == DType::F64 {
        return Tensor::from_slice(values, &like.shape());
    }
    let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    Tensor::from_slice(&values, &like.shape())?.cast(like.dtype())
}

async fn read(x: &Tensor) -> Result<Vec<f64>> {
    let data = x.data().await?;
    Ok((0..data.len()).map(|i| data.get(i)).collect())
}

fn weights(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.0 + i as f64 * 0.7).sin()).collect()
}

/// The index, axis by axis, of an element in row-major order.
fn place(element: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = element;
    let mut at: Vec<usize> = shape
        .iter()
        .rev()
        .map(|n| {
            let here = rest % n;
            rest /= n;
            here
        })
        .collect();
    at.reverse();
    at
}
