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
    /// Off: the batch's own statistics always, and none are kept.
    pub track: bool,
}

/// What a normalisation is scaled and shifted by: ones and zeros.
fn affine(shape: &[usize], on: bool) -> Result<[Option<Tensor>; 2]> {
    let own = |value: f64| on.then(|| parameter(filled(value, shape, DType::F32)?)).transpose();
    Ok([own(1.0)?, own(0.0)?])
}

/// `x · weight + bias`, both in that shape, where they are.
fn scaled(x: Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>, shape: &[isize]) -> Result<Tensor> {
    let x = match weight {
        Some(weight) => x.mul(weight.reshape(shape)?)?,
        None => x,
    };
    match bias {
        Some(bias) => x.add(bias.reshape(shape)?),
        None => Ok(x),
    }
}

/// A number for each channel (axis 1), for tensors of `ndim` axes.
fn channels(ndim: usize) -> Vec<isize> {
    (0..ndim).map(|axis| if axis == 1 { -1 } else { 1 }).collect()
}

fn misfit(layer: &str, x: &Tensor, expected: String, fix: &str) -> Error {
    Error::shape(layer, format!("input {:?}", x.shape().as_slice()), expected, fix)
}

impl BatchNorm {
    pub fn new(channels: usize, affine: bool, eps: f64, momentum: f64) -> Result<BatchNorm> {
        let [weight, bias] = self::affine(&[channels], affine)?;
        Ok(BatchNorm {
            weight,
            bias,
            running_mean: filled(0.0, &[channels], DType::F32)?,
            running_var: filled(1.0, &[channels], DType::F32)?,
            num_batches_tracked: filled(0.0, &[], DType::I32)?,
            eps,
            momentum,
            track: true,
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
            let fix = "give the layer the input's number of channels";
            return Err(misfit("BatchNorm", x, format!("[n, {channels}, …]"), fix));
        }
        let (mean, variance) = if !self.track {
            self.statistics(x)?
        } else if Tensor::training() {
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
        if self.track {
            all.push(("running_mean".into(), self.running_mean.clone()));
            all.push(("running_var".into(), self.running_var.clone()));
            all.push(("num_batches_tracked".into(), self.num_batches_tracked.clone()));
        }
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
        let [weight, bias] = self::affine(shape, affine)?;
        Ok(LayerNorm { weight, bias, shape: shape.to_vec(), eps })
    }
}

impl Module for LayerNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if !x.shape().ends_with(&self.shape) {
            let fix = "give the layer the sizes of the input's last axes";
            return Err(misfit("LayerNorm", x, format!("last sizes {:?}", self.shape), fix));
        }
        let axes: Vec<isize> = (1..=self.shape.len() as isize).map(|a| -a).collect();
        let sizes: Vec<isize> = self.shape.iter().map(|n| *n as isize).collect();
        scaled(x.layer_norm(&axes[..], self.eps)?, self.weight.as_ref(), self.bias.as_ref(), &sizes)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(self.weight.as_ref(), self.bias.as_ref())
    }
}

/// [`LayerNorm`] over the channels (axis 1) of [n, c, h, w].
pub struct LayerNorm2d(pub LayerNorm);

impl Module for LayerNorm2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.ndim() != 4 {
            return Err(misfit("LayerNorm2d", x, "[n, c, h, w]".into(), "add the missing axes"));
        }
        self.0.forward(&x.permute(&[0, 2, 3, 1])?)?.permute(&[0, 3, 1, 2])
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        self.0.tensors()
    }
}

/// Normalises each of `groups` equal parts of the channels (axis 1) of every row, with all axes behind it (Wu and He
/// 2018). As many groups as channels is instance normalisation. The default eps is 1e-5.
pub struct GroupNorm {
    pub weight: Option<Tensor>,
    pub bias: Option<Tensor>,
    pub groups: usize,
    pub eps: f64,
}

impl GroupNorm {
    pub fn new(groups: usize, channels: usize, affine: bool, eps: f64) -> Result<GroupNorm> {
        let [weight, bias] = self::affine(&[channels], affine)?;
        Ok(GroupNorm { weight, bias, groups, eps })
    }
}

impl Module for GroupNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let normal = x.group_norm(self.groups, self.eps)?;
        scaled(normal, self.weight.as_ref(), self.bias.as_ref(), &channels(x.ndim()))
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(self.weight.as_ref(), self.bias.as_ref())
    }
}

/// Divides by the root of the mean square over the last axis (Zhang and Sennrich 2019), in float32. tinygrad's
/// default eps is 1e-6.
pub struct RmsNorm {
    pub weight: Option<Tensor>,
    pub eps: f64,
}

impl RmsNorm {
    pub fn new(size: usize, affine: bool, eps: f64) -> Result<RmsNorm> {
        let [weight, _] = self::affine(&[size], affine)?;
        Ok(RmsNorm { weight, eps })
    }
}

impl Module for RmsNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let dtype = if x.dtype().is_float() { x.dtype() } else { DType::F32 };
        scaled(x.float()?.rms_norm(-1, self.eps)?.cast(dtype)?, self.weight.as_ref(), None, &[-1])
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        named(self.weight.as_ref(), None)
    }
}
