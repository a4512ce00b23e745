//! Resize: along each axis every new place is a weighted sum of a few old ones. Places and weights are worked out on
//! the host. <https://onnx.ai/onnx/operators/onnx__Resize.html>

use super::super::call::Call;
use crate::{
    error::Result,
    tensor::{Index, Tensor},
};

/// How new places fall on old ones along one axis.
struct Axis {
    from: usize,
    to: usize,
    scale: f64,
    /// Start and end of the region, for `tf_crop_and_resize`.
    region: (f64, f64),
}

/// The old places that a new one reads, with their weights; none where it lies outside the region.
type Taps = Option<Vec<(isize, f64)>>;

struct Rule<'a> {
    mode: &'a str,
    coordinates: &'a str,
    nearest: &'a str,
    cubic: f64,
    outside: bool,
    antialias: bool,
}

impl Axis {
    /// Where the middle of new place `i` lies among the old ones.
    fn coordinate(&self, i: usize, coordinates: &str) -> Option<f64> {
        let (x, from, to) = (i as f64, self.from as f64, self.scale * self.from as f64);
        Some(match coordinates {
            "asymmetric" => x / self.scale,
            "align_corners" if to == 1.0 => 0.0,
            "align_corners" => x * (from - 1.0) / (to - 1.0),
            "pytorch_half_pixel" if self.to == 1 => -0.5,
            "half_pixel" | "pytorch_half_pixel" => (x + 0.5) / self.scale - 0.5,
            "half_pixel_symmetric" => {
                let adjustment = self.to as f64 / to;
                from / 2.0 * (1.0 - adjustment) + (x + 0.5) / self.scale - 0.5
            }
            "tf_crop_and_resize" => {
                let (start, end) = self.region;
                match self.to {
                    1 => 0.5 * (start + end) * (from - 1.0),
                    n => start * (from - 1.0) + x * (end - start) * (from - 1.0) / (n as f64 - 1.0),
                }
            }
            _ => return None,
        })
    }
}

impl Rule<'_> {
    fn taps(&self, axis: &Axis, at: f64) -> Taps {
        if self.coordinates == "tf_crop_and_resize" && !(0.0..=axis.from as f64 - 1.0).contains(&at) {
            return None;
        }
        if self.mode == "nearest" {
            return Some(vec![(round(at, self.nearest) as isize, 1.0)]);
        }
        let stretch = if self.antialias { axis.scale.min(1.0) } else { 1.0 };
        let reach = if self.mode == "cubic" { 2.0 } else { 1.0 } / stretch;
        let kernel =
            |x: f64| if self.mode == "cubic" { cubic(x, self.cubic) } else { (1.0 - x.abs()).max(0.0) };
        let (first, last) = ((at - reach).ceil() as isize, (at + reach).floor() as isize);
        let mut taps: Vec<(isize, f64)> =
            (first..=last).map(|i| (i, kernel((i as f64 - at) * stretch))).collect();
        if self.outside {
            taps.retain(|(i, _)| (0..axis.from as isize).contains(i));
        }
        let total: f64 = taps.iter().map(|(_, w)| w).sum();
        taps.iter_mut().for_each(|(_, w)| *w /= total);
        Some(taps)
    }
}

fn round(x: f64, how: &str) -> f64 {
    match how {
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round_prefer_ceil" => (x + 0.5).floor(),
        _ => (x - 0.5).ceil(),
    }
}

/// Keys' kernel with the parameter `a`.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// `x` with one axis resized: a sum over taps of picked slices, each with its weights.
fn along(x: &Tensor, at: usize, axis: &Axis, rule: &Rule, fill: f64) -> Result<Tensor> {
    let last = axis.from as isize - 1;
    let places: Vec<Taps> =
        (0..axis.to).map(|i| axis.coordinate(i, rule.coordinates).and_then(|p| rule.taps(axis, p))).collect();
    let count = places.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let mut line = vec![1isize; x.ndim()];
    line[at] = axis.to as isize;
    let column = |values: Vec<f32>| Tensor::from_slice(&values, &[axis.to])?.reshape(&line);
    let mut sum: Option<Tensor> = None;
    for k in 0..count {
        let tap = |taps: &Taps| taps.as_ref().and_then(|t| t.get(k).copied()).unwrap_or((0, 0.0));
        let index = places.iter().map(|t| tap(t).0.clamp(0, last)).collect();
        let mut parts = vec![Index::All; at];
        parts.push(Index::List(index));
        let picked = x.get(&parts)?;
        let weights: Vec<f32> = places.iter().map(|t| tap(t).1 as f32).collect();
        let part = if weights.iter().all(|w| *w == 1.0) { picked } else { picked.mul(column(weights)?)? };
        sum = Some(match sum {
            Some(sum) => sum.add(part)?,
            None => part,
        });
    }
    let out = match sum {
        Some(sum) => sum,
        None => {
            let mut shape = x.shape();
            shape[at] = axis.to;
            Tensor::full(&shape, 0.0, x.dtype())?
        }
    };
    if places.iter().all(Option::is_some) {
        return Ok(out);
    }
    let inside = column(places.iter().map(|t| f32::from(u8::from(t.is_some()))).collect())?.bool()?;
    inside.where_(&out, fill)
}

