//! Rounding to whole numbers, and the same values or bits in another dtype.

use super::{Tensor, build};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Unary},
};

impl Tensor {
    /// Toward zero.
    pub fn trunc(&self) -> Result<Tensor> {
        self.map(trunc)
    }

    pub fn floor(&self) -> Result<Tensor> {
        self.map(floor)
    }

    pub fn ceil(&self) -> Result<Tensor> {
        self.map(|x| if x.dtype.is_float() { build::neg(&floor(&build::neg(x))) } else { x.clone() })
    }

    /// To the nearest integer, halves to the even one, as NumPy and PyTorch.
    pub fn round(&self) -> Result<Tensor> {
        self.map(round)
    }

    /// The same values in another dtype. Floats to integers drop the fraction, take the nearest end out of range
    /// and 0 for NaN; integers wrap; floats round to the nearest, ties to even; to bool, non-zero is true.
    pub fn cast(&self, dtype: DType) -> Result<Tensor> {
        self.map(|x| build::cast(x, dtype))
    }

    /// The same bits read as another dtype of the same size.
    pub fn bitcast(&self, dtype: DType) -> Result<Tensor> {
        if self.dtype().size() != dtype.size() || self.dtype() == DType::Bool || dtype == DType::Bool {
            let expected = format!("a dtype of {} bytes", self.dtype().size());
            return Err(Error::dtype("bitcast", dtype.name(), expected, "use cast to convert values"));
        }
        self.map(|x| build::bitcast(x, dtype))
    }

    pub fn float(&self) -> Result<Tensor> {
        self.cast(DType::F32)
    }

    pub fn int(&self) -> Result<Tensor> {
        self.cast(DType::I32)
    }

    /// True where the value is not zero.
    pub fn bool(&self) -> Result<Tensor> {
        self.cast(DType::Bool)
    }
}

pub(super) fn trunc(x: &Node) -> Node {
    if x.dtype.is_float() { build::unary(Unary::Trunc, x) } else { x.clone() }
}

fn floor(x: &Node) -> Node {
    if !x.dtype.is_float() {
        return x.clone();
    }
    let t = trunc(x);
    build::select(&build::lt(x, &t), &build::offset(&t, -1.0), &t)
}

pub(super) fn round(x: &Node) -> Node {
    if !x.dtype.is_float() {
        return x.clone();
    }
    let whole = trunc(x);
    let rest = build::sub(x, &whole);
    let is_odd = build::unary(Unary::Not, &even(&whole));
    // From an odd number a half moves on, from an even one only more than a half.
    let past = |half: f64| {
        let half = build::like(x, half);
        let tie = build::binary(Binary::And, &is_odd, &build::eq(&rest, &half));
        (tie, half)
    };
    let (tie_up, half) = past(0.5);
    let (tie_down, minus_half) = past(-0.5);
    let up = build::binary(Binary::Or, &tie_up, &build::lt(&half, &rest));
    let down = build::binary(Binary::Or, &tie_down, &build::lt(&rest, &minus_half));
    let lower = build::select(&down, &build::offset(&whole, -1.0), &whole);
    build::select(&up, &build::offset(&whole, 1.0), &lower)
}

/// Of whole floats.
pub(super) fn even(x: &Node) -> Node {
    let half = build::scale(x, 0.5);
    build::eq(&build::unary(Unary::Trunc, &half), &half)
}
