//! Comparisons, selections and bounds: element by element, with NumPy broadcasting.

use super::{Operand, Tensor, build, operand};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Unary},
};

fn not(x: &Node) -> Node {
    build::unary(Unary::Not, x)
}

fn or(a: &Node, b: &Node) -> Node {
    build::binary(Binary::Or, a, b)
}

fn and(a: &Node, b: &Node) -> Node {
    build::binary(Binary::And, a, b)
}

fn never(x: &Node) -> Node {
    Node::constant(0.0, x.shape.clone(), DType::Bool)
}

pub(super) fn is_nan(x: &Node) -> Node {
    if x.dtype.is_float() { not(&build::eq(x, x)) } else { never(x) }
}

/// False for infinities and NaN.
pub(super) fn is_finite(x: &Node) -> Node {
    let size = super::elementwise::abs(x);
    build::lt(&size, &build::like(x, f64::INFINITY))
}

impl Tensor {
    pub fn eq(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("eq", self, &other.into())?;
        Ok(Tensor::from_node(build::eq(&a, &b)))
    }

    pub fn ne(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("ne", self, &other.into())?;
        Ok(Tensor::from_node(not(&build::eq(&a, &b))))
    }

    pub fn lt(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("lt", self, &other.into())?;
        Ok(Tensor::from_node(build::lt(&a, &b)))
    }

    pub fn gt(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("gt", self, &other.into())?;
        Ok(Tensor::from_node(build::lt(&b, &a)))
    }

    pub fn le(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("le", self, &other.into())?;
        Ok(Tensor::from_node(or(&build::lt(&a, &b), &build::eq(&a, &b))))
    }

    pub fn ge(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("ge", self, &other.into())?;
        Ok(Tensor::from_node(or(&build::lt(&b, &a), &build::eq(&a, &b))))
    }

    pub fn logical_not(&self) -> Result<Tensor> {
        self.map(|x| not(&build::cast(x, DType::Bool)))
    }

    /// `yes` where this is true (not zero), else `no`.
    pub fn where_(&self, yes: impl Into<Operand>, no: impl Into<Operand>) -> Result<Tensor> {
        let (cond, yes, no) = operand::branches(self, &yes.into(), &no.into())?;
        Ok(Tensor::from_node(build::select(&cond, &yes, &no)))
    }

    /// The larger of both; NaN where either is NaN. At a tie the gradient is shared equally.
    pub fn maximum(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("maximum", self, &other.into())?;
        Ok(Tensor::from_node(larger(&a, &b)))
    }

    /// The smaller of both; NaN where either is NaN. At a tie the gradient is shared equally.
    pub fn minimum(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("minimum", self, &other.into())?;
        if a.dtype.is_float() {
            return Ok(Tensor::from_node(build::neg(&larger(&build::neg(&a), &build::neg(&b)))));
        }
        Ok(Tensor::from_node(build::select(&build::lt(&a, &b), &a, &b)))
    }

    /// Values below `lo` become `lo`, above `hi` become `hi`; the gradient passes between them.
    pub fn clip(&self, lo: impl Into<Operand>, hi: impl Into<Operand>) -> Result<Tensor> {
        self.clamp(Some(lo.into()), Some(hi.into()))
    }

    /// [`Tensor::clip`] with either bound left out; errors without both.
    pub fn clamp(&self, lo: Option<Operand>, hi: Option<Operand>) -> Result<Tensor> {
        if lo.is_none() && hi.is_none() {
            return Err(Error::argument(
                "clip",
                "no bounds",
                "min_, max_ or both",
                "pass at least one bound",
            ));
        }
        let mut x = self.clone();
        if let Some(lo) = lo {
            let (v, lo) = operand::pair("clip", &x, &lo)?;
            x = Tensor::from_node(build::select(&build::lt(&v, &lo), &lo, &v));
        }
        if let Some(hi) = hi {
            let (v, hi) = operand::pair("clip", &x, &hi)?;
            x = Tensor::from_node(build::select(&build::lt(&hi, &v), &hi, &v));
        }
        Ok(x)
    }

    pub fn isnan(&self) -> Result<Tensor> {
        self.map(is_nan)
    }

    /// True at infinities of the signs asked for.
    pub fn isinf(&self, detect_positive: bool, detect_negative: bool) -> Result<Tensor> {
        self.map(|x| {
            let is = |value: f64| build::eq(x, &build::like(x, value));
            match (x.dtype.is_float(), detect_positive, detect_negative) {
                (true, true, true) => or(&is(f64::INFINITY), &is(f64::NEG_INFINITY)),
                (true, true, false) => is(f64::INFINITY),
                (true, false, true) => is(f64::NEG_INFINITY),
                _ => never(x),
            }
        })
    }

    /// True at numbers that are neither infinite nor NaN.
    pub fn isfinite(&self) -> Result<Tensor> {
        self.map(|x| if x.dtype.is_float() { is_finite(x) } else { not(&never(x)) })
    }

    /// Where `|self - other| ≤ atol + rtol·|other|`. Equal infinities are close; NaNs only with `equal_nan`.
    pub fn isclose(
        &self,
        other: impl Into<Operand>,
        rtol: f64,
        atol: f64,
        equal_nan: bool,
    ) -> Result<Tensor> {
        let (a, b) = operand::pair("isclose", self, &other.into())?;
        let wide = a.dtype.float().accumulator();
        let (a, b) = (build::cast(&a, wide), build::cast(&b, wide));
        let size = super::elementwise::abs;
        let far = build::lt(&build::offset(&build::scale(&size(&b), rtol), atol), &size(&build::sub(&a, &b)));
        let close = and(&and(&is_finite(&a), &is_finite(&b)), &not(&far));
        let close = or(&close, &build::eq(&a, &b));
        let both_nan = and(&is_nan(&a), &is_nan(&b));
        Ok(Tensor::from_node(if equal_nan { or(&close, &both_nan) } else { close }))
    }

    /// Whether [`Tensor::isclose`] holds everywhere: a bool scalar.
    pub fn allclose(
        &self,
        other: impl Into<Operand>,
        rtol: f64,
        atol: f64,
        equal_nan: bool,
    ) -> Result<Tensor> {
        self.isclose(other, rtol, atol, equal_nan)?.all((), false)
    }
}

/// A constant stands first: behind, it would take the whole gradient of a tie.
pub(super) fn larger(a: &Node, b: &Node) -> Node {
    if b.as_const().is_some() { build::binary(Binary::Max, b, a) } else { build::binary(Binary::Max, a, b) }
}
