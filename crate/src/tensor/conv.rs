//! Convolution over any number of axes: windows over the image, then multiply and sum; and its transpose.

use super::{Tensor, build, operand, pad, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Node, Pairs, Shape, Window},
};
use smallvec::SmallVec;

/// Every list has one number for each spatial axis, or one for all. `padding` may also have one for each side, the
/// last axis first (left, right, top, bottom, …), as tinygrad's; negative padding crops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv2dOptions {
    pub stride: Vec<usize>,
    pub padding: Vec<isize>,
    pub dilation: Vec<usize>,
    pub groups: usize,
    /// The dtype of the result, and at least that of the sum.
    pub dtype: Option<DType>,
}

impl Default for Conv2dOptions {
    fn default() -> Self {
        Self { stride: vec![1], padding: vec![0], dilation: vec![1], groups: 1, dtype: None }
    }
}

/// (before, after) of each spatial axis; negative where the image is cropped.
pub(super) type Sides = SmallVec<[(isize, isize); 3]>;

/// How a kernel slides over the last axes.
pub(super) struct Slide {
    pub kernel: Axes,
    pub stride: Axes,
    pub dilation: Axes,
    pub sides: Sides,
}

/// One number for each of `n` axes, all at least 1.
fn each(op: &str, what: &str, given: &[usize], n: usize) -> Result<Axes> {
    if given.contains(&0) || (given.len() != n && given.len() != 1) {
        return Err(Error::argument(
            op,
            format!("{what} {given:?}"),
            format!("one number for all axes or {n} of them, each at least 1"),
            format!("give {what} as one number, or one for each spatial axis"),
        ));
    }
    Ok(if given.len() == n { Axes::from_slice(given) } else { Axes::from_elem(given[0], n) })
}

fn sides(op: &str, padding: &[isize], n: usize) -> Result<Sides> {
    match padding.len() {
        1 => Ok(Sides::from_elem((padding[0], padding[0]), n)),
        l if l == n => Ok(padding.iter().map(|p| (*p, *p)).collect()),
        l if l == 2 * n => Ok(padding.chunks_exact(2).rev().map(|p| (p[0], p[1])).collect()),
        _ => Err(Error::argument(
            op,
            format!("padding {padding:?}"),
            format!("one number, {n} (one for each axis) or {} (one for each side)", 2 * n),
            "give padding as one number, or one for each spatial axis",
        )),
    }
}

impl Slide {
    pub fn new(
        op: &str,
        kernel: &[usize],
        stride: &[usize],
        dilation: &[usize],
        padding: &[isize],
    ) -> Result<Slide> {
        let n = kernel.len();
        Ok(Slide {
            kernel: each(op, "a kernel of", kernel, n)?,
            stride: each(op, "stride", stride, n)?,
            dilation: each(op, "dilation", dilation, n)?,
            sides: sides(op, padding, n)?,
        })
    }

    /// Elements from the first to the last of a window along spatial axis `i`.
    pub fn span(&self, i: usize) -> usize {
        (self.kernel[i] - 1).saturating_mul(self.dilation[i]).saturating_add(1)
    }

    /// Positions along each spatial axis of the padded `x`, or the error that names what does not fit.
    pub fn counts(&self, op: &str, x: &Node) -> Result<Axes> {
        let front = x.shape.len() - self.kernel.len();
        let count = |i: usize| {
            let (n, span) = (x.shape[front + i], self.span(i));
            if span > n {
                return Err(Error::shape(
                    op,
                    format!(
                        "kernel {}, dilation {} on an axis of size {n} (padding included)",
                        self.kernel[i], self.dilation[i]
                    ),
                    "a kernel that fits into the image",
                    "use a larger image, more padding or a smaller kernel",
                ));
            }
            Ok((n - span) / self.stride[i] + 1)
        };
        (0..self.kernel.len()).map(count).collect()
    }

    /// `[…, H, W]` as `[…, OH, OW, KH, KW]`.
    pub fn windows(&self, x: &Node, counts: &[usize]) -> Node {
        let front = x.shape.len() - counts.len();
        (0..counts.len()).fold(x.clone(), |x, i| {
            let (size, stride, dilation) = (self.kernel[i], self.stride[i], self.dilation[i]);
            build::window(&x, Window { axis: front + i, size, stride, dilation }, counts[i])
        })
    }
}

