//! Normalizations, and dropout.

use super::super::call::Call;
use crate::{error::Result, graph::DType, tensor::Tensor};

/// A list [channels] beside an image, along axis 1.
fn channels(list: &Tensor, ndim: usize) -> Result<Tensor> {
    let mut line = vec![1; ndim.saturating_sub(1).max(1)];
    line[0] = -1;
    list.reshape(&line)
}

fn scaled(c: &Call, x: &Tensor, ndim: usize) -> Result<Tensor> {
    x.mul(channels(&c.x(1)?, ndim)?)?.add(channels(&c.x(2)?, ndim)?)
}

/// With the stored statistics; in `training_mode` with those of the batch, and the running ones as further outputs.
pub fn batch(c: &Call) -> Result<Vec<Tensor>> {
    let x = c.x(0)?;
    let (epsilon, (mean, variance)) = (c.float("epsilon", 1e-5)?, (c.x(3)?, c.x(4)?));
    let normal = |mean: &Tensor, variance: &Tensor| {
        let inverse = variance.add(epsilon)?.rsqrt()?;
        x.batchnorm(Some(&c.x(1)?), Some(&c.x(2)?), mean, &inverse, 1)?.cast(x.dtype())
    };
    if !c.flag("training_mode", false)? {
        return Ok(vec![normal(&mean, &variance)?]);
    }
    let axes: Vec<isize> = (0..x.ndim() as isize).filter(|a| *a != 1).collect();
    let (own_mean, own_variance) = (x.mean(&axes[..], false)?, x.var(&axes[..], false, 0)?);
    let momentum = c.float("momentum", 0.9)?;
    let running =
        |old: &Tensor, new: &Tensor| old.mul(momentum)?.add(new.mul(1.0 - momentum)?)?.cast(old.dtype());
    let (mean, variance) = (running(&mean, &own_mean)?, running(&variance, &own_variance)?);
    Ok(vec![normal(&own_mean, &own_variance)?, mean, variance])
}

pub fn instance(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let groups = x.shape().get(1).copied().unwrap_or(0);
    scaled(c, &x.group_norm(groups, c.float("epsilon", 1e-5)?)?, x.ndim())?.cast(x.dtype())
}

/// Scale and bias have one number for each group before opset 21, for each channel since.
pub fn group(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let groups = c.sizes("num_groups", &[c.int("num_groups", 0)?])?[0];
    let normal = x.group_norm(groups, c.float("epsilon", 1e-5)?)?;
    if c.opset >= 21 {
        return scaled(c, &normal, x.ndim())?.cast(x.dtype());
    }
    let each = x.shape()[1] / groups;
    let line = |i: usize| channels(&c.x(i)?.repeat_interleave(each, Some(0))?, x.ndim());
    normal.mul(line(1)?)?.add(line(2)?)?.cast(x.dtype())
}

/// Over all axes from `axis` on; mean and inverse deviation as further outputs.
pub fn layer(c: &Call) -> Result<Vec<Tensor>> {
    let (x, epsilon) = (c.x(0)?, c.float("epsilon", 1e-5)?);
    let first = c.axis(c.int("axis", -1)?, x.ndim())?;
    let axes: Vec<isize> = (first as isize..x.ndim() as isize).collect();
    let mut out = x.layer_norm(&axes[..], epsilon)?.mul(c.x(1)?)?;
    if let Some(bias) = c.maybe(2)? {
        out = out.add(bias)?;
    }
    let mut results = vec![out.cast(x.dtype())?];
    if c.reads(1) || c.reads(2) {
        let wide = x.float()?;
        results.push(wide.mean(&axes[..], true)?);
        results.push(wide.var(&axes[..], true, 0)?.add(epsilon)?.rsqrt()?);
    }
    Ok(results)
}

/// Each value over its neighbours' in channels.
pub fn local_response(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let size = c.sizes("size", &[c.int("size", 1)?])?[0].max(1);
    let (alpha, beta, bias) = (c.float("alpha", 1e-4)?, c.float("beta", 0.75)?, c.float("bias", 1.0)?);
    if x.ndim() < 2 {
        return Err(c.error(
            format!("shape {:?}", x.shape().as_slice()),
            "[n, channels, …]",
            "add the missing axes",
        ));
    }
    let mut pairs = vec![(0, 0); x.ndim()];
    pairs[1] = ((size - 1) / 2, size - 1 - (size - 1) / 2);
    let squares = x.square()?.pad(&pairs, 0.0)?.unfold(1, size, 1)?.sum(-1, false)?;
    x.div(squares.mul(alpha / size as f64)?.add(bias)?.pow(beta)?)
}

pub fn lp(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let axis = c.axis(c.int("axis", -1)?, x.ndim())? as isize;
    let length = match c.int("p", 2)? {
        1 => x.abs()?.sum(axis, true)?,
        _ => x.square()?.sum(axis, true)?.sqrt()?,
    };
    // Zero has no direction: it stays.
    x.div(length.eq(0)?.where_(1.0, &length)?)?.cast(x.dtype())
}

pub fn mean_variance(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let list = c.list("axes")?.unwrap_or(&[0, 2, 3]);
    let axes = list.iter().map(|a| Ok(c.axis(*a, x.ndim())? as isize)).collect::<Result<Vec<_>>>()?;
    let deviation = x.var(&axes[..], true, 0)?.sqrt()?;
    x.sub(x.mean(&axes[..], true)?)?.div(deviation.add(1e-9)?)
}

/// Drops only where the model asks for training; the mask says what stayed.
pub fn dropout(c: &Call) -> Result<Vec<Tensor>> {
    let x = c.x(0)?;
    let number =
        |i: usize| -> Result<Option<f64>> { Ok(c.data(i)?.filter(|d| d.len() == 1).map(|d| d.get(0))) };
    let training = c.opset >= 12 && number(2)?.is_some_and(|v| v != 0.0);
    let ratio = if training { number(1)?.unwrap_or(0.5) } else { 0.0 };
    let whole = || Tensor::full(&x.shape(), 1.0, DType::Bool);
    if ratio == 0.0 {
        return Ok(vec![x.clone(), whole()?]);
    }
    if !(0.0..1.0).contains(&ratio) {
        return Err(c.error(format!("ratio {ratio}"), "a ratio from 0 up to 1", "export the model again"));
    }
    let kept = Tensor::rand(&x.shape())?.ge(ratio)?;
    let scaled = x.mul(1.0 / (1.0 - ratio))?;
    Ok(vec![kept.where_(&scaled, x.zeros_like()?)?.cast(x.dtype())?, kept])
}
