//! The same elements in other places: reshape, transpose, split, slice, pad, tile.

use super::super::call::{Call, signed};
use crate::{
    error::Result,
    tensor::{Data, Index, Padding, Tensor},
};

/// 0 keeps a size unless `allowzero`, -1 is worked out.
pub fn reshape(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let to = c.need_ints(1)?;
    let (own, zero) = (x.shape(), c.flag("allowzero", false)?);
    let size = |(i, n): (usize, &i64)| match n {
        0 if !zero => own.get(i).map(|n| *n as isize).ok_or_else(|| {
            let got = format!("{to:?} for shape {:?}", own.as_slice());
            c.error(got, "0 only where there is an axis", "check the shapes of the model's inputs")
        }),
        n => Ok(isize::try_from(*n).unwrap_or(isize::MAX)),
    };
    let to = to.iter().enumerate().map(size).collect::<Result<Vec<_>>>()?;
    if x.numel() > 0 || !to.contains(&-1) {
        return x.reshape(&to);
    }
    // Of no elements any size fits where another is 0.
    x.reshape(&to.iter().map(|n| if *n == -1 { 0 } else { *n }).collect::<Vec<_>>())
}

pub fn transpose(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    match c.list("perm")? {
        Some(order) => x.permute(&order.iter().map(|a| *a as isize).collect::<Vec<_>>()),
        None => Ok(x.t()),
    }
}

pub fn flatten(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let shape = x.shape();
    let axis = c.int("axis", 1)?;
    // Behind the last axis too, but negative ones count from the last.
    let axis = if axis == shape.len() as i64 { shape.len() } else { c.axis(axis, shape.len())? };
    x.reshape(&signed(&[shape[..axis].iter().product(), shape[axis..].iter().product()]))
}

pub fn squeeze(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let Some(list) = c.moved("axes", 1, 13)? else { return x.squeeze(None) };
    let axes = list.iter().map(|a| c.axis(*a, x.ndim())).collect::<Result<Vec<_>>>()?;
    let shape = x.shape();
    if let Some(a) = axes.iter().find(|a| shape[**a] != 1) {
        let got = format!("axis {a} of shape {:?}", shape.as_slice());
        return Err(c.error(got, "an axis of size 1", "check the shapes of the model's inputs"));
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).collect();
    x.reshape(&signed(&kept))
}

pub fn unsqueeze(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let list = c.moved("axes", 1, 13)?.unwrap_or_default();
    let ndim = x.ndim() + list.len();
    let axes = list.iter().map(|a| c.axis(*a, ndim)).collect::<Result<Vec<_>>>()?;
    let (own, mut next) = (x.shape(), 0);
    let size = |a: usize| {
        if axes.contains(&a) {
            return 1;
        }
        next += 1;
        own.get(next - 1).copied().unwrap_or(1)
    };
    let to: Vec<usize> = (0..ndim).map(size).collect();
    x.reshape(&signed(&to))
}

pub fn concat(c: &Call) -> Result<Tensor> {
    let list = (0..c.inputs.len()).map(|i| c.x(i)).collect::<Result<Vec<_>>>()?;
    let ndim = list.first().map_or(0, Tensor::ndim);
    Tensor::cat(&list, c.axis(c.int("axis", 0)?, ndim)? as isize)
}

/// By sizes, or into as many parts as there are outputs, the last one smaller where they do not fit.
pub fn split(c: &Call) -> Result<Vec<Tensor>> {
    let x = c.x(0)?;
    let axis = c.axis(c.int("axis", 0)?, x.ndim())?;
    let n = x.shape()[axis];
    let sizes = match c.moved("split", 1, 13)? {
        Some(list) => c.sizes("split", &list)?,
        None => {
            let parts = c.outputs().max(1);
            let each = n.div_ceil(parts);
            (0..parts).map(|i| each.min(n.saturating_sub(i * each))).collect()
        }
    };
    match sizes[..] {
        [] => Err(c.error("no parts", "at least one", "export the model again")),
        [size] if size == n => Ok(vec![x]),
        [size] => {
            Err(c.error(format!("one part of {size}"), format!("sizes that add up to {n}"), "change a size"))
        }
        _ if sizes.iter().fold(0usize, |a, b| a.saturating_add(*b)) != n => {
            Err(c.error(format!("sizes {sizes:?}"), format!("sizes that add up to {n}"), "change a size"))
        }
        _ => x.split(&sizes, axis as isize),
    }
}

