use super::{Module, named, parameter};
use crate::{
    error::{Error, Result},
    tensor::{Conv2dOptions, Tensor, host_uniform},
};

/// Convolution over as many axes as the kernel has: weight [out, in/groups, kernel…]. Weight and bias start uniform
/// in `±1/√(in·kernel)`, as tinygrad's.
pub struct Conv2d {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    pub options: Conv2dOptions,
}

impl Conv2d {
    /// # Errors
    /// `Shape` for channels that the groups do not divide.
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: &[usize],
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
        let weight = uniform(&[&[outputs, inputs / groups], kernel].concat(), inputs, kernel)?;
        let bias = bias.then(|| uniform(&[outputs], inputs, kernel)).transpose()?;
        Ok(Conv2d { weight, bias, options })
    }
}

/// Uniform in `±1/√(in·kernel)`.
fn uniform(shape: &[usize], inputs: usize, kernel: &[usize]) -> Result<Tensor> {
    let size = kernel.iter().fold(inputs, |n, k| n.saturating_mul(*k));
    let bound = 1.0 / (size.max(1) as f64).sqrt();
    parameter(host_uniform(shape, -bound, bound)?)
}

impl Module for Conv2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.conv2d(&self.weight, self.bias.as_ref(), self.options.clone())
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(Some(&self.weight), self.bias.as_ref())
    }
}

/// The transpose of [`Conv2d`]: weight [in, out/groups, kernel…].
pub struct ConvTranspose2d {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    pub options: Conv2dOptions,
    pub output_padding: Vec<usize>,
}

impl ConvTranspose2d {
    /// # Errors
    /// As [`Conv2d::new`].
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: &[usize],
        options: Conv2dOptions,
        output_padding: &[usize],
        bias: bool,
    ) -> Result<ConvTranspose2d> {
        // tinygrad draws a convolution's tensors and then the weight anew.
        let Conv2d { bias, options, .. } = Conv2d::new(inputs, outputs, kernel, options, bias)?;
        let weight = uniform(&[&[inputs, outputs / options.groups], kernel].concat(), inputs, kernel)?;
        Ok(ConvTranspose2d { weight, bias, options, output_padding: output_padding.to_vec() })
    }
}

impl Module for ConvTranspose2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.conv_transpose2d(&self.weight, self.bias.as_ref(), self.options.clone(), &self.output_padding)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(Some(&self.weight), self.bias.as_ref())
    }
}

/// The padding that keeps an image's size at stride 1 (`padding="same"`), the last axis first: left, right, top, ….
/// Where it is odd, the end gets one more. `dilation` has one number for each axis, or one for all.
pub fn same_padding(kernel: &[usize], dilation: &[usize]) -> Vec<isize> {
    let along = |i: usize| dilation.get(i).or(dilation.first()).copied().unwrap_or(1);
    let sides = |i: usize| {
        let total = (along(i).saturating_mul(kernel[i].saturating_sub(1))) as isize;
        [total / 2, total - total / 2]
    };
    (0..kernel.len()).rev().flat_map(sides).collect()
}
