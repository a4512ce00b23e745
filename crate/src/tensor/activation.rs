//! Activation functions. Integers become float32.

use super::{
    Tensor, build,
    elementwise::abs,
    math::{exp, log, recip},
    trig::erf,
};
use crate::{
    error::{Error, Result},
    graph::{Binary, Node},
};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

fn sigmoid(x: &Node) -> Node {
    recip(&build::offset(&exp(&build::neg(x)), 1.0))
}

pub(super) fn tanh(x: &Node) -> Node {
    build::offset(&build::scale(&sigmoid(&build::scale(x, 2.0)), 2.0), -1.0)
}

/// `yes` where `x > 0`, else `no`.
fn where_positive(x: &Node, yes: &Node, no: &Node) -> Node {
    build::select(&build::lt(&build::like(x, 0.0), x), yes, no)
}

/// `exp(x) - 1` up to 0: no positive input, so that it cannot overflow in the branch not taken.
fn below_zero(x: &Node) -> Node {
    let negative = where_positive(x, &build::like(x, 0.0), x);
    build::offset(&exp(&negative), -1.0)
}

/// At most `hi`; no gradient from there on.
pub(super) fn at_most(x: &Node, hi: f64) -> Node {
    build::neg(&build::binary(Binary::Max, &build::neg(x), &build::like(x, -hi)))
}

/// Between `lo` and `hi`; no gradient at either end.
fn bounded(x: &Node, lo: f64, hi: f64) -> Node {
    at_most(&build::binary(Binary::Max, x, &build::like(x, lo)), hi)
}

/// `log(1 + exp(x))`, without overflow.
pub(super) fn softplus(x: &Node) -> Node {
    // One branch of both at 0: with |x| and a shared tie the first gradient would be right there, the second not.
    let rest = log(&build::offset(&exp(&where_positive(x, &build::neg(x), x)), 1.0));
    build::add(&where_positive(x, x, &build::like(x, 0.0)), &rest)
}

impl Tensor {
    /// `1 / (1 + exp(-x))`.
    pub fn sigmoid(&self) -> Result<Tensor> {
        self.float_map(sigmoid)
    }

    /// `log(sigmoid(x))`, without overflow.
    pub fn logsigmoid(&self) -> Result<Tensor> {
        self.float_map(|x| build::neg(&softplus(&build::neg(x))))
    }

    /// `alpha·x + beta`, kept in [0, 1]; PyTorch's are 1/6 and 1/2.
    pub fn hardsigmoid(&self, alpha: f64, beta: f64) -> Result<Tensor> {
        self.float_map(|x| bounded(&build::offset(&build::scale(x, alpha), beta), 0.0, 1.0))
    }

    /// `x` where positive, else 0; the gradient at 0 is 0.
    pub fn relu(&self) -> Result<Tensor> {
        let x = self.node();
        Ok(Tensor::from_node(build::binary(Binary::Max, &x, &build::like(&x, 0.0))))
    }

    /// `x` kept in [0, 6].
    pub fn relu6(&self) -> Result<Tensor> {
        self.hardtanh(0.0, 6.0)
    }

    /// `x` kept in [min_val, max_val]; no gradient at either end.
    pub fn hardtanh(&self, min_val: f64, max_val: f64) -> Result<Tensor> {
        self.float_map(|x| bounded(x, min_val, max_val))
    }

    /// `x·relu6(x + 3)/6` (Howard et al. 2019).
    pub fn hardswish(&self) -> Result<Tensor> {
        self.float_map(|x| {
            build::mul(x, &build::scale(&bounded(&build::offset(x, 3.0), 0.0, 6.0), 1.0 / 6.0))
        })
    }

    /// `x` where positive, else `slope·x`.
    pub fn leaky_relu(&self, slope: f64) -> Result<Tensor> {
        self.float_map(|x| where_positive(x, x, &build::scale(x, slope)))
    }

    /// `x` where positive, else `alpha·(exp(x) - 1)`.
    pub fn elu(&self, alpha: f64) -> Result<Tensor> {
        self.float_map(|x| where_positive(x, x, &build::scale(&below_zero(x), alpha)))
    }

    /// `x` where positive, else `alpha·(exp(x/alpha) - 1)` (Barron 2017).
    pub fn celu(&self, alpha: f64) -> Result<Tensor> {
        self.float_map(|x| {
            let scaled = build::scale(x, 1.0 / alpha);
            let curve = build::scale(&below_zero(&scaled), alpha);
            build::select(&build::lt(&build::like(x, 0.0), &scaled), x, &curve)
        })
    }

    /// `gamma·x` where positive, else `gamma·alpha·(exp(x) - 1)` (Klambauer et al. 2017).
    pub fn selu(&self, alpha: f64, gamma: f64) -> Result<Tensor> {
        self.elu(alpha)?.mul(gamma)
    }

    /// The tanh approximation, `0.5x(1 + tanh(√(2/π)(x + 0.044715x³)))`, as tinygrad's.
    pub fn gelu(&self) -> Result<Tensor> {
        self.float_map(|x| {
            let cube = build::mul(&build::mul(x, x), x);
            let inner = build::scale(&build::add(x, &build::scale(&cube, 0.044715)), (2.0 / PI).sqrt());
            build::mul(&build::scale(x, 0.5), &build::offset(&tanh(&inner), 1.0))
        })
    }

    /// `"tanh"`: [`Tensor::gelu`]. `"none"`: `0.5x(1 + erf(x/√2))` (Hendrycks and Gimpel 2016).
    pub fn gelu_as(&self, approximate: &str) -> Result<Tensor> {
        match approximate {
            "tanh" => self.gelu(),
            "none" => self.float_map(|x| {
                let inside = erf(&build::scale(x, FRAC_1_SQRT_2));
                build::mul(&build::scale(x, 0.5), &build::offset(&inside, 1.0))
            }),
            other => {
                let got = format!("approximate {other:?}");
                Err(Error::argument("gelu", got, "\"tanh\" or \"none\"", "name one of the two forms"))
            }
        }
    }

    /// `x·sigmoid(1.702x)`.
    pub fn quick_gelu(&self) -> Result<Tensor> {
        self.float_map(|x| build::mul(x, &sigmoid(&build::scale(x, 1.702))))
    }

    /// `x·sigmoid(x)`.
    pub fn silu(&self) -> Result<Tensor> {
        self.float_map(|x| build::mul(x, &sigmoid(x)))
    }

    /// `x·tanh(softplus(x))` (Misra 2019), with `n = exp(x)` as `x·n(n + 2)/(n(n + 2) + 2)`.
    pub fn mish(&self) -> Result<Tensor> {
        self.float_map(|x| {
            // From 20 on the factor is 1, and squares would overflow.
            let n = exp(&at_most(x, 20.0));
            let product = build::mul(&n, &build::offset(&n, 2.0));
            build::mul(x, &build::div(&product, &build::offset(&product, 2.0)))
        })
    }

    /// `log(1 + exp(x))`, without overflow.
    pub fn softplus(&self) -> Result<Tensor> {
        self.float_map(softplus)
    }

    /// `log(1 + exp(beta·x)) / beta`.
    pub fn softplus_beta(&self, beta: f64) -> Result<Tensor> {
        self.float_map(|x| build::scale(&softplus(&build::scale(x, beta)), 1.0 / beta))
    }

    /// `x / (1 + |x|)`.
    pub fn softsign(&self) -> Result<Tensor> {
        self.float_map(|x| build::div(x, &build::offset(&abs(x), 1.0)))
    }
}
