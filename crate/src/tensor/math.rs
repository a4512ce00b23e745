//! Exponentials, logarithms, roots and powers, composed of exp2, log2, sqrt and recip. Integers become float32,
//! floats stay.

use super::{Operand, Tensor, build, cast, compare, elementwise::abs, operand};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Unary},
};
use std::f64::consts::{LN_2, LOG2_E, LOG10_2};

pub(super) fn exp(x: &Node) -> Node {
    build::unary(Unary::Exp2, &build::scale(x, LOG2_E))
}

pub(super) fn log(x: &Node) -> Node {
    build::scale(&build::unary(Unary::Log2, x), LN_2)
}

pub(super) fn recip(x: &Node) -> Node {
    build::unary(Unary::Recip, x)
}

pub(super) fn sqrt(x: &Node) -> Node {
    build::unary(Unary::Sqrt, x)
}

/// `Σ coefficients[i]·xⁱ`.
pub(super) fn polynomial(x: &Node, coefficients: &[f64]) -> Node {
    let (last, rest) = coefficients.split_last().expect("a polynomial has coefficients");
    let step = |sum: Node, c: &f64| build::offset(&build::mul(&sum, x), *c);
    rest.iter().rev().fold(build::like(x, *last), step)
}

/// `x` where `cond`, else `other`: keeps an overflow out of the branch that is not taken, whose gradient would be NaN.
pub(super) fn only(cond: &Node, x: &Node, other: f64) -> Node {
    build::select(cond, x, &build::like(x, other))
}

/// Whether `|x| < bound`.
pub(super) fn within(x: &Node, bound: f64) -> Node {
    build::lt(&abs(x), &build::like(x, bound))
}

/// Taylor's series near 0, where `1 + x` would lose digits.
pub(super) fn log1p(x: &Node) -> Node {
    let near = within(x, 0.03);
    let small = only(&near, x, 0.0);
    let series =
        build::mul(&small, &polynomial(&small, &[1.0, -1.0 / 2.0, 1.0 / 3.0, -1.0 / 4.0, 1.0 / 5.0]));
    build::select(&near, &series, &log(&build::offset(x, 1.0)))
}

/// Taylor's series near 0, where subtracting 1 would lose digits.
fn expm1(x: &Node) -> Node {
    let near = within(x, 0.03);
    let small = only(&near, x, 0.0);
    let series =
        build::mul(&small, &polynomial(&small, &[1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0]));
    build::select(&near, &series, &build::offset(&exp(x), -1.0))
}

impl Tensor {
    pub(super) fn float_map(&self, f: impl FnOnce(&Node) -> Node) -> Result<Tensor> {
        Ok(Tensor::from_node(build::in_float(&self.node(), f)))
    }

    pub fn exp(&self) -> Result<Tensor> {
        self.float_map(exp)
    }

    pub fn exp2(&self) -> Result<Tensor> {
        self.float_map(|x| build::unary(Unary::Exp2, x))
    }

    /// `exp(self) - 1`, exact near 0.
    pub fn expm1(&self) -> Result<Tensor> {
        self.float_map(expm1)
    }

    /// The natural logarithm.
    pub fn log(&self) -> Result<Tensor> {
        self.float_map(log)
    }

    pub fn log2(&self) -> Result<Tensor> {
        self.float_map(|x| build::unary(Unary::Log2, x))
    }

    pub fn log10(&self) -> Result<Tensor> {
        self.float_map(|x| build::scale(&build::unary(Unary::Log2, x), LOG10_2))
    }

    /// `log(1 + self)`, exact near 0.
    pub fn log1p(&self) -> Result<Tensor> {
        self.float_map(log1p)
    }

    pub fn sqrt(&self) -> Result<Tensor> {
        self.float_map(sqrt)
    }

    /// `1 / sqrt(self)`.
    pub fn rsqrt(&self) -> Result<Tensor> {
        self.float_map(|x| recip(&sqrt(x)))
    }

    /// `1 / self`.
    pub fn reciprocal(&self) -> Result<Tensor> {
        self.float_map(recip)
    }

    /// `log(exp(self) + exp(other))`, without overflow.
    pub fn logaddexp(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let (a, b) = operand::pair("logaddexp", self, &other.into())?;
        let sum = |a: &Node| {
            let b = build::cast(&b, a.dtype);
            // Equal infinities have no difference.
            let infinite = build::eq(&abs(a), &build::like(a, f64::INFINITY));
            let same = build::binary(Binary::And, &infinite, &build::eq(a, &b));
            let difference = only(&build::unary(Unary::Not, &same), &build::sub(a, &b), 0.0);
            // One branch of both where they are equal, so that the second gradient is right there too.
            let more = build::lt(&build::like(a, 0.0), &difference);
            let below = build::select(&more, &build::neg(&difference), &difference);
            build::add(&build::select(&more, a, &b), &log(&build::offset(&exp(&below), 1.0)))
        };
        Ok(Tensor::from_node(build::in_float(&a, sum)))
    }