/// `value` on both sides of the last axes; negative sides crop.
pub(super) fn pad_sides(op: &str, x: &Node, sides: &[(isize, isize)], value: f64) -> Result<Node> {
    let front = x.shape.len() - sides.len();
    let (mut grow, mut kept) = (Pairs::from_elem((0, 0), front), Pairs::new());
    kept.extend(x.shape[..front].iter().map(|n| (0, *n)));
    for (n, (before, after)) in x.shape[front..].iter().zip(sides) {
        let (l, r) = (before.max(&0).unsigned_abs(), after.max(&0).unsigned_abs());
        let full = n.saturating_add(l).saturating_add(r);
        let (cut, end) = (before.min(&0).unsigned_abs(), full.saturating_sub(after.min(&0).unsigned_abs()));
        if cut >= end && !(*before >= 0 && *after >= 0) {
            return Err(Error::shape(
                op,
                format!("padding ({before}, {after}) for an axis of size {n}"),
                "at least one element left",
                "crop less: use a smaller padding or a larger image",
            ));
        }
        grow.push((l, r));
        kept.push((cut, end));
    }
    let grown: Shape =
        x.shape.iter().zip(&grow).map(|(n, (l, r))| n.saturating_add(*l).saturating_add(*r)).collect();
    shape::checked(op, &grown)?;
    let padded = pad::pad_with(x, grow, value);
    Ok(if sides.iter().any(|(b, a)| *b < 0 || *a < 0) { build::shrink(&padded, kept) } else { padded })
}

/// Image and weight in the dtype of their products, the number of spatial axes, and the dtype of the result.
fn operands(op: &str, x: &Tensor, weight: &Tensor, to: Option<DType>) -> Result<(Node, Node, usize, DType)> {
    let (x, w, dtype) = operand::factors(x, weight, to);
    if x.shape.len() < 3 || w.shape.len() != x.shape.len() {
        return Err(Error::shape(
            op,
            format!("input {:?} and weight {:?}", x.shape.as_slice(), w.shape.as_slice()),
            "input [n, channels, sizes…] and weight [channels, channels, kernel…] with as many axes",
            "add the missing axes with unsqueeze or reshape",
        ));
    }
    let spatial = x.shape.len() - 2;
    Ok((x, w, spatial, dtype))
}

fn channel_error(op: &str, cin: usize, w: &Node, groups: usize, expected: &str) -> Error {
    Error::shape(
        op,
        format!("{cin} input channels, weight {:?}, groups {groups}", w.shape.as_slice()),
        expected,
        "change the layer's input channels or the groups",
    )
}

/// Adds a bias [channels] along axis 1 and gives the wanted dtype.
fn finish(op: &str, out: &Node, bias: Option<&Tensor>, dtype: DType) -> Result<Tensor> {
    let out = Tensor::from_node(build::cast(out, dtype));
    let Some(bias) = bias else { return Ok(out) };
    let channels = out.shape()[1];
    if bias.shape()[..] != [channels] {
        let got = format!("bias {:?}", bias.shape().as_slice());
        let expected = format!("shape [{channels}]");
        return Err(Error::shape(op, got, expected, "give one bias for each output channel"));
    }
    let mut line = vec![1; out.ndim() - 1];
    line[0] = channels as isize;
    out.add(&bias.reshape(&line)?)
}

fn joined(parts: &[&[usize]]) -> Shape {
    parts.iter().flat_map(|p| p.iter().copied()).collect()
}

fn convolve(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, o: &Conv2dOptions) -> Result<Tensor> {
    let op = "conv2d";
    let (x, w, spatial, dtype) = operands(op, x, weight, o.dtype)?;
    let (n, cin, cout, groups) = (x.shape[0], x.shape[1], w.shape[0], o.groups);
    if groups == 0 || cin != w.shape[1].saturating_mul(groups) || !cout.is_multiple_of(groups) {
        let expected = "channels = weight's second size · groups, and outputs divisible by groups";
        return Err(channel_error(op, cin, &w, groups, expected));
    }
    let slide = Slide::new(op, &w.shape[2..], &o.stride, &o.dilation, &o.padding)?;
    let padded = pad_sides(op, &x, &slide.sides, 0.0)?;
    let counts = slide.counts(op, &padded)?;
    let (ci, co, ones) = (cin / groups, cout / groups, Axes::from_elem(1, spatial));
    let out = shape::checked(op, &joined(&[&[n, cout], &counts]))?;

    let full = joined(&[&[n, groups, co, ci], &counts, &slide.kernel]);
    let windows = slide.windows(&padded, &counts);
    let windows = build::reshape(&windows, &joined(&[&[n, groups, 1, ci], &counts, &slide.kernel]));
    let filter = build::reshape(&w, &joined(&[&[1, groups, co, ci], &ones, &slide.kernel]));
    let products = build::mul(&build::expand(&windows, &full), &build::expand(&filter, &full));
    let summed: Axes = std::iter::once(3).chain(4 + spatial..4 + 2 * spatial).collect();
    finish(op, &build::reshape(&build::sum(&products, &summed), &out), bias, dtype)
}

