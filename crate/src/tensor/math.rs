//! Functions and activations of one tensor, composed of exp2, log2, sqrt, sin and recip. Integers become float32, floats stay.

use super::{Operand, Tensor, build, operand};
use crate::{
    error::Result,
    graph::{Binary, Node, Unary},
};
use std::f64::consts::{FRAC_PI_2, LN_2, LOG2_E, PI};

pub(super) fn exp(x: &Node) -> Node {
    build::unary(Unary::Exp2, &build::scale(x, LOG2_E))
}

pub(super) fn log(x: &Node) -> Node {
    build::scale(&build::unary(Unary::Log2, x), LN_2)
}

fn recip(x: &Node) -> Node {
    build::unary(Unary::Recip, x)
}

fn sigmoid(x: &Node) -> Node {
    recip(&build::offset(&exp(&build::neg(x)), 1.0))
}

fn tanh(x: &Node) -> Node {
    build::offset(&build::scale(&sigmoid(&build::scale(x, 2.0)), 2.0), -1.0)
}

/// `yes` where `x > 0`, else `no`.
fn where_positive(x: &Node, yes: &Node, no: &Node) -> Node {
    build::select(&build::lt(&build::like(x, 0.0), x), yes, no)
}

impl Tensor {
    fn float_map(&self, f: impl FnOnce(&Node) -> Node) -> Result<Tensor> {
        Ok(Tensor::from_node(build::in_float(&self.node(), f)))
    }

    pub fn exp(&self) -> Result<Tensor> {
        self.float_map(exp)
    }

    pub fn exp2(&self) -> Result<Tensor> {
        self.float_map(|x| build::unary(Unary::Exp2, x))
    }

    /// The natural logarithm.
    pub fn log(&self) -> Result<Tensor> {
        self.float_map(log)
    }

    pub fn log2(&self) -> Result<Tensor> {
        self.float_map(|x| build::unary(Unary::Log2, x))
    }

    pub fn sqrt(&self) -> Result<Tensor> {
        self.float_map(|x| build::unary(Unary::Sqrt, x))
    }

    /// `1 / sqrt(self)`.
    pub fn rsqrt(&self) -> Result<Tensor> {
        self.float_map(|x| recip(&build::unary(Unary::Sqrt, x)))
    }

    /// `1 / self`.
    pub fn reciprocal(&self) -> Result<Tensor> {
        self.float_map(recip)
    }

    pub fn sin(&self) -> Result<Tensor> {
        self.float_map(|x| build::unary(Unary::Sin, x))
    }

    pub fn cos(&self) -> Result<Tensor> {
        self.float_map(|x| build::unary(Unary::Sin, &build::sub(&build::like(x, FRAC_PI_2), x)))
    }

    /// `2·sigmoid(2x) - 1`.
    pub fn tanh(&self) -> Result<Tensor> {
        self.float_map(tanh)
    }

    /// `1 / (1 + exp(-x))`.
    pub fn sigmoid(&self) -> Result<Tensor> {
        self.float_map(sigmoid)
    }

    /// `x` where positive, else 0; the gradient at 0 is 0.
    pub fn relu(&self) -> Result<Tensor> {
        let x = self.node();
        Ok(Tensor::from_node(build::binary(Binary::Max, &x, &build::like(&x, 0.0))))
    }

    /// `x` where positive, else `slope·x`.
    pub fn leaky_relu(&self, slope: f64) -> Result<Tensor> {
        self.float_map(|x| where_positive(x, x, &build::scale(x, slope)))
    }

    /// The tanh approximation, `0.5x(1 + tanh(√(2/π)(x + 0.044715x³)))`, as tinygrad's.
    pub fn gelu(&self) -> Result<Tensor> {
        self.float_map(|x| {
            let cube = build::mul(&build::mul(x, x), x);
            let inner = build::scale(&build::add(x, &build::scale(&cube, 0.044715)), (2.0 / PI).sqrt());
            build::mul(&build::scale(x, 0.5), &build::offset(&tanh(&inner), 1.0))
        })
    }

    /// `x·sigmoid(x)`.
    pub fn silu(&self) -> Result<Tensor> {
        self.float_map(|x| build::mul(x, &sigmoid(x)))
    }

    /// `x` where positive, else `alpha·(exp(x) - 1)`.
    pub fn elu(&self, alpha: f64) -> Result<Tensor> {
        self.float_map(|x| {
            // exp sees no positive input, so that it cannot overflow in the branch not taken.
            let negative = where_positive(x, &build::like(x, 0.0), x);
            where_positive(x, x, &build::scale(&build::offset(&exp(&negative), -1.0), alpha))
        })
    }

    /// `log(1 + exp(x))`, without overflow.
    pub fn softplus(&self) -> Result<Tensor> {
        self.float_map(|x| {
            let abs = build::binary(Binary::Max, x, &build::neg(x));
            let rest = log(&build::offset(&exp(&build::neg(&abs)), 1.0));
            // Zero first: the gradient of this tie is shared, relu's is not.
            build::add(&build::binary(Binary::Max, &build::like(x, 0.0), x), &rest)
        })
    }

    /// `self` to the power `other`. A negative base needs a whole exponent, else NaN.
    pub fn pow(&self, other: impl Into<Operand>) -> Result<Tensor> {
        let other = other.into();
        let known = match &other {
            Operand::Tensor(_) => None,
            Operand::Bool(v) => Some(f64::from(u8::from(*v))),
            Operand::Int(v) => Some(*v as f64),
            Operand::Float(v) => Some(*v),
        };
        match known {
            Some(0.5) => self.sqrt(),
            Some(-0.5) => self.rsqrt(),
            Some(p) if p.fract() == 0.0 && p.abs() <= 16.0 && (p >= 0.0 || self.dtype().is_float()) => {
                let (x, _) = operand::pair("pow", self, &other)?;
                let power = whole_power(&x, p.abs() as u32);
                Ok(Tensor::from_node(if p < 0.0 { recip(&power) } else { power }))
            }
            _ => {
                let (x, y) = operand::pair("pow", self, &other)?;
                let dtype = x.dtype;
                let result = build::in_float(&x, |x| real_power(x, &build::cast(&y, x.dtype)));
                let whole = Tensor::from_node(result);
                if dtype.is_float() { Ok(whole) } else { whole.round()?.cast(dtype) }
            }
        }
    }
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

/// `exp2(y·log2|x|)` with the sign of a negative base; 0 is kept out of the logarithm so that gradients stay finite.
fn real_power(x: &Node, y: &Node) -> Node {
    let (zero, one, nan) = (build::like(x, 0.0), build::like(x, 1.0), build::like(x, f64::NAN));
    let is_zero = build::eq(x, &zero);
    let abs = build::binary(Binary::Max, x, &build::neg(x));
    let safe = build::select(&is_zero, &one, &abs);
    let size = build::unary(Unary::Exp2, &build::mul(y, &build::unary(Unary::Log2, &safe)));
    let whole = build::eq(&build::unary(Unary::Trunc, y), y);
    let even = build::eq(&build::binary(Binary::Mod, y, &build::like(y, 2.0)), &zero);
    let signed = build::select(&even, &size, &build::select(&whole, &build::neg(&size), &nan));
    let of_nonzero = build::select(&build::lt(x, &zero), &signed, &size);
    let below = build::select(&build::lt(y, &zero), &build::like(x, f64::INFINITY), &zero);
    let of_zero = build::select(&build::eq(y, &zero), &one, &below);
    build::select(&is_zero, &of_zero, &of_nonzero)
}
