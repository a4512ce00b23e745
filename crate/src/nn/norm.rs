use super::{Module, named, parameter};
use crate::{
    error::{Error, Result},
    graph::DType,
    tensor::{Tensor, filled},
};

/// Normalises each channel (axis 1) of [n, c] or [n, c, h, w]: by the batch's own statistics while training, which
/// also move the running ones, and by the running ones otherwise. PyTorch's defaults are eps 1e-5, momentum 0.1.
pub struct BatchNorm {
    pub weight: Option<Tensor>,
    pub bias: Option<Tensor>,
    pub running_mean: Tensor,
    pub running_var: Tensor,
    pub num_batches_tracked: Tensor,
    pub eps: f64,
    pub momentum: f64,
}

impl BatchNorm {
    pub fn new(channels: usize, affine: bool, eps: f64, momentum: f64) -> Result<BatchNorm> {
        let own = |value: f64| affine.then(|| parameter(filled(value, &[channels], DType::F32)?)).transpose();
        Ok(BatchNorm {
            weight: own(1.0)?,
            bias: own(0.0)?,
            running_mean: filled(0.0, &[channels], DType::F32)?,
            running_var: filled(1.0, &[channels], DType::F32)?,
            num_batches_tracked: filled(0.0, &[], DType::I32)?,
            eps,
            momentum,
        })
    }

    /// Mean and biased variance of each channel, in one pass: distances from one of its values lose nothing to
    /// rounding, however far from 0 the mean is.
    fn statistics(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let axes: Vec<isize> = (0..x.ndim() as isize).filter(|a| *a != 1).collect();
        let first: Vec<(usize, usize)> = x
            .shape()
            .iter()
            .enumerate()
            .map(|(i, n)| if i == 1 { (0, *n) } else { (0, 1.min(*n)) })
            .collect();
        let origin = x.shrink(&first)?.detach();
        let distance = x.sub(&origin)?;
        let mean = distance.mean(&axes[..], true)?;
        let variance = distance.square()?.mean(&axes[..], true)?.sub(mean.square()?)?;
        Ok((mean.add(&origin)?.flatten(0)?, variance.flatten(0)?))
    }
}

impl Module for BatchNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (shape, channels) = (x.shape(), self.running_mean.numel());
        if shape.get(1) != Some(&channels) {
            return Err(Error::shape(
                "BatchNorm",
                format!("input {:?}", shape.as_slice()),
                format!("[n, {channels}, …]"),
                "give the layer the input's number of channels",
            ));
        }
        let (mean, variance) = if Tensor::training() {
            let (mean, variance) = self.statistics(x)?;
            let n = x.numel() as f64;
            let unbiased = n / (n - channels as f64).max(1.0);
            let moved = |running: &Tensor, batch: &Tensor, by: f64| {
                running
                    .assign(&running.mul(1.0 - self.momentum)?.add(batch.detach().mul(by * self.momentum)?)?)
            };
            moved(&self.running_mean, &mean, 1.0)?;
            moved(&self.running_var, &variance, unbiased)?;
            self.num_batches_tracked.assign(&self.num_batches_tracked.add(1)?)?;
            (mean, variance)
        } else {
            (self.running_mean.clone(), self.running_var.clone())
        };
        let invstd = variance.add(self.eps)?.rsqrt()?;
        x.batch_norm(self.weight.as_ref(), self.bias.as_ref(), &mean, &invstd)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut all = named(self.weight.as_ref(), self.bias.as_ref());
        all.push(("running_mean".into(), self.running_mean.clone()));
        all.push(("running_var".into(), self.running_var.clone()));
        all.push(("num_batches_tracked".into(), self.num_batches_tracked.clone()));
        all
    }
}

/// Normalises over the last axes, whose sizes are `shape`. PyTorch's default eps is 1e-5.
pub struct LayerNorm {
    pub weight: Option<Tensor>,
    pub bias: Option<Tensor>,
    pub shape: Vec<usize>,
    pub eps: f64,
}

impl LayerNorm {
    pub fn new(shape: &[usize], affine: bool, eps: f64) -> Result<LayerNorm> {
        let own = |value: f64| affine.then(|| parameter(filled(value, shape, DType::F32)?)).transpose();
        Ok(LayerNorm { weight: own(1.0)?, bias: own(0.0)?, shape: shape.to_vec(), eps })
    }
}

impl Module for LayerNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if !x.shape().ends_with(&self.shape) {
            return Err(Error::shape(
                "LayerNorm",
                format!("input {:?}", x.shape().as_slice()),
                format!("last sizes {:?}", self.shape),
                "give the layer the sizes of the input's last axes",
            ));
        }
        let axes: Vec<isize> = (1..=self.shape.len() as isize).map(|a| -a).collect();
        let mut out = x.layer_norm(&axes[..], self.eps)?;
        if let Some(weight) = &self.weight {
            out = out.mul(weight)?;
        }
        match &self.bias {
            Some(bias) => out.add(bias),
            None => Ok(out),
        }
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(self.weight.as_ref(), self.bias.as_ref())
    }
}
