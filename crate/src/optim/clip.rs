use crate::{
    error::{Error, Result},
    tensor::{Tensor, with_step},
};

fn positive(op: &str, name: &str, value: f64) -> Result<()> {
    if value > 0.0 {
        return Ok(());
    }
    let fix = format!("change {name}");
    Err(Error::argument(op, format!("{name} {value}"), "a number above 0", fix))
}

/// Scales all gradients by the same factor, so that their norm taken together is at most `max_norm`, and gives that
/// norm as it was before, a float32 scalar. Computed with the optimizer's step, nothing is read. `norm_type` 2 is the
/// Euclidean norm, infinity the largest element. As PyTorch's `clip_grad_norm_`.
///
/// # Errors
/// `Argument` for a `max_norm` or `norm_type` that is not positive, or when no parameter has a gradient.
pub fn clip_grad_norm(params: &[Tensor], max_norm: f64, norm_type: f64) -> Result<Tensor> {
    const OP: &str = "clip_grad_norm";
    positive(OP, "max_norm", max_norm)?;
    positive(OP, "norm_type", norm_type)?;
    let mut total: Option<Tensor> = None;
    for gradient in params.iter().filter_map(Tensor::grad).filter(|g| g.numel() > 0) {
        let x = gradient.float()?;
        let part = match norm_type {
            f64::INFINITY => x.abs()?.max((), false)?,
            2.0 => x.square()?.sum((), false)?,
            p => x.abs()?.pow(p)?.sum((), false)?,
        };
        total = Some(match total {
            None => part,
            Some(sum) if norm_type == f64::INFINITY => sum.maximum(part)?,
            Some(sum) => sum.add(part)?,
        });
    }
    let total = total.ok_or_else(|| {
        Error::argument(
            OP,
            "no parameter with a gradient",
            "a backward() before it",
            "call loss.backward() first",
        )
    })?;
    let norm = match norm_type {
        f64::INFINITY => total,
        2.0 => total.sqrt()?,
        p => total.pow(1.0 / p)?,
    };
    let factor = norm.add(1e-6)?.reciprocal()?.mul(max_norm)?.minimum(1.0)?;
    change(params, |g| g.mul(&factor)?.cast(g.dtype()))?;
    with_step(&norm);
    Ok(norm)
}

/// Limits every element of every gradient to `±clip_value`. As PyTorch's `clip_grad_value_`.
///
/// # Errors
/// `Argument` for a limit that is not positive.
pub fn clip_grad_value(params: &[Tensor], clip_value: f64) -> Result<()> {
    positive("clip_grad_value", "clip_value", clip_value)?;
    change(params, |g| g.maximum(-clip_value)?.minimum(clip_value))
}

fn change(params: &[Tensor], f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<()> {
    for param in params {
        if let Some(gradient) = param.grad() {
            param.set_grad(Some(f(&gradient)?));
        }
    }
    Ok(())
}
