//! Matrix products.

use super::super::call::Call;
use crate::{error::Result, tensor::Tensor};

pub fn gemm(c: &Call) -> Result<Tensor> {
    let turned = |i: usize, name: &str| -> Result<Tensor> {
        let x = c.x(i)?;
        if c.flag(name, false)? { x.transpose(0, 1) } else { Ok(x) }
    };
    let (alpha, beta) = (c.float("alpha", 1.0)?, c.float("beta", 1.0)?);
    let scaled = |x: Tensor, by: f64| if by == 1.0 { Ok(x) } else { x.mul(by) };
    let (a, b) = (turned(0, "transA")?, turned(1, "transB")?);
    if a.ndim() != 2 || b.ndim() != 2 {
        let got = format!("shapes {:?} and {:?}", a.shape().as_slice(), b.shape().as_slice());
        return Err(c.error(got, "two matrices", "flatten the input to two axes"));
    }
    let product = scaled(a.matmul(&b)?, alpha)?;
    match c.maybe(2)? {
        Some(bias) => product.add(scaled(bias, beta)?),
        None => Ok(product),
    }
}

pub fn matmul(c: &Call) -> Result<Tensor> {
    c.x(0)?.matmul(&c.x(1)?)
}

pub fn einsum(c: &Call) -> Result<Tensor> {
    let operands = (0..c.inputs.len()).map(|i| c.x(i)).collect::<Result<Vec<_>>>()?;
    Tensor::einsum(&c.text("equation", "")?.replace(' ', ""), &operands, None)
}