    /// `self` to the power `other`. A negative base needs a whole exponent, else NaN; `0⁰` is 1. Integers to integers
    /// stay integers and wrap; a negative exponent of theirs rounds toward zero, as a number it is an error.
    pub fn pow(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let other = other.into();
        let known = match &other {
            Operand::Tensor(_) => None,
            Operand::Bool(v) => Some(f64::from(u8::from(*v))),
            Operand::Int(v) => Some(*v as f64),
            Operand::Float(v) => Some(*v),
        };
        let (x, y) = operand::pair("pow", self, &other)?;
        match known {
            Some(p) if p < 0.0 && !x.dtype.is_float() => Err(Error::argument(
                "pow",
                format!("exponent {p} for {}", x.dtype),
                "an exponent of at least 0 for integers",
                "cast the base with float()",
            )),
            Some(0.5) => self.sqrt(),
            Some(-0.5) => self.rsqrt(),
            Some(p) if p.fract() == 0.0 && p.abs() <= 16.0 => {
                let power = whole_power(&x, p.abs() as u32);
                Ok(Tensor::from_node(if p < 0.0 { recip(&power) } else { power }))
            }
            _ if x.dtype.is_float() => {
                Ok(Tensor::from_node(build::in_float(&x, |x| real_power(x, &build::cast(&y, x.dtype)))))
            }
            _ if x.dtype == DType::Bool => {
                let (x, y) = (build::cast(&x, DType::I32), build::cast(&y, DType::I32));
                Ok(Tensor::from_node(integer_power(&x, &y)))
            }
            _ => Ok(Tensor::from_node(integer_power(&x, &y))),
        }
    }
}

/// What is subtracted before an exponential: cut from the gradient, in which it cancels, and never infinite.
pub(super) fn finite_or_zero(x: &Node) -> Node {
    let x = build::detach(x);
    only(&compare::is_finite(&x), &x, 0.0)
}

/// By repeated squaring.
fn whole_power(x: &Node, p: u32) -> Node {
    match p {
        0 => build::like(x, 1.0),
        1 => x.clone(),
        _ => {
            let half = whole_power(x, p / 2);
            let square = build::mul(&half, &half);
            if p % 2 == 1 { build::mul(&square, x) } else { square }
        }
    }
}

/// By the bits of the exponent; negative exponents leave only 1 and -1.
fn integer_power(x: &Node, y: &Node) -> Node {
    let (zero, one) = (build::like(x, 0.0), build::like(x, 1.0));
    let bit = |i: usize| {
        let down = build::binary(Binary::Shr, y, &build::like(y, i as f64));
        build::eq(&build::binary(Binary::And, &down, &one), &one)
    };
    let mut square = x.clone();
    let mut power = build::select(&bit(0), x, &one);
    for i in 1..8 * x.dtype.size() {
        square = build::mul(&square, &square);
        power = build::select(&bit(i), &build::mul(&power, &square), &power);
    }
    if x.dtype.is_unsigned() {
        return power;
    }
    let minus = build::like(x, -1.0);
    let of_minus_one = build::select(&bit(0), &minus, &one);
    let inverse = build::select(&build::eq(x, &minus), &of_minus_one, &zero);
    let inverse = build::select(&build::eq(x, &one), &one, &inverse);
    build::select(&build::lt(y, &zero), &inverse, &power)
}

/// `exp2(y·log2|x|)` with the sign of a negative base. What would be `0·∞` is kept out of the product, and 0 out of
/// the logarithm, so that gradients stay finite.
fn real_power(x: &Node, y: &Node) -> Node {
    let (zero, one) = (build::like(x, 0.0), build::like(x, 1.0));
    let not = |x: &Node| build::unary(Unary::Not, x);
    let and = |a: &Node, b: &Node| build::binary(Binary::And, a, b);
    let (is_zero, no_power) = (build::eq(x, &zero), build::eq(y, &zero));
    let base_lost = and(&no_power, &not(&compare::is_finite(x)));
    let base = build::select(&build::binary(Binary::Or, &is_zero, &base_lost), &one, &abs(x));
    let power_lost = and(&build::eq(&base, &one), &not(&compare::is_finite(y)));
    let size = build::mul(&build::select(&power_lost, &zero, y), &build::unary(Unary::Log2, &base));
    let size = build::unary(Unary::Exp2, &size);

    let whole = build::eq(&cast::trunc(y), y);
    let even = cast::even(y);
    // A negative infinity has fractional powers, as C's.
    let of_fraction = build::select(&compare::is_finite(x), &build::like(x, f64::NAN), &size);
    let of_odd = build::select(&whole, &build::neg(&size), &of_fraction);
    let of_negative = build::select(&even, &size, &of_odd);
    let of_nonzero = build::select(&build::lt(x, &zero), &of_negative, &size);

    let signed_zero = build::detach(x);
    let odd = and(&whole, &not(&even));
    let below = build::lt(y, &zero);
    let at_odd = build::select(&below, &recip(&signed_zero), &signed_zero);
    let at_other = build::select(&below, &build::like(x, f64::INFINITY), &zero);
    let of_zero = build::select(&odd, &at_odd, &at_other);
    let of_zero = build::select(&no_power, &one, &of_zero);
    let of_zero = build::select(&build::eq(y, &one), x, &of_zero);
    let of_zero = build::select(&build::eq(y, y), &of_zero, &build::detach(y));
    build::select(&is_zero, &of_zero, &of_nonzero)
}
