//! Arithmetic, comparisons, logic and casts, with NumPy's broadcasting. Results keep the inputs' dtype.

use super::super::{
    call::Call,
    value::{dtype, held, known_dtype},
};
use crate::{
    error::Result,
    graph::DType,
    tensor::{Operand, Tensor},
};

type Two = fn(&Tensor, &Tensor) -> Result<Tensor>;

/// `f` of both inputs, in the dtype of the first.
pub fn two(c: &Call, f: Two) -> Result<Tensor> {
    let a = c.x(0)?;
    f(&a, &c.x(1)?)?.cast(a.dtype())
}

/// `f` of all inputs, from the left.
pub fn all(c: &Call, f: Two) -> Result<Tensor> {
    let first = c.x(0)?;
    let dtype = first.dtype();
    (1..c.inputs.len()).try_fold(first, |sum, i| f(&sum, &c.x(i)?)?.cast(dtype))
}

pub fn one(c: &Call, f: fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let x = c.x(0)?;
    f(&x)?.cast(x.dtype())
}

pub fn div(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.dtype().is_float() { a.div(b) } else { a.idiv(b) }
}

pub fn modulo(c: &Call) -> Result<Tensor> {
    let fmod = c.flag("fmod", false)?;
    two(c, if fmod { |a, b| a.fmod(b) } else { |a, b| a.rem(b) })
}

pub fn mean(c: &Call) -> Result<Tensor> {
    all(c, |a, b| a.add(b))?.div(c.inputs.len() as f64)
}

/// A constant power of floats is a few products.
pub fn pow(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match b.node().as_const() {
        Some(p) if a.dtype().is_float() => a.pow(p),
        _ => a.pow(b),
    }
}

pub fn shift(c: &Call) -> Result<Tensor> {
    match c.text("direction", "")? {
        "LEFT" => two(c, |a, b| a.lshift(b)),
        "RIGHT" => two(c, |a, b| a.rshift(b)),
        other => Err(c.error(format!("direction \"{other}\""), "LEFT or RIGHT", "export the model again")),
    }
}

/// Bounds are inputs since opset 11, attributes before.
pub fn clip(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let bound = |name: &str, i: usize| -> Result<Option<Operand>> {
        if c.opset < 11 {
            return if c.has(name) { c.float(name, 0.0).map(|v| Some(v.into())) } else { Ok(None) };
        }
        Ok(c.maybe(i)?.map(Operand::from))
    };
    let (low, high) = (bound("min", 1)?, bound("max", 2)?);
    if low.is_none() && high.is_none() { Ok(x) } else { x.clamp(low, high)?.cast(x.dtype()) }
}

pub fn cast(c: &Call) -> Result<Tensor> {
    let to = i32::try_from(c.int("to", 0)?).unwrap_or(0);
    if dtype(to) == Some(DType::Bool) {
        return c.x(0)?.bool();
    }
    c.x(0)?.cast(held(known_dtype(&c.node.title, to)?))
}

pub fn is_inf(c: &Call) -> Result<Tensor> {
    c.x(0)?.isinf(c.flag("detect_positive", true)?, c.flag("detect_negative", true)?)
}

/// Logical functions of bools.
pub fn bools(c: &Call, f: fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    f(&c.x(0)?.cast(DType::Bool)?, &c.x(1)?.cast(DType::Bool)?)
}
