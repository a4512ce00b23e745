//! Reductions over axes, positions of extremes, running sums.

use super::super::call::{Call, int64};
use crate::{error::Result, tensor::Tensor};

type Over = fn(&Tensor, &[isize], bool) -> Result<Tensor>;

/// Axes are an attribute before opset `since`, an input from then on; none means all.
fn over(c: &Call, since: i64, f: Over) -> Result<Tensor> {
    let x = c.x(0)?;
    let listed = c.moved("axes", 1, since)?.unwrap_or_default();
    if listed.is_empty() && c.flag("noop_with_empty_axes", false)? {
        return Ok(x);
    }
    let axes = if listed.is_empty() {
        (0..x.ndim() as isize).collect()
    } else {
        listed.iter().map(|a| Ok(c.axis(*a, x.ndim())? as isize)).collect::<Result<Vec<_>>>()?
    };
    f(&x, &axes, c.flag("keepdims", true)?)?.cast(x.dtype())
}

pub fn sum(c: &Call) -> Result<Tensor> {
    over(c, 13, |x, axes, keep| x.sum(axes, keep))
}

pub fn mean(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| x.mean(axes, keep))
}

pub fn prod(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| x.prod(axes, keep))
}

/// Of nothing: the value that loses against all others.
fn or_empty(x: &Tensor, axes: &[isize], keep: bool, value: f64, f: Over) -> Result<Tensor> {
    if x.numel() > 0 {
        return f(x, axes, keep);
    }
    let shape = x.sum(axes, keep)?.shape();
    Tensor::full(&shape, value, x.dtype())
}

pub fn max(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| {
        or_empty(x, axes, keep, x.dtype().min_value(), |x, axes, keep| x.max(axes, keep))
    })
}

pub fn min(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| {
        or_empty(x, axes, keep, x.dtype().max_value(), |x, axes, keep| x.min(axes, keep))
    })
}

pub fn l1(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| x.abs()?.sum(axes, keep))
}

pub fn l2(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| x.square()?.sum(axes, keep)?.sqrt())
}

pub fn sum_square(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| x.square()?.sum(axes, keep))
}

pub fn log_sum(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| x.sum(axes, keep)?.log())
}

pub fn log_sum_exp(c: &Call) -> Result<Tensor> {
    over(c, 18, |x, axes, keep| x.logsumexp(axes, keep))
}

/// The first of equal extremes, or the last.
fn place(c: &Call, f: fn(&Tensor, Option<isize>, bool) -> Result<Tensor>) -> Result<Tensor> {
    let x = c.x(0)?;
    let axis = c.axis(c.int("axis", 0)?, x.ndim())?;
    let keep = c.flag("keepdims", true)?;
    let at = if c.flag("select_last_index", false)? {
        let last = x.shape()[axis] as i64 - 1;
        f(&x.flip(axis as isize)?, Some(axis as isize), keep)?.neg()?.add(last)?
    } else {
        f(&x, Some(axis as isize), keep)?
    };
    at.cast(int64())
}

pub fn argmax(c: &Call) -> Result<Tensor> {
    place(c, Tensor::argmax)
}

pub fn argmin(c: &Call) -> Result<Tensor> {
    place(c, Tensor::argmin)
}

/// `exclusive` leaves each element itself out, `reverse` starts at the end.
pub fn cumsum(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let axis = c.axis(c.need_int(1)?, x.ndim())? as isize;
    let turn = c.flag("reverse", false)?;
    let from = if turn { x.flip(axis)? } else { x.clone() };
    let total = from.cumsum(axis)?;
    let total = if c.flag("exclusive", false)? { total.sub(&from)? } else { total };
    (if turn { total.flip(axis)? } else { total }).cast(x.dtype())
}

pub fn top_k(c: &Call) -> Result<Vec<Tensor>> {
    let x = c.x(0)?;
    let axis = c.axis(c.int("axis", -1)?, x.ndim())?;
    let k = if c.opset < 10 { c.int("k", -1)? } else { c.need_int(1)? };
    let k = c.sizes("k", &[k])?[0];
    let (values, at) = x.topk(k, axis as isize, c.flag("largest", true)?)?;
    Ok(vec![values, at.cast(int64())?])
}
