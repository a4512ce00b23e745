//! Arithmetic of two operands with NumPy broadcasting, and what is arithmetic of one.

use super::{Operand, Tensor, build, cast, operand};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Unary},
};

/// Both operands at one shape and dtype; bools count as integers.
fn numbers(op: &str, t: &Tensor, other: Operand) -> Result<(Node, Node)> {
    let (a, b) = operand::pair(op, t, &other)?;
    if a.dtype == DType::Bool {
        return Ok((build::cast(&a, DType::I32), build::cast(&b, DType::I32)));
    }
    Ok((a, b))
}

/// Both operands as integers or bools.
fn bits(op: &str, t: &Tensor, other: Operand) -> Result<(Node, Node)> {
    let (a, b) = operand::pair(op, t, &other)?;
    if a.dtype.is_float() {
        let got = a.dtype.name();
        return Err(Error::dtype(op, got, "integers or bools", "cast with int() or compare first"));
    }
    Ok((a, b))
}

/// Whether a remainder of two must move to the other side of zero, to take the divisor's sign.
fn crosses(rest: &Node, b: &Node) -> Node {
    let zero = build::like(rest, 0.0);
    let signs_differ = build::binary(Binary::Xor, &build::lt(rest, &zero), &build::lt(b, &zero));
    let inexact = build::unary(Unary::Not, &build::eq(rest, &zero));
    build::binary(Binary::And, &signs_differ, &inexact)
}

impl Tensor {
    pub(super) fn map(&self, f: impl FnOnce(&Node) -> Node) -> Result<Tensor> {
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

    /// The quotient rounded toward zero. Integers stay integers; by zero they give 0.
    pub fn idiv(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("idiv", self, other.into())?;
        let exact = if a.dtype.is_float() { Binary::Div } else { Binary::IDiv };
        Ok(Tensor::from_node(cast::trunc(&build::binary(exact, &a, &b))))
    }

    /// The quotient rounded down, exactly: `self - self.rem(other)` holds that many whole `other`. Integers stay
    /// integers; by zero they give 0.
    pub fn floordiv(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("floordiv", self, other.into())?;
        let rest = build::binary(Binary::Mod, &a, &b);
        let whole = if a.dtype.is_float() {
            let count = cast::round(&build::div(&build::sub(&a, &rest), &b));
            build::detach(&build::select(&build::eq(&b, &build::like(&b, 0.0)), &build::div(&a, &b), &count))
        } else {
            build::binary(Binary::IDiv, &a, &b)
        };
        if a.dtype.is_unsigned() {
            return Ok(Tensor::from_node(whole));
        }
        Ok(Tensor::from_node(build::select(&crosses(&rest, &b), &build::offset(&whole, -1.0), &whole)))
    }

    /// The quotient rounded by name: `None` for true division, `"trunc"` toward zero, `"floor"` down.
    pub fn div_rounded(&self, other: impl Into<Operand>, rounding_mode: Option<&str>) -> Result<Tensor> {
        match rounding_mode {
            None => self.div(other),
            Some("trunc") => self.idiv(other),
            Some("floor") => self.floordiv(other),
            Some(mode) => {
                let expected = "\"trunc\", \"floor\" or none";
                Err(Error::argument("div", format!("{mode:?}"), expected, "name one of these rounding modes"))
            }
        }
    }

    /// Remainder with the sign of the divisor, as Python's `%`. By zero: 0 for integers, NaN for floats.
    pub fn rem(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("mod", self, other.into())?;
        let rest = build::binary(Binary::Mod, &a, &b);
        if a.dtype.is_unsigned() {
            return Ok(Tensor::from_node(rest));
        }
        Ok(Tensor::from_node(build::select(&crosses(&rest, &b), &build::add(&rest, &b), &rest)))
    }

    /// Remainder with the sign of the dividend, as C's `fmod`. By zero: 0 for integers, NaN for floats.
    pub fn fmod(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("fmod", self, other.into())?;
        Ok(Tensor::from_node(build::binary(Binary::Mod, &a, &b)))
    }

    fn bitwise(&self, name: &str, op: Binary, other: Operand) -> Result<Tensor> {
        let (a, b) = bits(name, self, other)?;
        Ok(Tensor::from_node(build::binary(op, &a, &b)))
    }

    /// Bits set in both; integers and bools.
    pub fn bitwise_and(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.bitwise("bitwise_and", Binary::And, other.into())
    }

    /// Bits set in either; integers and bools.
    pub fn bitwise_or(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.bitwise("bitwise_or", Binary::Or, other.into())
    }

    /// Bits set in one of both; integers and bools.
    pub fn bitwise_xor(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.bitwise("bitwise_xor", Binary::Xor, other.into())
    }

    /// Every bit turned; integers and bools.
    pub fn bitwise_not(&self) -> Result<Tensor> {
        bits("bitwise_not", self, false.into())?;
        self.map(|x| build::unary(Unary::Not, x))
    }

    fn shifted(&self, name: &str, op: Binary, other: Operand) -> Result<Tensor> {
        let (a, b) = bits(name, self, other)?;
        if a.dtype == DType::Bool {
            let (a, b) = (build::cast(&a, DType::I32), build::cast(&b, DType::I32));
            return Ok(Tensor::from_node(build::binary(op, &a, &b)));
        }
        Ok(Tensor::from_node(build::binary(op, &a, &b)))
    }

    /// Bits moved up by `other`; past the width, or by a negative number, 0. Integers.
    pub fn lshift(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.shifted("lshift", Binary::Shl, other.into())
    }

    /// Bits moved down by `other`, filled with the sign; past the width only that is left. Integers.
    pub fn rshift(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.shifted("rshift", Binary::Shr, other.into())
    }

    pub fn neg(&self) -> Result<Tensor> {
        self.map(
            |x| {
                if x.dtype == DType::Bool { build::neg(&build::cast(x, DType::I32)) } else { build::neg(x) }
            },
        )
    }

    /// The gradient at 0 is 0.
    pub fn abs(&self) -> Result<Tensor> {
        self.map(|x| if x.dtype.is_unsigned() { x.clone() } else { abs(x) })
    }

    /// -1, 0 or 1; 0 for NaN.
    pub fn sign(&self) -> Result<Tensor> {
        self.map(|x| {
            if x.dtype == DType::Bool {
                return x.clone();
            }
            let zero = build::like(x, 0.0);
            let positive = build::select(&build::lt(&zero, x), &build::like(x, 1.0), &zero);
            if x.dtype.is_unsigned() {
                return positive;
            }
            build::select(&build::lt(x, &zero), &build::like(x, -1.0), &positive)
        })
    }

    pub fn square(&self) -> Result<Tensor> {
        self.mul(self)
    }

    /// `self + (end - self)·weight`.
    pub fn lerp(&self, end: &Tensor, weight: impl Into<Operand>) -> Result<Tensor> {
        self.add(end.sub(self)?.mul(weight)?)
    }

    /// The size of `self` with the sign of `other`, also that of a negative zero. No gradient flows to `other`.
    pub fn copysign(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = numbers("copysign", self, other.into())?;
        if a.dtype.is_unsigned() {
            return Ok(Tensor::from_node(a));
        }
        let size = abs(&a);
        let signs =
            if b.dtype.is_float() { build::bitcast(&build::cast(&b, DType::F32), DType::I32) } else { b };
        let negative = build::lt(&signs, &build::like(&signs, 0.0));
        Ok(Tensor::from_node(build::select(&negative, &build::neg(&size), &size)))
    }
}

pub(super) fn abs(x: &Node) -> Node {
    build::binary(Binary::Max, &build::neg(x), x)
}
