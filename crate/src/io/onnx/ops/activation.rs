//! Functions of one number, and softmax.

use super::super::call::Call;
use crate::{error::Result, tensor::Tensor};

pub fn leaky_relu(c: &Call) -> Result<Tensor> {
    c.x(0)?.leaky_relu(c.float("alpha", 0.01)?)
}

pub fn elu(c: &Call) -> Result<Tensor> {
    c.x(0)?.elu(c.float("alpha", 1.0)?)
}

pub fn celu(c: &Call) -> Result<Tensor> {
    c.x(0)?.celu(c.float("alpha", 1.0)?)
}

pub fn selu(c: &Call) -> Result<Tensor> {
    c.x(0)?.selu(c.float("alpha", 1.673_263_2)?, c.float("gamma", 1.050_701)?)
}

pub fn gelu(c: &Call) -> Result<Tensor> {
    c.x(0)?.gelu_as(c.text("approximate", "none")?)
}

pub fn hard_sigmoid(c: &Call) -> Result<Tensor> {
    c.x(0)?.hardsigmoid(c.float("alpha", 0.2)?, c.float("beta", 0.5)?)
}

pub fn thresholded_relu(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    x.gt(c.float("alpha", 1.0)?)?.where_(&x, x.zeros_like()?)
}

pub fn shrink(c: &Call) -> Result<Tensor> {
    let (x, lambda, bias) = (c.x(0)?, c.float("lambd", 0.5)?, c.float("bias", 0.0)?);
    let upper = x.gt(lambda)?.where_(x.sub(bias)?, x.zeros_like()?)?;
    x.lt(-lambda)?.where_(x.add(bias)?, upper)?.cast(x.dtype())
}

/// The slope broadcasts to the input.
pub fn prelu(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    x.lt(0)?.where_(x.mul(c.x(1)?)?, &x)?.cast(x.dtype())
}

/// Before opset 13 the axes from `axis` on are one.
fn along(c: &Call, f: impl FnOnce(&Tensor, isize) -> Result<Tensor>) -> Result<Tensor> {
    let x = c.x(0)?;
    if c.opset >= 13 {
        return f(&x, c.axis(c.int("axis", -1)?, x.ndim())? as isize);
    }
    let shape = x.shape();
    let axis = c.axis(c.int("axis", 1)?, shape.len() + 1)?;
    let rows: usize = shape[..axis].iter().product();
    let columns: usize = shape[axis..].iter().product();
    let flat = x.reshape(&super::super::call::signed(&[rows, columns]))?;
    f(&flat, 1)?.reshape(&super::super::call::signed(&shape))
}

pub fn softmax(c: &Call) -> Result<Tensor> {
    along(c, |x, axis| x.softmax(axis))
}

pub fn log_softmax(c: &Call) -> Result<Tensor> {
    along(c, |x, axis| x.log_softmax(axis))
}

/// 1 at the first of the largest, 0 elsewhere.
pub fn hardmax(c: &Call) -> Result<Tensor> {
    along(c, |x, axis| {
        let n = x.shape()[axis as usize];
        let ones = x.argmax(Some(axis), false)?.one_hot(n)?;
        let mut order: Vec<isize> = (0..x.ndim() as isize - 1).collect();
        order.insert(axis as usize, x.ndim() as isize - 1);
        ones.permute(&order)?.cast(x.dtype())
    })
}
