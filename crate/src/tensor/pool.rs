//! Pooling over any number of last axes: windows, then their mean or largest; and the way back from the positions.

use super::{
    Tensor, build,
    conv::{Sides, Slide, pad_sides},
    movement, reduce, select, shape,
};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Node, Reduce, Shape, Unary},
};

/// Every list has one number for each pooled axis, or one for all; `padding` as in
/// [`Conv2dOptions`](super::Conv2dOptions). The stride is the kernel's size unless it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool2dOptions {
    pub stride: Option<Vec<usize>>,
    pub padding: Vec<isize>,
    pub dilation: Vec<usize>,
    /// Whether a last window that reaches over the edge counts, if it starts inside.
    pub ceil_mode: bool,
    /// Whether a mean counts the padding.
    pub count_include_pad: bool,
}

impl Default for Pool2dOptions {
    fn default() -> Self {
        Self { stride: None, padding: vec![0], dilation: vec![1], ceil_mode: false, count_include_pad: true }
    }
}

/// A pooling of tensors whose last axes have the sizes `image`.
struct Pool {
    op: &'static str,
    slide: Slide,
    /// What the windows cover beyond the padding, on each side; negative where they leave some out.
    rest: Sides,
}

impl Pool {
    fn new(op: &'static str, shape: &[usize], kernel: &[usize], o: &Pool2dOptions) -> Result<Pool> {
        let Some(front) = shape.len().checked_sub(kernel.len()).filter(|_| !kernel.is_empty()) else {
            let got = format!("shape {shape:?} and kernel {kernel:?}");
            let expected = "an axis for each number of the kernel";
            return Err(Error::shape(op, got, expected, "reshape to an image, or change the kernel"));
        };
        let stride = o.stride.as_deref().unwrap_or(kernel);
        let slide = Slide::new(op, kernel, stride, &o.dilation, &o.padding)?;
        let rest = |i: usize| {
            let (n, span, stride) =
                (shape[front + i] as isize, slide.span(i) as isize, slide.stride[i] as isize);
            let (before, after) = slide.sides[i];
            let room = n.saturating_add(before).saturating_add(after);
            if !o.ceil_mode || room < span || n == 0 {
                return (0, 0);
            }
            let last = (room - span).saturating_add(stride - 1) / stride * stride;
            let last = if last >= n.saturating_add(before) { last - stride } else { last };
            (0, last.saturating_add(span).saturating_sub(room))
        };
        let rest = (0..kernel.len()).map(rest).collect();
        Ok(Pool { op, slide, rest })
    }

    /// The windows of `x`, and the axes of a window: `[…, oh, ow, kh, kw]`, or `[…, oh, kh, ow, kw]` where windows
    /// do not overlap. `fill` stands for the padding, `beyond` for the rest.
    fn windows(&self, x: &Node, fill: f64, beyond: f64) -> Result<(Node, Axes)> {
        let (slide, spatial) = (&self.slide, self.slide.kernel.len());
        let front = x.shape.len() - spatial;
        let padded = pad_sides(self.op, x, &slide.sides, fill)?;
        let padded = pad_sides(self.op, &padded, &self.rest, beyond)?;
        let counts = slide.counts(self.op, &padded)?;
        if slide.stride != slide.kernel || slide.dilation.iter().any(|d| *d > 1) {
            let axes = (front + spatial..front + 2 * spatial).collect();
            return Ok((slide.windows(&padded, &counts), axes));
        }
        // Without overlap a window is a plain axis: cheaper, and so is its gradient.
        let mut split = Shape::from_slice(&x.shape[..front]);
        let whole = (0..spatial).fold(padded, |x, i| {
            split.extend_from_slice(&[counts[i], slide.kernel[i]]);
            movement::keep(&x, front + i, 0, counts[i] * slide.kernel[i])
        });
        Ok((build::reshape(&whole, &split), (0..spatial).map(|i| front + 2 * i + 1).collect()))
    }

    /// The largest of each window, and the windows with their axes.
    fn largest(&self, x: &Node) -> Result<(Node, Node, Axes)> {
        let lowest = x.dtype.min_value();
        let (windows, axes) = self.windows(x, lowest, lowest)?;
        Ok((build::reduce(Reduce::Max, &windows, &axes), windows, axes))
    }

    fn mean(&self, x: &Node, count_include_pad: bool) -> Result<Node> {
        let (windows, axes) = self.windows(x, 0.0, 0.0)?;
        let padded = self.slide.sides.iter().any(|s| *s != (0, 0));
        if self.rest.iter().all(|r| *r == (0, 0)) && (count_include_pad || !padded) {
            return Ok(shape::without(&reduce::mean(&windows, &axes), &axes));
        }
        let total = shape::without(&build::sum(&windows, &axes), &axes);
        let spatial = self.slide.kernel.len();
        let image = Shape::from_slice(&x.shape[x.shape.len() - spatial..]);
        let padding = f64::from(u8::from(count_include_pad));
        let (ones, axes) = self.windows(&Node::constant(1.0, image, x.dtype), padding, 0.0)?;
        let counts = shape::without(&build::sum(&ones, &axes), &axes);
        Ok(build::div(&total, &shape::broadcast_node(&counts, &total.shape)))
    }
}

