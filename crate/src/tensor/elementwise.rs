//! Arithmetic, comparison, rounding, casts: element by element, with NumPy broadcasting.

use super::{Operand, Tensor, build, operand};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Unary},
};

fn numbers(op: &str, t: &Tensor, other: Operand) -> Result<(Node, Node)> {
    let (a, b) = operand::pair(op, t, &other)?;
    if a.dtype == DType::Bool {
        return Ok((build::cast(&a, DType::I32), build::cast(&b, DType::I32)));
    }
    Ok((a, b))
}

impl Tensor {
    fn map(&self, f: impl FnOnce(&Node) -> Node) -> Result<Tensor> {
        Ok(Tensor::from_node(f(&self.node())))
    }

    /// `self + other`. Bools count as integers.
    pub fn add(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("add", self, other.into())?;
        Ok(Tensor::from_node(build::add(&a, &b)))
    }

    /// `self - other`.
    pub fn sub(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("sub", self, other.into())?;
        Ok(Tensor::from_node(build::sub(&a, &b)))
    }

    /// `self · other`.
    pub fn mul(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("mul", self, other.into())?;
        Ok(Tensor::from_node(build::mul(&a, &b)))
    }

    /// True division; integers divide as float32, floats as they are.
    pub fn div(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("div", self, &other.into())?;
        Ok(Tensor::from_node(build::div(&build::as_float(&a), &build::as_float(&b))))
    }

    /// Remainder with the sign of the divisor, as Python's `%`. By zero: 0 for integers, NaN for floats.
    pub fn rem(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("mod", self, other.into())?;
        let rest = build::binary(Binary::Mod, &a, &b);
        if a.dtype.is_unsigned() {
            return Ok(Tensor::from_node(rest));
        }
        let zero = build::like(&rest, 0.0);
        let signs_differ = build::binary(Binary::Xor, &build::lt(&rest, &zero), &build::lt(&b, &zero));
        let exact = build::eq(&rest, &zero);
        let moved = build::select(&signs_differ, &build::add(&rest, &b), &rest);
        Ok(Tensor::from_node(build::select(&exact, &rest, &moved)))
    }

    /// The larger of both; NaN where either is NaN. At a tie the gradient is shared equally.
    pub fn maximum(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("maximum", self, &other.into())?;
        Ok(Tensor::from_node(build::binary(Binary::Max, &a, &b)))
    }

    /// The smaller of both; NaN where either is NaN. At a tie the gradient is shared equally.
    pub fn minimum(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("minimum", self, &other.into())?;
        if a.dtype.is_float() {
            let largest = build::binary(Binary::Max, &build::neg(&a), &build::neg(&b));
            return Ok(Tensor::from_node(build::neg(&largest)));
        }
        Ok(Tensor::from_node(build::select(&build::lt(&a, &b), &a, &b)))
    }

    pub fn eq(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("eq", self, &other.into())?;
        Ok(Tensor::from_node(build::eq(&a, &b)))
    }

    pub fn ne(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("ne", self, &other.into())?;
        Ok(Tensor::from_node(build::unary(Unary::Not, &build::eq(&a, &b))))
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
        Ok(Tensor::from_node(build::binary(Binary::Or, &build::lt(&a, &b), &build::eq(&a, &b))))
    }

    pub fn ge(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("ge", self, &other.into())?;
        Ok(Tensor::from_node(build::binary(Binary::Or, &build::lt(&b, &a), &build::eq(&a, &b))))
    }

    /// `yes` where this is true (not zero), else `no`.
    pub fn where_(&self, yes: impl Into<Operand>, no: impl Into<Operand>) -> Result<Tensor> {
        let (cond, yes, no) = operand::branches(self, &yes.into(), &no.into())?;
        Ok(Tensor::from_node(build::select(&cond, &yes, &no)))
    }

    pub fn logical_not(&self) -> Result<Tensor> {
        self.map(|x| build::unary(Unary::Not, &build::cast(x, DType::Bool)))
    }

    pub fn neg(&self) -> Result<Tensor> {
        self.map(|x| build::neg(&if x.dtype == DType::Bool { build::cast(x, DType::I32) } else { x.clone() }))
    }

    /// The gradient at 0 is 0.
    pub fn abs(&self) -> Result<Tensor> {
        self.map(|x| match x.dtype.is_unsigned() {
            true => x.clone(),
            false => build::binary(Binary::Max, x, &build::neg(x)),
        })
    }

    /// -1, 0 or 1; 0 for NaN.
    pub fn sign(&self) -> Result<Tensor> {
        self.map(|x| {
            let zero = build::like(x, 0.0);
            let positive = build::select(&build::lt(&zero, x), &build::like(x, 1.0), &zero);
            match x.dtype.is_unsigned() {
                true => positive,
                false => build::select(&build::lt(x, &zero), &build::like(x, -1.0), &positive),
            }
        })
    }

    pub fn square(&self) -> Result<Tensor> {
        self.mul(self)
    }

    /// Values below `lo` become `lo`, above `hi` become `hi`; the gradient passes between them.
    pub fn clip(&self, lo: impl Into<Operand>, hi: impl Into<Operand>) -> Result<Tensor> {
        let (x, lo) = operand::pair("clip", self, &lo.into())?;
        let low = Tensor::from_node(build::select(&build::lt(&x, &lo), &lo, &x));
        let (x, hi) = operand::pair("clip", &low, &hi.into())?;
        Ok(Tensor::from_node(build::select(&build::lt(&hi, &x), &hi, &x)))
    }

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
        self.map(|x| {
            if !x.dtype.is_float() {
                return x.clone();
            }
            let near = floor(&build::offset(x, 0.5));
            let half = build::eq(&build::sub(&near, x), &build::like(x, 0.5));
            let odd = build::binary(Binary::Mod, &near, &build::like(x, 2.0));
            let is_odd = build::unary(Unary::Not, &build::eq(&odd, &build::like(x, 0.0)));
            let down = build::binary(Binary::And, &half, &is_odd);
            // Beyond 2^23 every float32 is an integer, and adding a half would move it.
            let whole = build::eq(&trunc(x), x);
            build::select(&whole, &trunc(x), &build::select(&down, &build::offset(&near, -1.0), &near))
        })
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
}

fn trunc(x: &Node) -> Node {
    if x.dtype.is_float() { build::unary(Unary::Trunc, x) } else { x.clone() }
}

fn floor(x: &Node) -> Node {
    if !x.dtype.is_float() {
        return x.clone();
    }
    let t = trunc(x);
    build::select(&build::lt(x, &t), &build::offset(&t, -1.0), &t)
}
