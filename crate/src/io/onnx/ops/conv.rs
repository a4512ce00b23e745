//! Convolutions, and how windows slide: what pooling shares.

use super::super::call::Call;
use crate::{
    error::Result,
    tensor::{Conv2dOptions, Tensor},
};

/// How a kernel slides over the spatial axes.
pub struct Slide {
    pub kernel: Vec<usize>,
    pub stride: Vec<usize>,
    pub dilation: Vec<usize>,
    /// (before, after) of each axis.
    pub sides: Vec<(isize, isize)>,
}

impl Slide {
    /// The attributes, for an image of the sizes `image`.
    pub fn of(c: &Call, image: &[usize], kernel: &[usize]) -> Result<Slide> {
        let n = image.len();
        let each = |name: &str, default: i64| -> Result<Vec<usize>> {
            let list = c.list(name)?.map_or_else(|| vec![default; n], <[i64]>::to_vec);
            if list.len() == n && list.iter().all(|v| *v > 0) {
                return c.sizes(name, &list);
            }
            Err(c.error(format!("{name} {list:?}"), format!("{n} numbers above 0"), "export the model again"))
        };
        let (stride, dilation) = (each("strides", 1)?, each("dilations", 1)?);
        let kernel = match c.list("kernel_shape")? {
            Some(list) if kernel.is_empty() => c.sizes("kernel_shape", list)?,
            _ => kernel.to_vec(),
        };
        if kernel.len() != n || kernel.contains(&0) {
            let expected = format!("{n} sizes above 0");
            return Err(c.error(format!("kernel_shape {kernel:?}"), expected, "export the model again"));
        }
        let mut slide = Slide { kernel, stride, dilation, sides: Vec::new() };
        slide.sides = slide.padding(c, image)?;
        Ok(slide)
    }

    /// Elements from the first to the last of a window along axis `i`.
    pub fn span(&self, i: usize) -> usize {
        (self.kernel[i] - 1).saturating_mul(self.dilation[i]).saturating_add(1)
    }

    fn padding(&self, c: &Call, image: &[usize]) -> Result<Vec<(isize, isize)>> {
        let n = image.len();
        let total = |i: usize| {
            let reach = (image[i].div_ceil(self.stride[i])).saturating_sub(1).saturating_mul(self.stride[i]);
            reach.saturating_add(self.span(i)).saturating_sub(image[i])
        };
        match c.text("auto_pad", "NOTSET")? {
            "NOTSET" => explicit(c, n),
            "VALID" => Ok(vec![(0, 0); n]),
            "SAME_UPPER" => Ok((0..n).map(|i| halves(total(i))).collect()),
            "SAME_LOWER" => Ok((0..n).map(|i| halves(total(i))).map(|(a, b)| (b, a)).collect()),
            other => {
                let known = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
                Err(c.error(format!("auto_pad \"{other}\""), known, "export the model again"))
            }
        }
    }

    /// [`Slide::sides`] as our methods take them: the last axis first.
    pub fn flat(&self) -> Vec<isize> {
        self.sides.iter().rev().flat_map(|(before, after)| [*before, *after]).collect()
    }
}

/// The smaller half first.
fn halves(total: usize) -> (isize, isize) {
    let total = isize::try_from(total).unwrap_or(isize::MAX);
    (total / 2, total - total / 2)
}

fn explicit(c: &Call, n: usize) -> Result<Vec<(isize, isize)>> {
    let Some(list) = c.list("pads")? else { return Ok(vec![(0, 0); n]) };
    if list.len() != 2 * n {
        return Err(c.error(
            format!("pads {list:?}"),
            format!("{} numbers", 2 * n),
            "export the model again",
        ));
    }
    Ok((0..n).map(|i| (list[i] as isize, list[i + n] as isize)).collect())
}

/// The sizes behind batch and channels.
pub fn spatial(c: &Call) -> Result<Vec<usize>> {
    let shape = c.shape(0)?;
    match shape.get(2..) {
        Some(image) if !image.is_empty() => Ok(image.to_vec()),
        _ => Err(c.error(format!("shape {shape:?}"), "[n, channels, sizes…]", "add the missing axes")),
    }
}

fn options(c: &Call, slide: Slide) -> Result<Conv2dOptions> {
    Ok(Conv2dOptions {
        padding: slide.flat(),
        stride: slide.stride,
        dilation: slide.dilation,
        groups: c.sizes("group", &[c.int("group", 1)?])?[0],
        dtype: None,
    })
}

fn kernel(c: &Call) -> Result<Vec<usize>> {
    Ok(c.shape(1)?.get(2..).unwrap_or_default().to_vec())
}

pub fn conv(c: &Call) -> Result<Tensor> {
    let slide = Slide::of(c, &spatial(c)?, &kernel(c)?)?;
    c.x(0)?.conv2d(&c.x(1)?, c.maybe(2)?.as_ref(), options(c, slide)?)
}

/// `output_shape` wins over `pads`; the padding then is what makes it so.
pub fn conv_transpose(c: &Call) -> Result<Tensor> {
    let image = spatial(c)?;
    let n = image.len();
    let mut slide = Slide::of(c, &image, &kernel(c)?)?;
    let more = c.sizes("output_padding", c.list("output_padding")?.unwrap_or(&vec![0; n]))?;
    let auto = c.text("auto_pad", "NOTSET")?;
    let same = auto.starts_with("SAME");
    let wanted = match c.list("output_shape")? {
        Some(list) => Some(c.sizes("output_shape", &list[list.len().saturating_sub(n)..])?),
        None if same => Some((0..n).map(|i| image[i].saturating_mul(slide.stride[i])).collect()),
        None => None,
    };
    if let Some(wanted) = wanted {
        if wanted.len() != n || more.len() != n {
            let got = format!("output_shape {wanted:?}, output_padding {more:?}");
            return Err(c.error(got, format!("{n} sizes each"), "export the model again"));
        }
        let total = |i: usize| {
            let reach = image[i].saturating_sub(1).saturating_mul(slide.stride[i]);
            let full = reach.saturating_add(more[i]).saturating_add(slide.span(i));
            (full as isize).saturating_sub(wanted[i] as isize)
        };
        let sides = |i: usize| match total(i) {
            missing if missing < 0 => (0, missing),
            total if auto == "SAME_UPPER" => (total / 2, total - total / 2),
            total => (total - total / 2, total / 2),
        };
        slide.sides = (0..n).map(sides).collect();
    }
    c.x(0)?.conv_transpose2d(&c.x(1)?, c.maybe(2)?.as_ref(), options(c, slide)?, &more)
}
