use super::{Module, named, parameter};
use crate::{
    error::{Error, Result},
    tensor::{Conv2dOptions, Tensor, glorot_bound, host_uniform},
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
        x.linear(&self.weight, self.bias.as_ref())
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(Some(&self.weight), self.bias.as_ref())
    }
}

/// Weight [out, in/groups, kh, kw]. Weight and bias start uniform in `±1/√(in·kh·kw)`, as tinygrad's.
pub struct Conv2d {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    pub options: Conv2dOptions,
}

impl Conv2d {
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        options: Conv2dOptions,
        bias: bool,
    ) -> Result<Conv2d> {
        let groups = options.groups;
        if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(Error::shape(
                "Conv2d",
                format!("{inputs} and {outputs} channels in {groups} groups"),
                "channels divisible by the groups",
                "change the channels or the groups",
            ));
        }
        let bound = 1.0 / ((inputs * kernel[0] * kernel[1]).max(1) as f64).sqrt();
        let draw = |shape: &[usize]| parameter(host_uniform(shape, -bound, bound)?);
        let weight = draw(&[outputs, inputs / groups, kernel[0], kernel[1]])?;
        Ok(Conv2d { weight, bias: bias.then(|| draw(&[outputs])).transpose()?, options })
    }
}

impl Module for Conv2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.conv2d(&self.weight, self.bias.as_ref(), self.options.clone())
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
