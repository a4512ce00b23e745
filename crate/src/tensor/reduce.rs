//! Reductions, softmax and the rest of what is a reduction with something around it.

use super::{AxisList, Tensor, build, compare, math, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Node, Reduce, Unary},
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
        Ok(finish(turned(&build::reduce(Reduce::Max, &turned(&x), &axes)), &axes, keepdim))
    }

    /// Whether any element is not zero; false for none.
    pub fn any(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = widened(&build::cast(&self.node(), DType::Bool));
        let axes = axes.into().resolve("any", x.shape.len())?;
        let most = build::reduce(Reduce::Max, &x, &axes);
        Ok(finish(build::lt(&build::like(&most, 0.0), &most), &axes, keepdim))
    }

    /// Whether no element is zero; true for none.
    pub fn all(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        self.logical_not()?.any(axes, keepdim)?.logical_not()
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

    /// The square root of [`Tensor::var`]; the gradient where it is 0 is 0.
    pub fn std(&self, axes: impl Into<AxisList>, keepdim: bool, correction: usize) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("std", x.shape.len())?;
        let root = |x: &Node| {
            let square = variance(x, &axes, correction);
            let is_zero = build::eq(&square, &build::like(&square, 0.0));
            let root = math::sqrt(&build::select(&is_zero, &build::like(&square, 1.0), &square));
            build::select(&is_zero, &build::like(&square, 0.0), &root)
        };
        Ok(finish(build::in_float(&x, root), &axes, keepdim))
    }

    /// Variance and mean.
    pub fn var_mean(
        &self,
        axes: impl Into<AxisList>,
        keepdim: bool,
        correction: usize,
    ) -> Result<[Tensor; 2]> {
        let axes = axes.into();
        Ok([self.var(axes.clone(), keepdim, correction)?, self.mean(axes, keepdim)?])
    }

    /// Standard deviation and mean.
    pub fn std_mean(
        &self,
        axes: impl Into<AxisList>,
        keepdim: bool,
        correction: usize,
    ) -> Result<[Tensor; 2]> {
        let axes = axes.into();
        Ok([self.std(axes.clone(), keepdim, correction)?, self.mean(axes, keepdim)?])
    }

    /// The position of the largest along an axis, the first at a tie, int32; over all elements for `None`. A NaN
    /// counts as the largest.
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
        let is_best = build::eq(&x, &best);
        let is_best = if x.dtype.is_float() {
            build::binary(Binary::Or, &is_best, &compare::is_nan(&x))
        } else {
            is_best
        };
        let places = build::iota_along(&x.shape, axis, DType::I32);
        let n = x.shape[axis] as f64;
        let from_end = build::sub(&build::like(&places, n), &places);
        let candidates = build::select(&is_best, &from_end, &build::like(&places, 0.0));
        let last = build::reduce(Reduce::Max, &candidates, &axes);
        Ok(finish(build::sub(&build::like(&last, n), &last), &axes, keepdim))
    }

    /// The position of the smallest along an axis, the first at a tie. A NaN counts as the smallest.
    pub fn argmin(&self, axis: Option<isize>, keepdim: bool) -> Result<Tensor> {
        Tensor::from_node(turned(&self.node())).argmax(axis, keepdim)
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

    /// `log(sum(exp(x)))`, the largest subtracted first; of no elements -∞.
    pub fn logsumexp(&self, axes: impl Into<AxisList>, keepdim: bool) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("logsumexp", x.shape.len())?;
        let node = build::in_float(&x, |x| {
            if count(x, &axes) == 0 {
                return math::log(&build::sum(x, &axes));
            }
            let largest = math::finite_or_zero(&build::reduce(Reduce::Max, x, &axes));
            let e = math::exp(&build::sub(x, &build::expand(&largest, &x.shape)));
            build::add(&math::log(&build::sum(&e, &axes)), &largest)
        });
        Ok(finish(node, &axes, keepdim))
    }

    fn row(&self, op: &str, axis: isize) -> Result<(Node, Axes)> {
        let x = self.node();
        let axes = Axes::from_slice(&[shape::axis(op, axis, x.shape.len())?]);
        Ok((x, axes))
    }
}

/// The order turned around, back by the same; bitwise not does so for integers without overflow.
fn turned(x: &Node) -> Node {
    if x.dtype.is_float() { build::neg(x) } else { build::unary(Unary::Not, x) }
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
    let left = count(x, axes).saturating_sub(correction);
    if left == 0 && count(x, axes) < 2 {
        return build::like(&mean(x, axes), f64::NAN);
    }
    let distance = build::sub(x, &build::expand(&mean(x, axes), &x.shape));
    let total = build::sum(&build::mul(&distance, &distance), axes);
    build::scale(&total, 1.0 / left as f64)
}