pub fn resize(c: &Call) -> Result<Tensor> {
    let old = c.opset < 11;
    let x = c.x(0)?;
    let rule = Rule {
        mode: c.text("mode", "nearest")?,
        coordinates: c
            .text("coordinate_transformation_mode", if old { "asymmetric" } else { "half_pixel" })?,
        nearest: c.text("nearest_mode", if old { "floor" } else { "round_prefer_floor" })?,
        cubic: c.float("cubic_coeff_a", -0.75)?,
        outside: c.flag("exclude_outside", false)?,
        antialias: c.flag("antialias", false)?,
    };
    let mode = if rule.mode == "bilinear" { "linear" } else { rule.mode };
    if !["nearest", "linear", "cubic"].contains(&mode) {
        return Err(c.error(
            format!("mode \"{mode}\""),
            "nearest, linear or cubic",
            "export the model again",
        ));
    }
    let axes = axes(c, &x, if old { 1 } else { 2 })?;
    let fill = c.float("extrapolation_value", 0.0)?;
    let own = x.dtype();
    let start = if mode == "nearest" { x } else { x.cast(own.float().accumulator())? };
    let moves = |a: &Axis| a.from != a.to || a.scale != 1.0 || rule.coordinates == "tf_crop_and_resize";
    let moved = axes.iter().filter(|(_, a)| moves(a));
    let mut out = start;
    for (at, axis) in moved {
        out = along(&out, *at, axis, &rule, fill)?;
    }
    out.cast(own)
}

/// The axes that are named, with their new sizes, from scales (input `i`) or sizes (the one behind).
fn axes(c: &Call, x: &Tensor, i: usize) -> Result<Vec<(usize, Axis)>> {
    let shape = x.shape();
    let listed = match c.list("axes")? {
        Some(list) => list.iter().map(|a| c.axis(*a, shape.len())).collect::<Result<Vec<_>>>()?,
        None => (0..shape.len()).collect(),
    };
    let numbers = |i: usize| -> Result<Option<Vec<f64>>> {
        Ok(c.data(i)?.filter(|d| !d.is_empty()).map(|d| (0..d.len()).map(|i| d.get(i)).collect()))
    };
    let scales = match c.floats("scales")? {
        Some(list) => Some(list.iter().map(|s| f64::from(*s)).collect()),
        None => numbers(i)?,
    };
    let given = if scales.is_some() { None } else { numbers(i + 1)? };
    let list = scales.as_ref().or(given.as_ref()).filter(|l| l.len() == listed.len());
    let region = if i == 2 { numbers(1)?.unwrap_or_default() } else { Vec::new() };
    let wrong = |list: Option<&Vec<f64>>| {
        let expected = format!("{} scales or sizes above 0", listed.len());
        c.error(format!("{list:?}"), expected, "check the shapes of the model's inputs")
    };
    let list = list.ok_or_else(|| wrong(scales.as_ref().or(given.as_ref())))?;
    let ratio = |k: usize| list[k] / shape[listed[k]] as f64;
    let all = (0..listed.len()).map(ratio);
    let kept = match c.text("keep_aspect_ratio_policy", "stretch")? {
        "not_larger" => Some(all.fold(f64::INFINITY, f64::min)),
        "not_smaller" => Some(all.fold(0.0, f64::max)),
        _ => None,
    };
    let one = |k: usize| {
        let from = shape[listed[k]];
        let (scale, to) = match (&given, kept) {
            (None, _) => (list[k], (from as f64 * list[k]).floor()),
            (Some(_), None) => (ratio(k), list[k]),
            (Some(_), Some(kept)) => (kept, (kept * from as f64).round()),
        };
        let fits = from > 0 && scale > 0.0 && scale.is_finite() && (1.0..=f64::from(i32::MAX)).contains(&to);
        if !fits {
            return Err(wrong(Some(list)));
        }
        let n = listed.len();
        let region = (region.get(k).copied().unwrap_or(0.0), region.get(k + n).copied().unwrap_or(1.0));
        Ok((listed[k], Axis { from, to: to as usize, scale, region }))
    };
    let found = (0..listed.len()).map(one).collect::<Result<Vec<_>>>()?;
    let mut grown = shape.clone();
    found.iter().for_each(|(at, axis)| grown[*at] = axis.to);
    Tensor::full(&grown, 0.0, x.dtype())?;
    Ok(found)
}
