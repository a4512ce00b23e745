//! Normalisation: distances from the mean over the standard deviation.

use super::{AxisList, Tensor, build, reduce, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Node, Unary},
};

/// `x / sqrt(mean(x²) + eps)` over the axes.
fn by_root_mean_square(x: &Node, axes: &Axes, eps: f64) -> Node {
    let scale = inverse_root(&reduce::mean(&build::mul(x, x), axes), eps);
    build::mul(x, &build::expand(&scale, &x.shape))
}

fn layer_norm(x: &Node, axes: &Axes, eps: f64) -> Node {
    by_root_mean_square(&build::sub(x, &build::expand(&reduce::mean(x, axes), &x.shape)), axes, eps)
}

impl Tensor {
    /// `(x - mean) / sqrt(var + eps)` over the axes, with the biased variance (Ba et al. 2016).
    pub fn layer_norm(&self, axes: impl Into<AxisList>, eps: f64) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("layernorm", x.shape.len())?;
        Ok(Tensor::from_node(build::in_float(&x, |x| layer_norm(x, &axes, eps))))
    }

    /// `x / sqrt(mean(x²) + eps)` over the axes (Zhang and Sennrich 2019).
    pub fn rms_norm(&self, axes: impl Into<AxisList>, eps: f64) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("rms_norm", x.shape.len())?;
        Ok(Tensor::from_node(build::in_float(&x, |x| by_root_mean_square(x, &axes, eps))))
    }

    /// [`Tensor::layer_norm`] over each of `groups` equal parts of the channels (axis 1) with all axes behind it
    /// (Wu and He 2018). As many groups as channels is instance normalisation.
    pub fn group_norm(&self, groups: usize, eps: f64) -> Result<Tensor> {
        let x = self.node();
        let channels = x.shape.get(1).copied().unwrap_or(0);
        if groups == 0 || channels == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::shape(
                "group_norm",
                format!("shape {:?} in {groups} groups", x.shape.as_slice()),
                "[batch, channels, …] with channels divisible by the groups",
                "change the channels or the groups",
            ));
        }
        let rows = [x.shape[0], groups, x.shape[1..].iter().product::<usize>() / groups];
        let axes = Axes::from_slice(&[2]);
        let normal = build::in_float(&build::reshape(&x, &rows), |x| layer_norm(x, &axes, eps));
        Ok(Tensor::from_node(build::reshape(&normal, &x.shape)))
    }

    /// `(x - mean)·invstd·weight + bias` for each channel (axis 1); all four have shape [channels].
    pub fn batch_norm(
        &self,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        mean: &Tensor,
        invstd: &Tensor,
    ) -> Result<Tensor> {
        self.batchnorm(weight, bias, mean, invstd, 1)
    }

    /// `(x - mean)·invstd·weight + bias` (Ioffe and Szegedy 2015): `mean`, `weight` and `bias` have the sizes of
    /// this tensor's `axes`; `invstd` too, or a shape that broadcasts to this one.
    pub fn batchnorm(
        &self,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        mean: &Tensor,
        invstd: &Tensor,
        axes: impl Into<AxisList>,
    ) -> Result<Tensor> {
        let x = self.shape();
        let axes = axes.into().resolve("batchnorm", x.len())?;
        let sizes: Vec<usize> = axes.iter().map(|a| x[*a]).collect();
        let line: Vec<isize> =
            (0..x.len()).map(|a| if axes.contains(&a) { x[a] as isize } else { 1 }).collect();
        let along = |t: &Tensor| {
            if t.shape()[..] == sizes[..] {
                return t.reshape(&line);
            }
            let (got, expected) = (format!("shape {:?}", t.shape().as_slice()), format!("{sizes:?}"));
            Err(Error::shape("batchnorm", got, expected, "give one number for each place along the axes"))
        };
        let inverse = if invstd.ndim() == axes.len() {
            along(invstd)?
        } else {
            shape::broadcast("batchnorm", &x, &invstd.shape())?;
            invstd.clone()
        };
        let scale = match weight {
            Some(weight) => inverse.mul(along(weight)?)?,
            None => inverse,
        };
        let out = self.sub(along(mean)?)?.mul(scale)?;
        match bias {
            Some(bias) => out.add(along(bias)?),
            None => Ok(out),
        }
    }
}

/// `1 / sqrt(x + eps)`.
fn inverse_root(x: &Node, eps: f64) -> Node {
    build::unary(Unary::Recip, &build::unary(Unary::Sqrt, &build::offset(x, eps)))
}