/// Starts, ends, axes and steps are attributes before opset 10.
pub fn slice(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let part = |name: &str, i: usize| c.moved(name, i, 10);
    let (starts, ends) = (part("starts", 1)?.unwrap_or_default(), part("ends", 2)?.unwrap_or_default());
    let axes = part("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = part("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        let got = format!("{} starts, {} ends, {} axes", starts.len(), ends.len(), axes.len());
        return Err(c.error(got, "as many of each", "export the model again"));
    }
    let mut index = vec![Index::All; x.ndim()];
    let size = |n: i64| isize::try_from(n).unwrap_or(if n < 0 { isize::MIN } else { isize::MAX });
    for i in 0..starts.len() {
        let axis = c.axis(axes[i], x.ndim())?;
        let (start, stop) = (Some(size(starts[i])), Some(size(ends[i])));
        index[axis] = Index::Range { start, stop, step: size(steps[i]) };
    }
    x.slice(&index)
}

/// `pads`: all befores, then all afters, of the axes named; an attribute before opset 11.
pub fn pad(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let pads = c.moved("pads", 1, 11)?.unwrap_or_default();
    let axes = match c.ints(3)? {
        Some(list) => list.iter().map(|a| c.axis(*a, x.ndim())).collect::<Result<Vec<_>>>()?,
        None => (0..x.ndim()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        let expected = format!("{}, two for each axis", 2 * axes.len());
        return Err(c.error(format!("{} pads", pads.len()), expected, "export the model again"));
    }
    let mut pairs = vec![None; x.ndim()];
    for (i, axis) in axes.iter().enumerate() {
        pairs[*axis] = Some((pads[i] as isize, pads[i + axes.len()] as isize));
    }
    let value = if c.opset < 11 {
        c.float("value", 0.0)?
    } else {
        c.data(2)?.filter(|d| d.len() == 1).map_or(0.0, |d: Data| d.get(0))
    };
    let mode = match c.text("mode", "constant")? {
        "edge" => "replicate",
        "wrap" => "circular",
        same => same,
    };
    x.pad_mode(&Padding::Axes(pairs), mode, value)
}

pub fn tile(c: &Call) -> Result<Tensor> {
    c.x(0)?.repeat(&c.sizes("repeats", &c.need_ints(1)?)?)
}

/// `[n, c, h, w]` in blocks: depth first (`DCR`) or columns and rows first (`CRD`).
pub fn depth_to_space(c: &Call) -> Result<Tensor> {
    let (x, b) = (c.x(0)?, c.int("blocksize", 0)?);
    let (n, ch, h, w) = image(c, &x)?;
    let b = isize::try_from(b)
        .ok()
        .filter(|b| *b > 0 && b.checked_mul(*b).is_some_and(|square| ch % square == 0));
    let Some(b) = b else {
        return Err(c.error(format!("{ch} channels"), "a multiple of blocksize²", "export the model again"));
    };
    let depth = ch / (b * b);
    let turned = if c.text("mode", "DCR")? == "DCR" {
        x.reshape(&[n, b, b, depth, h, w])?.permute(&[0, 3, 4, 1, 5, 2])?
    } else {
        x.reshape(&[n, depth, b, b, h, w])?.permute(&[0, 1, 4, 2, 5, 3])?
    };
    turned.reshape(&[n, depth, h.saturating_mul(b), w.saturating_mul(b)])
}

pub fn space_to_depth(c: &Call) -> Result<Tensor> {
    let (x, b) = (c.x(0)?, c.int("blocksize", 0)?);
    let (n, ch, h, w) = image(c, &x)?;
    let Some(b) = isize::try_from(b).ok().filter(|b| *b > 0 && h % b == 0 && w % b == 0) else {
        return Err(c.error(
            format!("an image of {h} by {w}"),
            "multiples of blocksize",
            "export the model again",
        ));
    };
    let blocks = x.reshape(&[n, ch, h / b, b, w / b, b])?.permute(&[0, 3, 5, 1, 2, 4])?;
    blocks.reshape(&[n, ch.saturating_mul(b).saturating_mul(b), h / b, w / b])
}

fn image(c: &Call, x: &Tensor) -> Result<(isize, isize, isize, isize)> {
    match signed(&x.shape())[..] {
        [n, ch, h, w] => Ok((n, ch, h, w)),
        _ => Err(c.error(
            format!("shape {:?}", x.shape().as_slice()),
            "[n, channels, h, w]",
            "reshape it to an image",
        )),
    }
}
