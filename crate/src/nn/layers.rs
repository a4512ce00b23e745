use super::{Module, named, parameter};
use crate::{
    error::{Error, Result},
    tensor::{Tensor, glorot_bound, host_uniform},
};

/// `x · weightᵀ + bias`; weight [out, in]. Both start uniform in `±1/√in`, PyTorch's default.
pub struct Linear {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
}

impl Linear {
    pub fn new(inputs: usize, outputs: usize, bias: bool) -> Result<Linear> {
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        let draw = |shape: &[usize]| parameter(host_uniform(shape, -bound, bound)?);
        let weight = draw(&[outputs, inputs])?;
        Ok(Linear { weight, bias: bias.then(|| draw(&[outputs])).transpose()? })
    }
}

impl Module for Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.linear(&self.weight.t(), self.bias.as_ref())
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(Some(&self.weight), self.bias.as_ref())
    }
}

/// Rows of a [vocabulary, width] table by integer index; starts Glorot-uniform, as tinygrad's.
pub struct Embedding {
    pub weight: Tensor,
}

impl Embedding {
    pub fn new(vocabulary: usize, width: usize) -> Result<Embedding> {
        let shape = [vocabulary, width];
        let bound = glorot_bound(&shape);
        Ok(Embedding { weight: parameter(host_uniform(&shape, -bound, bound)?)? })
    }
}

impl Module for Embedding {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.dtype().is_float() {
            let (got, fix) = (x.dtype().name(), "cast it with .int()");
            return Err(Error::dtype("Embedding", got, "integer positions", fix));
        }
        self.weight.index(x)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(Some(&self.weight), None)
    }
}

/// While training, zeroes each element with that probability.
pub struct Dropout {
    pub p: f64,
}

impl Module for Dropout {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.dropout(self.p)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        Vec::new()
    }
}

/// Joins all axes but the first.
pub struct Flatten;

impl Module for Flatten {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.flatten(1)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        Vec::new()
    }
}
