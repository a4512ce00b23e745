//! Convolution, pooling and normalisation: windows over the image, then multiply and sum, or max.

use super::{AxisList, Tensor, build, movement, operand, reduce, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Node, Pairs, Reduce, Shape, Unary, Window},
};

/// Each pair is (height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dOptions {
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
}

impl Default for Conv2dOptions {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

/// Each pair is (height, width); the stride is the kernel's size unless it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Pool2dOptions {
    pub stride: Option<[usize; 2]>,
    pub padding: [usize; 2],
}

/// How a kernel slides over the last two axes.
#[derive(Clone, Copy)]
struct Slide {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
}

impl Slide {
    /// Positions along height and width, or the error that names what does not fit.
    fn counts(&self, op: &str, x: &Node) -> Result<[usize; 2]> {
        let ndim = x.shape.len();
        let mut out = [0; 2];
        for i in 0..2 {
            let (n, k, s, d) = (x.shape[ndim - 2 + i], self.kernel[i], self.stride[i], self.dilation[i]);
            let span = k.saturating_sub(1).saturating_mul(d).saturating_add(1);
            if k == 0 || s == 0 || d == 0 || span > n {
                return Err(Error::shape(
                    op,
                    format!("kernel {k}, stride {s}, dilation {d} on an axis of size {n} (padding included)"),
                    "sizes of at least 1 and a kernel that fits",
                    "use a larger image, more padding or a smaller kernel",
                ));
            }
            out[i] = (n - span) / s + 1;
        }
        Ok(out)
    }

    /// `[…, H, W]` as `[…, OH, OW, KH, KW]`.
    fn windows(&self, x: &Node, counts: [usize; 2]) -> Node {
        let h = x.shape.len() - 2;
        let along = |x: &Node, i: usize| {
            let w = Window {
                axis: h + i,
                size: self.kernel[i],
                stride: self.stride[i],
                dilation: self.dilation[i],
            };
            build::window(x, w, counts[i])
        };
        along(&along(x, 0), 1)
    }
}

fn pad_image(x: &Node, padding: [usize; 2], value: f64) -> Node {
    let mut pairs = Pairs::from_elem((0, 0), x.shape.len());
    let h = x.shape.len() - 2;
    pairs[h] = (padding[0], padding[0]);
    pairs[h + 1] = (padding[1], padding[1]);
    movement::pad_with(x, pairs, value)
}

impl Tensor {
    /// `[n, cin, h, w]` with `weight [cout, cin/groups, kh, kw]` → `[n, cout, oh, ow]`; a bias has shape [cout].
    /// Cross-correlation, as PyTorch's `conv2d`.
    pub fn conv2d(&self, weight: &Tensor, bias: Option<&Tensor>, options: Conv2dOptions) -> Result<Tensor> {
        let (x, w, dtype) = operand::factors(self, weight);
        let Conv2dOptions { stride, padding, dilation, groups } = options;
        if x.shape.len() != 4 || w.shape.len() != 4 {
            return Err(Error::shape(
                "conv2d",
                format!("input {:?} and weight {:?}", x.shape.as_slice(), w.shape.as_slice()),
                "input [n, channels, height, width] and weight [out, channels/groups, kh, kw]",
                "add the missing axes with unsqueeze or reshape",
            ));
        }
        let (n, cin, cout) = (x.shape[0], x.shape[1], w.shape[0]);
        if groups == 0 || cin != w.shape[1].saturating_mul(groups) || cout % groups != 0 {
            return Err(Error::shape(
                "conv2d",
                format!("{cin} input channels, weight {:?}, groups {groups}", w.shape.as_slice()),
                "channels = weight's second size · groups, and outputs divisible by groups",
                "change the layer's input channels or the groups",
            ));
        }
        let slide = Slide { kernel: [w.shape[2], w.shape[3]], stride, dilation };
        let padded = pad_image(&x, padding, 0.0);
        shape::checked("conv2d", &padded.shape, x.dtype)?;
        let [oh, ow] = slide.counts("conv2d", &padded)?;
        let ([kh, kw], (ci, co)) = (slide.kernel, (cin / groups, cout / groups));
        shape::checked("conv2d", &[n, cout, oh, ow], x.dtype)?;

        let full = [n, groups, co, ci, oh, ow, kh, kw];
        let windows = build::reshape(&slide.windows(&padded, [oh, ow]), &[n, groups, 1, ci, oh, ow, kh, kw]);
        let filter = build::reshape(&w, &[1, groups, co, ci, 1, 1, kh, kw]);
        let products = build::mul(&build::expand(&windows, &full), &build::expand(&filter, &full));
        let total = build::reshape(&build::sum(&products, &[3, 6, 7]), &[n, cout, oh, ow]);
        let out = Tensor::from_node(build::cast(&total, dtype));
        match bias {
            Some(b) if b.shape()[..] == [cout] => out.add(&b.reshape(&[1, cout as isize, 1, 1])?),
            Some(b) => {
                let got = format!("bias {:?}", b.shape().as_slice());
                Err(Error::shape(
                    "conv2d",
                    got,
                    format!("shape [{cout}]"),
                    "give one bias for each output channel",
                ))
            }
            None => Ok(out),
        }
    }