/// The first position of the largest of each window in the row-major order of the image, NaN the largest of all.
fn positions(pool: &Pool, x: &Node) -> Result<(Node, Node)> {
    let (largest, windows, axes) = pool.largest(x)?;
    let best = build::expand(&largest, &windows.shape);
    let not_a_number = build::unary(Unary::Not, &build::eq(&windows, &windows));
    let hit = build::binary(Binary::Or, &build::eq(&windows, &best), &not_a_number);
    let image = &x.shape[x.shape.len() - pool.slide.kernel.len()..];
    let n = image.iter().product::<usize>();
    let places = build::reshape(&build::cast(&Node::iota(n), DType::I32), image);
    let from_end = build::sub(&build::like(&places, n as f64), &places);
    let (from_end, _) = pool.windows(&from_end, 0.0, 0.0)?;
    let from_end = shape::broadcast_node(&from_end, &windows.shape);
    let candidates = build::select(&hit, &from_end, &build::like(&from_end, 0.0));
    let first = build::reduce(Reduce::Max, &candidates, &axes);
    let at = build::sub(&build::like(&first, n as f64), &first);
    Ok((shape::without(&largest, &axes), shape::without(&at, &axes)))
}

impl Tensor {
    /// The largest of each window over as many last axes as `kernel` has numbers; padding never wins. Ties share
    /// the gradient equally.
    pub fn max_pool2d(&self, kernel: &[usize], options: Pool2dOptions) -> Result<Tensor> {
        let x = self.node();
        let pool = Pool::new("max_pool2d", &x.shape, kernel, &options)?;
        let (largest, _, axes) = pool.largest(&x)?;
        Ok(Tensor::from_node(shape::without(&largest, &axes)))
    }

    /// [`Tensor::max_pool2d`] and where each value was found: int32 positions in the image, row by row, the first
    /// at a tie.
    pub fn max_pool2d_with_indices(
        &self,
        kernel: &[usize],
        options: Pool2dOptions,
    ) -> Result<(Tensor, Tensor)> {
        let x = self.node();
        let pool = Pool::new("max_pool2d", &x.shape, kernel, &options)?;
        let (largest, at) = positions(&pool, &x)?;
        Ok((Tensor::from_node(largest), Tensor::from_node(at)))
    }

    /// The mean of each window over as many last axes as `kernel` has numbers, in a float dtype.
    pub fn avg_pool2d(&self, kernel: &[usize], options: Pool2dOptions) -> Result<Tensor> {
        let dtype = self.dtype().float();
        let (x, o) = (build::cast(&self.node(), dtype.accumulator()), options);
        let pool = Pool::new("avg_pool2d", &x.shape, kernel, &o)?;
        Ok(Tensor::from_node(build::cast(&pool.mean(&x, o.count_include_pad)?, dtype)))
    }

    /// The partial inverse of [`Tensor::max_pool2d_with_indices`]: `[n, c, sizes…]` values at their positions in
    /// images of `output_size` (its last numbers, one for each spatial axis; without it the smallest image the
    /// pooling fits), 0 elsewhere. Values with the same position add up.
    pub fn max_unpool2d(
        &self,
        indices: &Tensor,
        kernel: &[usize],
        options: Pool2dOptions,
        output_size: Option<&[usize]>,
    ) -> Result<Tensor> {
        let (op, o, kernel) = ("max_unpool2d", options, kernel);
        let (x, at) = (self.node(), select::integers(op, indices)?);
        if x.shape.len() < 3 || at.shape != x.shape {
            return Err(Error::shape(
                op,
                format!("values {:?} and indices {:?}", x.shape.as_slice(), at.shape.as_slice()),
                "the same shape [n, channels, sizes…] for both",
                "pass both results of max_pool2d with return_indices",
            ));
        }
        let spatial = x.shape.len() - 2;
        let kernel = if let [one] = kernel { vec![*one; spatial] } else { kernel.to_vec() };
        let size_error = |got: String| {
            let expected = format!("{spatial} sizes of at least 1");
            Error::argument(op, got, expected, "give output_size, or the pooling's own arguments")
        };
        if kernel.len() != spatial {
            return Err(size_error(format!("kernel {kernel:?}")));
        }
        let image: Shape = match output_size {
            Some(size) if size.len() >= spatial => Shape::from_slice(&size[size.len() - spatial..]),
            Some(size) => return Err(size_error(format!("output_size {size:?}"))),
            None => {
                let stride = o.stride.as_deref().unwrap_or(&kernel);
                let slide = Slide::new(op, &kernel, stride, &o.dilation, &o.padding)?;
                let size = |i: usize| {
                    let reach = x.shape[2 + i].saturating_sub(1).saturating_mul(slide.stride[i]);
                    let full = reach.saturating_add(slide.span(i)) as isize;
                    let (before, after) = slide.sides[i];
                    let size = full.saturating_sub(before).saturating_sub(after);
                    usize::try_from(size).map_err(|_| size_error(format!("padding {:?}", o.padding)))
                };
                (0..spatial).map(size).collect::<Result<_>>()?
            }
        };
        let planes = Shape::from_slice(&x.shape[..2]);
        let out: Vec<usize> = planes.iter().chain(&image).copied().collect();
        shape::checked(op, &out)?;
        let (from, to) = (x.shape[2..].iter().product(), image.iter().product());
        let column = [planes[0], planes[1], 1, from];
        let full = [planes[0], planes[1], to, from];
        let wanted = build::expand(&build::reshape(&at, &column), &full);
        let hit = build::eq(&wanted, &build::iota_along(&full, 2, DType::I32));
        let values = build::expand(&build::reshape(&x, &column), &full);
        let kept = build::select(&hit, &values, &build::like(&values, 0.0));
        Ok(Tensor::from_node(build::reshape(&build::sum(&kept, &[3]), &out)))
    }
}
