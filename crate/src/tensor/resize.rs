//! Images in another size: each new place reads one old place, or a mixture of the two around it.

use super::{Tensor, build, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Node},
};

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Linear { corners: bool },
    Nearest,
    NearestExact,
}

fn mode(name: &str, align_corners: bool) -> Result<Mode> {
    match name {
        "linear" | "bilinear" | "trilinear" => Ok(Mode::Linear { corners: align_corners }),
        "nearest" if !align_corners => Ok(Mode::Nearest),
        "nearest-exact" if !align_corners => Ok(Mode::NearestExact),
        "nearest" | "nearest-exact" => {
            let got = format!("align_corners with mode {name}");
            Err(Error::argument("interpolate", got, "mode linear", "leave align_corners out"))
        }
        _ => Err(Error::argument(
            "interpolate",
            format!("mode {name}"),
            "linear, bilinear, trilinear, nearest or nearest-exact",
            "choose one of these modes",
        )),
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Rows of axis 0, read at `at` [size].
fn rows(x: &Node, at: &Node) -> Node {
    build::gather(x, at)
}

/// Places `floor(scale·i)`, or `floor(scale·(i + ½))`, in float32 as PyTorch counts them.
fn nearest(from: usize, to: usize, half: bool) -> Node {
    let place = build::cast(&Node::iota(to), DType::F32);
    let place = if half { build::offset(&place, 0.5) } else { place };
    let scale = f64::from(from as f32 / to as f32);
    let at = build::cast(&build::scale(&place, scale), DType::I32);
    let last = build::like(&at, from as f64 - 1.0);
    build::select(&build::lt(&last, &at), &last, &at)
}

/// The places before and after `i` and the part of the second: whole numerators over one denominator, so exact.
fn linear(from: usize, to: usize, corners: bool) -> Result<(Node, Node, Node)> {
    // corners: i·(from − 1)/(to − 1), else ((2i + 1)·from − to)/(2·to), kept inside the image.
    let (by, less, den) = if corners {
        let shared = gcd(from - 1, to - 1).max(1);
        ((from - 1) / shared, 0, ((to - 1) / shared).max(1))
    } else {
        let shared = gcd(from, to);
        (2 * (from / shared), to / shared, 2 * (to / shared))
    };
    if to.max(from).saturating_mul(by.max(den)) > i32::MAX as usize {
        let got = format!("size {from} to {to}");
        let fix = "resize in two steps, or to a size with a common divisor";
        return Err(Error::argument("interpolate", got, "a ratio that 32 bits can count", fix));
    }
    let place = build::cast(&Node::iota(to), DType::I32);
    let start = by as f64 / 2.0 - less as f64;
    let num = build::scale(&place, by as f64);
    let num = if corners { num } else { build::offset(&num, start) };
    let end = build::like(&num, ((from - 1) * den) as f64);
    let num = build::binary(Binary::Max, &num, &build::like(&num, 0.0));
    let num = build::select(&build::lt(&end, &num), &end, &num);
    let den = build::like(&num, den as f64);
    let low = build::binary(Binary::IDiv, &num, &den);
    let rest = build::binary(Binary::Mod, &num, &den);
    let above = build::cast(&build::lt(&build::like(&rest, 0.0), &rest), DType::I32);
    let part = build::div(&build::cast(&rest, DType::F32), &build::cast(&den, DType::F32));
    Ok((low.clone(), build::add(&low, &above), part))
}

/// `x` with axis 0 resized.
fn resized(x: &Node, to: usize, mode: Mode) -> Result<Node> {
    let from = x.shape[0];
    match mode {
        Mode::Nearest => Ok(rows(x, &nearest(from, to, false))),
        Mode::NearestExact => Ok(rows(x, &nearest(from, to, true))),
        Mode::Linear { corners } => {
            let (low, high, part) = linear(from, to, corners)?;
            let (low, high) = (rows(x, &low), rows(x, &high));
            let mut line = Axes::from_elem(1, x.shape.len());
            line[0] = to;
            let part = build::expand(&build::reshape(&build::cast(&part, x.dtype), &line), &low.shape);
            Ok(build::add(&low, &build::mul(&build::sub(&high, &low), &part)))
        }
    }
}

impl Tensor {
    /// The last axes in the sizes of `size`, one for each, as PyTorch's `interpolate`. `mode` is `linear` (also
    /// called bilinear and trilinear: as many axes as `size` has), `nearest` or `nearest-exact`; `align_corners`,
    /// for linear only, maps the first and last places onto each other. Keeps the dtype; integers are rounded
    /// toward zero.
    pub fn interpolate(&self, size: &[usize], mode_name: &str, align_corners: bool) -> Result<Tensor> {
        let (x, mode) = (self.node(), mode(mode_name, align_corners)?);
        let ndim = x.shape.len();
        let fits = !size.is_empty() && size.len() <= ndim && !size.contains(&0);
        if !fits || x.shape[ndim - size.len()..].contains(&0) {
            return Err(Error::shape(
                "interpolate",
                format!("size {size:?} for shape {:?}", x.shape.as_slice()),
                "at most one size for each axis, and sizes of at least 1",
                "give the sizes of the last axes",
            ));
        }
        let dtype = x.dtype;
        let mut out = if matches!(mode, Mode::Linear { .. }) { build::cast(&x, DType::F32) } else { x };
        for (i, to) in size.iter().enumerate().rev() {
            let axis = ndim - size.len() + i;
            let mut grown = out.shape.clone();
            grown[axis] = *to;
            shape::checked("interpolate", &grown)?;
            let mut front: Axes = (0..ndim).collect();
            front.swap(0, axis);
            let turned = build::permute(&out, &front);
            out = build::permute(&resized(&turned, *to, mode)?, &front);
        }
        Ok(Tensor::from_node(build::cast(&out, dtype)))
    }
}