fn transposed(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    o: &Conv2dOptions,
    output_padding: &[usize],
) -> Result<Tensor> {
    let op = "conv_transpose2d";
    let (x, w, spatial, dtype) = operands(op, x, weight, o.dtype)?;
    let (n, cin, groups) = (x.shape[0], x.shape[1], o.groups);
    if groups == 0 || cin != w.shape[0] || !cin.is_multiple_of(groups) {
        return Err(channel_error(
            op,
            cin,
            &w,
            groups,
            "channels = weight's first size, divisible by groups",
        ));
    }
    let slide = Slide::new(op, &w.shape[2..], &o.stride, &o.dilation, &o.padding)?;
    let more = match output_padding {
        [] => Axes::from_elem(0, spatial),
        [one] => Axes::from_elem(*one, spatial),
        list => Axes::from_slice(list),
    };
    if more.len() != spatial || x.shape[2..].contains(&0) {
        return Err(Error::argument(
            op,
            format!("output_padding {output_padding:?} for input {:?}", x.shape.as_slice()),
            format!("one number or {spatial}, and no empty spatial axis"),
            "give output_padding as one number, or one for each spatial axis",
        ));
    }
    let (ci, co, ones) = (cin / groups, w.shape[1], Axes::from_elem(1, spatial));
    let from = &x.shape[2..];

    let full = joined(&[&[n, groups, ci, co], from, &slide.kernel]);
    shape::checked(op, &full)?;
    let image = build::reshape(&x, &joined(&[&[n, groups, ci, 1], from, &ones]));
    let filter = build::reshape(&w, &joined(&[&[1, groups, ci, co], &ones, &slide.kernel]));
    let products = build::mul(&build::expand(&image, &full), &build::expand(&filter, &full));
    let summed = build::sum(&products, &[2]);
    let mut out = build::reshape(&summed, &joined(&[&[n, groups * co], from, &slide.kernel]));
    for i in (0..spatial).rev() {
        let reach = (from[i] - 1).saturating_mul(slide.stride[i]);
        let size = reach.saturating_add(slide.span(i)).saturating_add(more[i]);
        let mut grown = out.shape.clone();
        grown[2 + i] = size;
        shape::checked(op, &grown)?;
        let (stride, dilation, last) = (slide.stride[i], slide.dilation[i], out.shape.len() - 1);
        let spread = build::unwindow(&out, Window { axis: 2 + i, size, stride, dilation });
        out = shape::without(&build::sum(&spread, &[last]), &[last]);
    }
    let crop: Sides = slide.sides.iter().map(|(b, a)| (b.saturating_neg(), a.saturating_neg())).collect();
    finish(op, &pad_sides(op, &out, &crop, 0.0)?, bias, dtype)
}

impl Tensor {
    /// `[n, cin, sizes…]` with `weight [cout, cin/groups, kernel…]` → `[n, cout, sizes…]`, for any number of spatial
    /// axes; a bias has shape [cout]. Cross-correlation, as PyTorch's `conv1d`, `conv2d` and `conv3d`.
    pub fn conv2d(&self, weight: &Tensor, bias: Option<&Tensor>, options: Conv2dOptions) -> Result<Tensor> {
        convolve(self, weight, bias, &options)
    }

    /// The transpose of [`Tensor::conv2d`] (its gradient with respect to the image): `[n, cin, sizes…]` with
    /// `weight [cin, cout/groups, kernel…]` → `[n, cout, (size − 1)·stride − padding + dilation·(kernel − 1) + 1 +
    /// output_padding…]`, for any number of spatial axes. `output_padding` has one number for each axis, or one for
    /// all.
    pub fn conv_transpose2d(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: Conv2dOptions,
        output_padding: &[usize],
    ) -> Result<Tensor> {
        transposed(self, weight, bias, &options, output_padding)
    }
}
