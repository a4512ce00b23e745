//! Reductions, softmax and the rest of what is a reduction with something around it.

use super::{AxisList, Tensor, build, math, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Node, Reduce, Unary},
};

/// Drops the reduced axes unless the caller keeps them.
fn finish(node: Node, axes: &Axes, keepdim: bool) -> Tensor {
    Tensor::from_node(if keepdim { node } else { shape::without(&node, axes) })
}

fn count(x: &Node, axes: &Axes) -> usize {
    axes.iter().map(|a| x.shape[*a]).product()
}

/// Bools and small integers add up in 32 bits.
pub(super) fn widened(x: &Node) -> Node {
    match x.dtype {
        DType::Bool | DType::I8 => build::cast(x, DType::I32),
        DType::U8 => build::cast(x, DType::U32),
        _ => x.clone(),
    }
}

fn not_empty(op: &str, x: &Node, axes: &Axes) -> Result<()> {
    if count(x, axes) > 0 {
        return Ok(());
    }
    let got = format!("shape {:?} over axes {:?}", x.shape.as_slice(), axes.as_slice());
    Err(Error::shape(op, got, "at least one element to reduce", "check that the tensor is not empty"))
}

impl Tensor {
    /// Over `axes` (`()` for all). Bool and int8 add up as int32, uint8 as uint32; 16-bit floats are summed in float32
    /// and rounded once.
    pub fn sum(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = widened(&self.node());
        let axes = axes.into().resolve("sum", x.shape.len())?;
        Ok(finish(build::sum(&x, &axes), &axes, keepdim))
    }

    /// The product; dtypes as [`Tensor::sum`].
    pub fn prod(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = widened(&self.node());
        let axes = axes.into().resolve("prod", x.shape.len())?;
        Ok(finish(build::reduce(Reduce::Prod, &x, &axes), &axes, keepdim))
    }

    /// The largest; ties share the gradient equally. Errors on empty input.
    pub fn max(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("max", x.shape.len())?;
        not_empty("max", &x, &axes)?;
        Ok(finish(build::reduce(Reduce::Max, &x, &axes), &axes, keepdim))
    }

    /// The smallest; ties share the gradient equally. Errors on empty input.
    pub fn min(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("min", x.shape.len())?;
        not_empty("min", &x, &axes)?;
        let least = |x: &Node, turn: fn(&Node) -> Node| turn(&build::reduce(Reduce::Max, &turn(x), &axes));
        let inverted = |x: &Node| build::unary(Unary::Not, x);
        // Bitwise not turns the order of integers around without overflow.
        let node = if x.dtype.is_float() { least(&x, build::neg) } else { least(&x, inverted) };
        Ok(finish(node, &axes, keepdim))
    }

    /// The mean; integers as float32, 16-bit floats summed in float32.
    pub fn mean(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("mean", x.shape.len())?;
        Ok(finish(build::in_float(&x, |x| mean(x, &axes)), &axes, keepdim))
    }

    /// The variance: squared distances from the mean over `n - correction` (PyTorch's default correction is 1).
    pub fn var(&self, axes: impl Into<AxisList>, keepdim: bool, correction: usize) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("var", x.shape.len())?;
        Ok(finish(build::in_float(&x, |x| variance(x, &axes, correction)), &axes, keepdim))
    }

    /// The square root of [`Tensor::var`].
    pub fn std(&self, axes: impl Into<AxisList>, keepdim: bool, correction: usize) -> Result<Tensor> {
        self.var(axes, keepdim, correction)?.sqrt()
    }

    /// The position of the largest along an axis, the first at a tie, int32; over all elements for `None`.
    pub fn argmax(&self, axis: Option<isize>, keepdim: bool) -> Result<Tensor> {
        let Some(axis) = axis else {
            let flat = self.flatten(0)?.argmax(Some(0), false)?;
            return if keepdim { flat.reshape(&vec![1; self.ndim()]) } else { Ok(flat) };
        };
        let x = self.node();
        let axis = shape::axis("argmax", axis, x.shape.len())?;
        let axes = Axes::from_slice(&[axis]);
        not_empty("argmax", &x, &axes)?;
        let best = build::expand(&build::reduce(Reduce::Max, &x, &axes), &x.shape);
        let places = build::iota_along(&x.shape, axis, DType::I32);
        let n = x.shape[axis] as f64;
        let from_end = build::sub(&build::like(&places, n), &places);
        let candidates = build::select(&build::lt(&x, &best), &build::like(&places, 0.0), &from_end);
        let last = build::reduce(Reduce::Max, &candidates, &axes);
        Ok(finish(build::sub(&build::like(&last, n), &last), &axes, keepdim))
    }

    /// The position of the smallest along an axis, the first at a tie.
    pub fn argmin(&self, axis: Option<isize>, keepdim: bool) -> Result<Tensor> {
        let turned = match self.dtype().is_float() {
            true => self.neg()?,
            false => Tensor::from_node(build::unary(Unary::Not, &self.node())),
        };
        turned.argmax(axis, keepdim)
    }

    /// `exp(x) / sum(exp(x))` along an axis, the largest subtracted first.
    pub fn softmax(&self, axis: isize) -> Result<Tensor> {
        let (x, axes) = self.row("softmax", axis)?;
        Ok(Tensor::from_node(build::in_float(&x, |x| {
            let e = math::exp(&centered(x, &axes));
            build::div(&e, &build::expand(&build::sum(&e, &axes), &x.shape))
        })))
    }

    /// `log(softmax(x))`.
    pub fn log_softmax(&self, axis: isize) -> Result<Tensor> {
        let (x, axes) = self.row("log_softmax", axis)?;
        Ok(Tensor::from_node(build::in_float(&x, |x| log_softmax(x, &axes))))
    }

    /// `log(sum(exp(x)))`, the largest subtracted first.
    pub fn logsumexp(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("logsumexp", x.shape.len())?;
        not_empty("logsumexp", &x, &axes)?;
        let node = build::in_float(&x, |x| {
            let largest = build::detach(&build::reduce(Reduce::Max, x, &axes));
            let e = math::exp(&build::sub(x, &build::expand(&largest, &x.shape)));
            build::add(&math::log(&build::sum(&e, &axes)), &largest)
        });
        Ok(finish(node, &axes, keepdim))
    }

    fn row(&self, op: &str, axis: isize) -> Result<(Node, Axes)> {
        let x = self.node();
        let axes = Axes::from_slice(&[shape::axis(op, axis, x.shape.len())?]);
        not_empty(op, &x, &axes)?;
        Ok((x, axes))
    }
}

/// The largest moves to 0; no gradient flows through it, as it cancels.
fn centered(x: &Node, axes: &Axes) -> Node {
    let largest = build::detach(&build::reduce(Reduce::Max, x, axes));
    build::sub(x, &build::expand(&largest, &x.shape))
}

pub(super) fn log_softmax(x: &Node, axes: &Axes) -> Node {
    let moved = centered(x, axes);
    let total = math::log(&build::sum(&math::exp(&moved), axes));
    build::sub(&moved, &build::expand(&total, &x.shape))
}

/// With axes kept at size 1.
pub(super) fn mean(x: &Node, axes: &Axes) -> Node {
    build::scale(&build::sum(x, axes), 1.0 / count(x, axes) as f64)
}

/// With axes kept at size 1.
pub(super) fn variance(x: &Node, axes: &Axes, correction: usize) -> Node {
    let distance = build::sub(x, &build::expand(&mean(x, axes), &x.shape));
    let total = build::sum(&build::mul(&distance, &distance), axes);
    build::scale(&total, 1.0 / count(x, axes).saturating_sub(correction) as f64)
}