    /// The largest of each window over the last two axes.
    pub fn max_pool2d(&self, kernel: [usize; 2], options: Pool2dOptions) -> Result<Tensor> {
        let lowest = self.dtype().min_value();
        let windows = self.pool("max_pool2d", kernel, options, lowest)?;
        Ok(Self::pooled(&windows, |x, axes| build::reduce(Reduce::Max, x, axes)))
    }

    /// The mean of each window over the last two axes; padding counts as zeros.
    pub fn avg_pool2d(&self, kernel: [usize; 2], options: Pool2dOptions) -> Result<Tensor> {
        let windows = self.pool("avg_pool2d", kernel, options, 0.0)?;
        Ok(Self::pooled(&windows, |x, axes| build::in_float(x, |x| reduce::mean(x, axes))))
    }

    /// `[…, oh, ow, kh, kw]`, or `[…, oh, kh, ow, kw]` where windows do not overlap, with the axes of the window.
    fn pool(&self, op: &str, kernel: [usize; 2], options: Pool2dOptions, fill: f64) -> Result<(Node, Axes)> {
        let x = self.node();
        let ndim = x.shape.len();
        if ndim < 2 {
            let got = format!("shape {:?}", x.shape.as_slice());
            return Err(Error::shape(op, got, "at least 2 axes (height, width)", "reshape to an image"));
        }
        let slide = Slide { kernel, stride: options.stride.unwrap_or(kernel), dilation: [1, 1] };
        let padded = pad_image(&x, options.padding, fill);
        let [oh, ow] = slide.counts(op, &padded)?;
        if slide.stride != kernel {
            return Ok((slide.windows(&padded, [oh, ow]), Axes::from_slice(&[ndim, ndim + 1])));
        }
        // Without overlap a window is a plain axis: cheaper, and so is its gradient.
        let whole = movement::keep(&padded, ndim - 2, 0, oh * kernel[0]);
        let whole = movement::keep(&whole, ndim - 1, 0, ow * kernel[1]);
        let front = x.shape[..ndim - 2].iter().copied();
        let split: Shape = front.chain([oh, kernel[0], ow, kernel[1]]).collect();
        Ok((build::reshape(&whole, &split), Axes::from_slice(&[ndim - 1, ndim + 1])))
    }

    fn pooled((windows, axes): &(Node, Axes), f: impl FnOnce(&Node, &Axes) -> Node) -> Tensor {
        Tensor::from_node(shape::without(&f(windows, axes), axes))
    }

    /// `(x - mean) / sqrt(var + eps)` over the axes, with the biased variance.
    pub fn layer_norm(&self, axes: impl Into<AxisList>, eps: f64) -> Result<Tensor> {
        let x = self.node();
        let axes = axes.into().resolve("layer_norm", x.shape.len())?;
        Ok(Tensor::from_node(build::in_float(&x, |x| {
            let centered = build::sub(x, &build::expand(&reduce::mean(x, &axes), &x.shape));
            let variance = reduce::mean(&build::mul(&centered, &centered), &axes);
            let scale = inverse_root(&variance, eps);
            build::mul(&centered, &build::expand(&scale, &x.shape))
        })))
    }

    /// `(x - mean)·invstd·weight + bias` for each channel (axis 1); all four have shape [channels].
    pub fn batch_norm(
        &self,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        mean: &Tensor,
        invstd: &Tensor,
    ) -> Result<Tensor> {
        let x = self.shape();
        let channels = *x.get(1).ok_or_else(|| {
            let got = format!("shape {:?}", x.as_slice());
            Error::shape("batch_norm", got, "[batch, channels, …]", "add the axes with reshape")
        })?;
        let mut line = vec![1isize; x.len()];
        line[1] = channels as isize;
        let along = |t: &Tensor| {
            if t.shape()[..] == [channels] {
                return t.reshape(&line);
            }
            let (got, expected) = (format!("shape {:?}", t.shape().as_slice()), format!("[{channels}]"));
            Err(Error::shape("batch_norm", got, expected, "give one number for each channel"))
        };
        let scale = match weight {
            Some(weight) => along(invstd)?.mul(along(weight)?)?,
            None => along(invstd)?,
        };
        let out = self.sub(along(mean)?)?.mul(scale)?;
        match bias {
            Some(bias) => out.add(along(bias)?),
            None => Ok(out),
        }
    }
}

/// `1 / sqrt(x + eps)`.
pub(super) fn inverse_root(x: &Node, eps: f64) -> Node {
    build::unary(Unary::Recip, &build::unary(Unary::Sqrt, &build::offset(x, eps)))
}
