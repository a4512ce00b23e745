//! Recurrences along an axis, and the running sums, products and extremes that are.

use super::{Tensor, build, math, reduce, shape};
use crate::{
    error::Result,
    grad::is_record,
    graph::{Binary, DType, Node, Unary},
};

impl Tensor {
    /// `h[t] = a[t] · h[t − 1] + b[t]` along `axis`, with 0 before the first; `reverse` runs it from the end.
    /// `a` and `b` broadcast together and meet in one dtype; bool counts as int32, uint8 as uint32.
    pub fn scan(a: &Tensor, b: &Tensor, axis: isize, reverse: bool) -> Result<Tensor> {
        let dtype = a.dtype().promote(b.dtype());
        let meet = |x: &Tensor| reduce::widened(&build::cast(&x.node(), dtype));
        let (a, b) = (meet(a), meet(b));
        let shape = shape::broadcast("scan", &a.shape, &b.shape)?;
        let axis = shape::axis("scan", axis, shape.len())?;
        let turned = |x: &Node| if reverse { build::flip(x, &[axis]) } else { x.clone() };
        let along = |x: &Node| turned(&shape::broadcast_node(x, &shape));
        Ok(Tensor::from_node(turned(&build::scan_linear(&along(&a), &along(&b), axis))))
    }

    /// The running sum along `axis`; dtypes as [`Tensor::sum`].
    pub fn cumsum(&self, axis: isize) -> Result<Tensor> {
        along("cumsum", &reduce::widened(&self.node()), axis, |x, axis| {
            build::scan_linear(&build::like(x, 1.0), x, axis)
        })
    }

    /// The running product along `axis`; dtypes as [`Tensor::prod`]. Its gradient is exact where elements are 0.
    pub fn cumprod(&self, axis: isize) -> Result<Tensor> {
        along("cumprod", &reduce::widened(&self.node()), axis, |x, axis| {
            let place = build::iota_along(&x.shape, axis, DType::I32);
            let first = build::eq(&place, &build::like(&place, 0.0));
            let (one, zero) = (build::like(x, 1.0), build::like(x, 0.0));
            let (a, b) = (build::select(&first, &one, x), build::select(&first, x, &zero));
            build::scan_linear(&a, &b, axis)
        })
    }

    /// The largest so far along `axis` and its position, int32; the latest at a tie, as in PyTorch.
    pub fn cummax(&self, axis: isize) -> Result<(Tensor, Tensor)> {
        let x = self.node();
        Ok((along("cummax", &x, axis, build::scan_max)?, along("cummax", &x, axis, records)?))
    }

    /// The smallest so far along `axis` and its position, as [`Tensor::cummax`].
    pub fn cummin(&self, axis: isize) -> Result<(Tensor, Tensor)> {
        let x = self.node();
        // Bitwise not turns the order of integers around without overflow.
        let turn = if x.dtype.is_float() { Unary::Neg } else { Unary::Not };
        let turned = |x: &Node| Tensor::from_node(build::unary(turn, x));
        let (largest, places) = turned(&x).cummax(axis)?;
        Ok((turned(&largest.node()), places))
    }

    /// `log` of the running sum of `exp(x)` along `axis`, against the largest so far: right for any range of values.
    pub fn logcumsumexp(&self, axis: isize) -> Result<Tensor> {
        let sums = |x: &Node, axis: usize| {
            let largest = build::detach(&build::scan_max(x, axis));
            // Infinities would meet themselves: they are taken as they are.
            let finite = build::lt(
                &build::binary(Binary::Max, &largest, &build::neg(&largest)),
                &build::like(&largest, f64::INFINITY),
            );
            let largest = build::select(&finite, &largest, &build::like(&largest, 0.0));
            // Never above 0, but where an infinity is taken as it is and before the first.
            let grown = build::sub(&build::earlier(&largest, axis), &largest);
            let zero = build::like(&grown, 0.0);
            let shift = math::exp(&build::select(&build::lt(&grown, &zero), &grown, &zero));
            let sum = build::scan_linear(&shift, &math::exp(&build::sub(x, &largest)), axis);
            build::add(&math::log(&sum), &largest)
        };
        along("logcumsumexp", &self.node(), axis, |x, axis| build::in_float(x, |x| sums(x, axis)))
    }
}

/// The position of the largest so far: of the latest element that was it when it came.
fn records(x: &Node, axis: usize) -> Node {
    let place = build::iota_along(&x.shape, axis, DType::I32);
    let record = is_record(x, &build::scan_max(x, axis));
    build::scan_max(&build::select(&record, &place, &build::like(&place, 0.0)), axis)
}

/// `f` of a node and one of its axes; a scalar is a row of one.
fn along(op: &str, x: &Node, axis: isize, f: impl Fn(&Node, usize) -> Node) -> Result<Tensor> {
    if x.shape.is_empty() {
        shape::axis(op, axis, 1)?;
        return Ok(Tensor::from_node(build::reshape(&f(&build::reshape(x, &[1]), 0), &[])));
    }
    let axis = shape::axis(op, axis, x.shape.len())?;
    Ok(Tensor::from_node(f(x, axis)))
}
