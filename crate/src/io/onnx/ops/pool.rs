//! Pooling over windows and over whole images.

use super::{
    super::call::{Call, int64, signed},
    conv::{Slide, spatial},
};
use crate::{
    error::Result,
    graph::DType,
    tensor::{Pool2dOptions, Tensor},
};

fn options(c: &Call, slide: &Slide) -> Result<Pool2dOptions> {
    Ok(Pool2dOptions {
        stride: Some(slide.stride.clone()),
        padding: slide.flat(),
        dilation: slide.dilation.clone(),
        ceil_mode: c.flag("ceil_mode", false)?,
        count_include_pad: c.flag("count_include_pad", false)?,
    })
}

pub fn max_pool(c: &Call) -> Result<Vec<Tensor>> {
    let image = spatial(c)?;
    let slide = Slide::of(c, &image, &[])?;
    let (x, options) = (c.x(0)?, options(c, &slide)?);
    if !c.reads(1) {
        return Ok(vec![x.max_pool2d(&slide.kernel, options)?]);
    }
    let (values, at) = x.max_pool2d_with_indices(&slide.kernel, options)?;
    let at = if c.flag("storage_order", false)? { columns_first(&at, &image)? } else { at };
    // Places count from the start of the whole tensor.
    let shape = c.shape(0)?;
    let planes = Tensor::arange(0.0, (shape[0] * shape[1]) as f64, 1.0, DType::I32)?;
    let mut line = signed(&shape[..2]);
    line.extend(vec![1; image.len()]);
    let start = planes.mul(image.iter().product::<usize>() as i64)?.reshape(&line)?;
    Ok(vec![values, at.add(start)?.cast(int64())?])
}

/// Positions counted row by row, as counted with the first axis running fastest.
fn columns_first(at: &Tensor, image: &[usize]) -> Result<Tensor> {
    let mut rest = at.clone();
    let mut out = at.zeros_like()?;
    let mut stride: usize = image.iter().product();
    for n in image.iter().rev() {
        stride /= n;
        out = out.add(rest.rem(*n as i64)?.mul(stride as i64)?)?;
        rest = rest.idiv(*n as i64)?;
    }
    Ok(out)
}

pub fn average_pool(c: &Call) -> Result<Tensor> {
    let slide = Slide::of(c, &spatial(c)?, &[])?;
    c.x(0)?.avg_pool2d(&slide.kernel, options(c, &slide)?)
}

/// The root of the sum of powers of each window.
pub fn lp_pool(c: &Call) -> Result<Tensor> {
    let slide = Slide::of(c, &spatial(c)?, &[])?;
    let p = c.int("p", 2)? as f64;
    let count = slide.kernel.iter().product::<usize>() as f64;
    let options = Pool2dOptions { count_include_pad: true, ceil_mode: false, ..options(c, &slide)? };
    c.x(0)?.abs()?.pow(p)?.avg_pool2d(&slide.kernel, options)?.mul(count)?.pow(1.0 / p)
}

fn image_axes(x: &Tensor) -> Vec<isize> {
    (2..x.ndim() as isize).collect()
}

pub fn global_average(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    x.mean(&image_axes(&x)[..], true)
}

pub fn global_max(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    x.max(&image_axes(&x)[..], true)
}
