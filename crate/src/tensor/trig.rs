//! Circular and hyperbolic functions, their inverses, and erf. Integers become float32. Near 0 each is a series in
//! the signed argument, so that value and gradient are right there.

use super::{
    Tensor,
    activation::at_most,
    build,
    elementwise::abs,
    math::{exp, log, log1p, only, polynomial, recip, sqrt, within},
};
use crate::{
    error::Result,
    graph::{Node, Unary},
};
use std::f64::consts::{FRAC_2_SQRT_PI, FRAC_PI_2, FRAC_PI_4, LOG2_E};

impl Tensor {
    pub fn sin(&self) -> Result<Tensor> {
        self.float_map(sin)
    }

    pub fn cos(&self) -> Result<Tensor> {
        self.float_map(cos)
    }

    pub fn tan(&self) -> Result<Tensor> {
        self.float_map(|x| build::div(&sin(x), &cos(x)))
    }

    /// In radians; NaN outside [-1, 1].
    pub fn asin(&self) -> Result<Tensor> {
        self.float_map(asin)
    }

    /// In radians; NaN outside [-1, 1].
    pub fn acos(&self) -> Result<Tensor> {
        self.float_map(|x| build::sub(&build::like(x, FRAC_PI_2), &asin(x)))
    }

    /// In radians.
    pub fn atan(&self) -> Result<Tensor> {
        self.float_map(atan)
    }

    /// `(exp(x) - exp(-x)) / 2`.
    pub fn sinh(&self) -> Result<Tensor> {
        self.float_map(|x| {
            let near = within(x, 0.3);
            let small = only(&near, x, 0.0);
            let square = build::mul(&small, &small);
            let series = polynomial(&square, &[1.0, 1.0 / 6.0, 1.0 / 120.0, 1.0 / 5040.0]);
            let far = build::sub(&half_exp(x), &half_exp(&build::neg(x)));
            build::select(&near, &build::mul(&small, &series), &far)
        })
    }

    /// `(exp(x) + exp(-x)) / 2`.
    pub fn cosh(&self) -> Result<Tensor> {
        self.float_map(|x| build::add(&half_exp(x), &half_exp(&build::neg(x))))
    }

    /// `2·sigmoid(2x) - 1`.
    pub fn tanh(&self) -> Result<Tensor> {
        self.float_map(super::activation::tanh)
    }

    pub fn asinh(&self) -> Result<Tensor> {
        self.float_map(|x| {
            let near = within(x, 0.25);
            let small = only(&near, x, 0.0);
            let square = build::mul(&small, &small);
            let terms = [1.0, -1.0 / 6.0, 3.0 / 40.0, -15.0 / 336.0, 105.0 / 3456.0];
            let series = build::mul(&small, &polynomial(&square, &terms));
            // log(|x| + √(x² + 1)) without the square, which overflows.
            let size = build::select(&near, &build::like(x, 1.0), &abs(x));
            let inverse = recip(&size);
            let root = sqrt(&build::offset(&build::mul(&inverse, &inverse), 1.0));
            let far = build::add(&log(&size), &log(&build::offset(&root, 1.0)));
            let far = build::select(&build::lt(x, &build::like(x, 0.0)), &build::neg(&far), &far);
            build::select(&near, &series, &far)
        })
    }

    /// NaN below 1.
    pub fn acosh(&self) -> Result<Tensor> {
        self.float_map(|x| {
            let above = build::offset(x, -1.0);
            let root = build::mul(&sqrt(&above), &sqrt(&build::offset(x, 1.0)));
            log1p(&build::add(&above, &root))
        })
    }

    /// NaN outside [-1, 1], infinite at both ends.
    pub fn atanh(&self) -> Result<Tensor> {
        self.float_map(|x| build::scale(&build::sub(&log1p(x), &log1p(&build::neg(x))), 0.5))
    }

    /// The error function, within 2e-7: Taylor's series below 1, Abramowitz and Stegun 7.1.26 above.
    pub fn erf(&self) -> Result<Tensor> {
        self.float_map(erf)
    }
}

fn sin(x: &Node) -> Node {
    build::unary(Unary::Sin, x)
}

fn cos(x: &Node) -> Node {
    sin(&build::sub(&build::like(x, FRAC_PI_2), x))
}

/// `exp(x) / 2`, which is finite a little longer than `exp(x)`.
fn half_exp(x: &Node) -> Node {
    build::unary(Unary::Exp2, &build::offset(&build::scale(x, LOG2_E), -1.0))
}

fn with_sign_of(x: &Node, size: &Node) -> Node {
    build::select(&build::lt(x, &build::like(x, 0.0)), &build::neg(size), size)
}

/// One series up to a half, and above through `asin x = π/2 - 2·asin √((1 - x)/2)`. Coefficients of Cephes' asinf.
fn asin(x: &Node) -> Node {
    let near = within(x, 0.5);
    let rest = build::offset(&build::scale(&abs(x), -0.5), 0.5);
    let square = build::select(&near, &build::mul(x, x), &rest);
    let root = sqrt(&build::select(&near, &build::like(x, 1.0), &rest));
    let at = build::select(&near, x, &root);
    let terms = [1.0, 1.6666752422e-1, 7.4953002686e-2, 4.5470025998e-2, 2.4181311049e-2, 4.2163199048e-2];
    let angle = build::mul(&at, &polynomial(&square, &terms));
    let far = build::offset(&build::scale(&angle, -2.0), FRAC_PI_2);
    build::select(&near, &angle, &with_sign_of(x, &far))
}

/// One series up to tan π/8, and above through `π/4 + atan((x - 1)/(x + 1))` and `π/2 - atan(1/x)`. Coefficients of
/// Cephes' atanf.
fn atan(x: &Node) -> Node {
    let (near, mid) = (within(x, 0.414_213_56), within(x, 2.414_213_6));
    let sign = with_sign_of(x, &build::like(x, 1.0));
    let small = only(&mid, x, 0.0);
    let middle = build::div(&build::sub(&small, &sign), &build::offset(&abs(&small), 1.0));
    let large = build::neg(&recip(&build::select(&mid, &build::like(x, 1.0), x)));
    let at = build::select(&near, &small, &build::select(&mid, &middle, &large));
    let square = build::mul(&at, &at);
    let terms = [1.0, -3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2];
    let angle = build::mul(&at, &polynomial(&square, &terms));
    let base = build::select(&mid, &build::like(x, FRAC_PI_4), &build::like(x, FRAC_PI_2));
    let base = only(&build::unary(Unary::Not, &near), &base, 0.0);
    build::add(&build::mul(&base, &sign), &angle)
}

pub(super) fn erf(x: &Node) -> Node {
    let near = within(x, 1.0);
    let small = only(&near, x, 0.0);
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    let term = |n: usize| {
        let size = FRAC_2_SQRT_PI / (factorial(n) * (2 * n + 1) as f64);
        if n.is_multiple_of(2) { size } else { -size }
    };
    let terms: Vec<f64> = (0..10).map(term).collect();
    let series = build::mul(&small, &polynomial(&build::mul(&small, &small), &terms));
    let t = recip(&build::offset(&build::scale(&abs(x), 0.3275911), 1.0));
    let terms = [0.0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
    // Its square cannot overflow; from 10 on the rest is 0.
    let size = at_most(&abs(x), 10.0);
    let rest = build::mul(&polynomial(&t, &terms), &exp(&build::neg(&build::mul(&size, &size))));
    let far = with_sign_of(x, &build::sub(&build::like(x, 1.0), &rest));
    build::select(&near, &series, &far)
}
