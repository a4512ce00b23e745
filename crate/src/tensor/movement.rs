//! Views: reshape, permute, expand, pad, slice, cat. None copies; indices are rewritten when a kernel is made.

use super::{Operand, Tensor, build, operand, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Node, Pairs, Shape, Window},
};

/// What [`Tensor::slice`] keeps of one axis; negative positions count from the end, as in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    All,
    /// One position; the axis goes away.
    At(isize),
    /// `start:stop:step`; a negative step walks backward.
    Range {
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    },
}

impl Tensor {
    /// The same elements in another shape; one size may be -1, which is worked out.
    pub fn reshape(&self, sizes: &[isize]) -> Result<Tensor> {
        let node = self.node();
        let empty = sizes.contains(&0);
        let sizes_known = sizes.iter().filter(|s| **s >= 0);
        let known = sizes_known.fold(usize::from(!empty), |n: usize, s| n.saturating_mul(*s as usize));
        let unknown = sizes.iter().filter(|s| **s < 0).count();
        let fits = match unknown {
            0 => known == node.numel(),
            1 => known > 0 && node.numel().is_multiple_of(known),
            _ => false,
        };
        if !fits || sizes.iter().any(|s| *s < -1) {
            return Err(Error::shape(
                "reshape",
                format!("{sizes:?} for a tensor of shape {:?}", node.shape.as_slice()),
                format!("sizes that multiply to {}, at most one of them -1", node.numel()),
                "change a size, or write -1 for the one to work out",
            ));
        }
        let shape: Shape =
            sizes.iter().map(|s| if *s < 0 { node.numel() / known } else { *s as usize }).collect();
        Ok(Tensor::from_node(build::reshape(&node, &shape)))
    }

    /// Another name of [`Tensor::reshape`].
    pub fn view(&self, sizes: &[isize]) -> Result<Tensor> {
        self.reshape(sizes)
    }

    /// Reorders the axes: axis `i` of the result is axis `order[i]` of this.
    pub fn permute(&self, order: &[isize]) -> Result<Tensor> {
        let ndim = self.ndim();
        let axes = order.iter().map(|a| shape::axis("permute", *a, ndim)).collect::<Result<Axes>>()?;
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        if sorted.len() != ndim || sorted.iter().enumerate().any(|(i, a)| i != *a) {
            return Err(Error::shape(
                "permute",
                format!("axes {order:?}"),
                format!("each of the {ndim} axes once"),
                "list every axis once",
            ));
        }
        Ok(Tensor::from_node(build::permute(&self.node(), &axes)))
    }

    /// Swaps two axes.
    pub fn transpose(&self, a: isize, b: isize) -> Result<Tensor> {
        let ndim = self.ndim();
        let (a, b) = (shape::axis("transpose", a, ndim)?, shape::axis("transpose", b, ndim)?);
        let mut axes: Axes = (0..ndim).collect();
        axes.swap(a, b);
        Ok(Tensor::from_node(build::permute(&self.node(), &axes)))
    }

    /// All axes in reverse order.
    pub fn t(&self) -> Tensor {
        let axes: Axes = (0..self.ndim()).rev().collect();
        Tensor::from_node(build::permute(&self.node(), &axes))
    }

    /// Repeats axes of size 1 without copying; -1 keeps a size, new axes may stand in front.
    pub fn expand(&self, sizes: &[isize]) -> Result<Tensor> {
        let node = self.node();
        let error = || {
            Error::shape(
                "expand",
                format!("{sizes:?} for a tensor of shape {:?}", node.shape.as_slice()),
                "as many axes or more, and the same sizes wherever the tensor's is not 1",
                "reshape it so that the axes to repeat have size 1",
            )
        };
        let front = sizes.len().checked_sub(node.shape.len()).ok_or_else(error)?;
        let to = sizes
            .iter()
            .enumerate()
            .map(|(i, s)| match (i.checked_sub(front).map(|j| node.shape[j]), *s) {
                (Some(n), -1) => Ok(n),
                (Some(n), s) if s == n as isize => Ok(n),
                (Some(1) | None, s) if s >= 0 => Ok(s as usize),
                _ => Err(error()),
            })
            .collect::<Result<Shape>>()?;
        let to = shape::checked("expand", &to, node.dtype)?;
        Ok(Tensor::from_node(shape::broadcast_node(&node, &to)))
    }

    /// `value` before and after each axis: one (before, after) for each.
    pub fn pad(&self, pairs: &[(usize, usize)], value: impl Into<Operand>) -> Result<Tensor> {
        let node = self.node();
        if pairs.len() != node.shape.len() {
            return Err(Error::shape(
                "pad",
                format!("{} pairs for shape {:?}", pairs.len(), node.shape.as_slice()),
                format!("{} pairs (before, after)", node.shape.len()),
                "give one pair for each axis",
            ));
        }
        let grown: Shape =
            node.shape.iter().zip(pairs).map(|(n, (l, r))| n.saturating_add(*l).saturating_add(*r)).collect();
        shape::checked("pad", &grown, node.dtype)?;
        let value = match value.into() {
            Operand::Tensor(t) => {
                let got = format!("a tensor of shape {:?}", t.shape().as_slice());
                return Err(Error::argument("pad", got, "a number", "pad with 0 and add the tensor"));
            }
            Operand::Bool(v) => f64::from(u8::from(v)),
            Operand::Int(v) => v as f64,
            Operand::Float(v) => v,
        };
        Ok(Tensor::from_node(pad_with(&node, Pairs::from_slice(pairs), value)))
    }

    /// Keeps `start..end` of each axis.
    pub fn shrink(&self, ranges: &[(usize, usize)]) -> Result<Tensor> {
        let node = self.node();
        if ranges.len() != node.shape.len()
            || ranges.iter().zip(&node.shape).any(|((a, b), n)| a > b || b > n)
        {
            return Err(Error::shape(
                "shrink",
                format!("{ranges:?} for shape {:?}", node.shape.as_slice()),
                "one start..end inside each axis",
                "keep 0 <= start <= end <= size",
            ));
        }
        Ok(Tensor::from_node(build::shrink(&node, Pairs::from_slice(ranges))))
    }

    /// Python's `self[a, b:c, …]`; axes not named are kept whole. A position outside its axis is an error, a range
    /// is clipped.
    pub fn slice(&self, parts: &[Slice]) -> Result<Tensor> {
        let mut node = self.node();
        if parts.len() > node.shape.len() {
            let got = format!("{} parts for shape {:?}", parts.len(), node.shape.as_slice());
            let expected = format!("at most {} parts", node.shape.len());
            return Err(Error::shape("slice", got, expected, "remove a part"));
        }
        let mut dropped = Axes::new();
        for (axis, part) in parts.iter().enumerate() {
            let n = node.shape[axis];
            node = match *part {
                Slice::All => node,
                Slice::At(i) => {
                    let at = position(i, n)?;
                    dropped.push(axis);
                    keep(&node, axis, at, at + 1)
                }
                Slice::Range { start, stop, step } => range(&node, axis, start, stop, step)?,
            };
        }
        Ok(Tensor::from_node(shape::without(&node, &dropped)))
    }

    /// Reverses the order along the axes.
    pub fn flip(&self, axes: impl Into<super::AxisList>) -> Result<Tensor> {
        let axes = axes.into().resolve("flip", self.ndim())?;
        Ok(Tensor::from_node(build::flip(&self.node(), &axes)))
    }

    /// Drops an axis of size 1, or all of them where none is named.
    pub fn squeeze(&self, axis: Option<isize>) -> Result<Tensor> {
        let node = self.node();
        let axes: Axes = match axis {
            Some(a) => std::iter::once(shape::axis("squeeze", a, node.shape.len())?).collect(),
            None => (0..node.shape.len()).collect(),
        };
        let ones: Axes = axes.into_iter().filter(|a| node.shape[*a] == 1).collect();
        Ok(Tensor::from_node(shape::without(&node, &ones)))
    }

    /// Adds an axis of size 1 at that position.
    pub fn unsqueeze(&self, axis: isize) -> Result<Tensor> {
        let node = self.node();
        let at = shape::axis("unsqueeze", axis, node.shape.len() + 1)?;
        let mut to = node.shape.clone();
        to.insert(at, 1);
        Ok(Tensor::from_node(build::reshape(&node, &to)))
    }

    /// Joins all axes from `start` on into one.
    pub fn flatten(&self, start: isize) -> Result<Tensor> {
        let node = self.node();
        let at = if node.shape.is_empty() { 0 } else { shape::axis("flatten", start, node.shape.len())? };
        let mut to = Shape::from_slice(&node.shape[..at]);
        to.push(node.shape[at..].iter().product());
        Ok(Tensor::from_node(build::reshape(&node, &to)))
    }

    /// Repeats the tensor that many times along each axis; new axes may stand in front.
    pub fn repeat(&self, times: &[usize]) -> Result<Tensor> {
        let node = self.node();
        let Some(front) = times.len().checked_sub(node.shape.len()) else {
            let got = format!("{times:?} for shape {:?}", node.shape.as_slice());
            return Err(Error::shape("repeat", got, "a number for each axis", "write 1 for axes to keep"));
        };
        let mut base = Shape::from_elem(1, front);
        base.extend_from_slice(&node.shape);
        let (mut line, mut wide, mut to) = (Shape::new(), Shape::new(), Shape::new());
        for (n, t) in base.iter().zip(times) {
            line.extend_from_slice(&[1, *n]);
            wide.extend_from_slice(&[*t, *n]);
            to.push(n.saturating_mul(*t));
        }
        shape::checked("repeat", &to, node.dtype)?;
        Ok(Tensor::from_node(build::reshape(&build::expand(&build::reshape(&node, &line), &wide), &to)))
    }

    /// Joins tensors along an axis; all other sizes and the dtypes must agree.
    pub fn cat(list: &[Tensor], axis: isize) -> Result<Tensor> {
        let first = list.first().ok_or_else(|| {
            Error::argument("cat", "no tensors", "at least one tensor", "check that the list is not empty")
        })?;
        let axis = shape::axis("cat", axis, first.ndim())?;
        let base = first.shape();
        for t in list {
            let s = t.shape();
            let fits = s.len() == base.len() && (0..s.len()).all(|i| i == axis || s[i] == base[i]);
            if !fits || t.dtype() != first.dtype() {
                return Err(Error::shape(
                    "cat",
                    format!(
                        "{:?} {} beside {:?} {}",
                        s.as_slice(),
                        t.dtype(),
                        base.as_slice(),
                        first.dtype()
                    ),
                    format!("the same dtype and sizes in every axis but {axis}"),
                    "reshape or cast the tensors first",
                ));
            }
        }
        let total: usize = list.iter().map(|t| t.shape()[axis]).sum();
        let mut to = base;
        to[axis] = total;
        shape::checked("cat", &to, first.dtype())?;
        let mut before = 0;
        let mut joined: Option<Node> = None;
        for node in list.iter().map(Tensor::node) {
            let n = node.shape[axis];
            let mut pairs = Pairs::from_elem((0, 0), to.len());
            pairs[axis] = (before, total - before - n);
            before += n;
            let part = build::pad(&node, pairs);
            joined = Some(match joined {
                None => part,
                Some(sum) if part.dtype == DType::Bool => build::binary(Binary::Or, &sum, &part),
                Some(sum) => build::add(&sum, &part),
            });
        }
        Ok(joined.map_or_else(|| first.clone(), Tensor::from_node))
    }

    /// Joins tensors of one shape along a new axis.
    pub fn stack(list: &[Tensor], axis: isize) -> Result<Tensor> {
        let rows = list.iter().map(|t| t.unsqueeze(axis)).collect::<Result<Vec<_>>>()?;
        Self::cat(&rows, axis)
    }
}

pub(super) fn pad_with(x: &Node, pairs: Pairs, value: f64) -> Node {
    let zeros = build::pad(x, pairs.clone());
    if value == 0.0 {
        return zeros;
    }
    let inside = build::pad(&Node::constant(1.0, x.shape.clone(), DType::Bool), pairs);
    build::select(&inside, &zeros, &operand::constant(value, &zeros.shape, x.dtype))
}

/// `start..end` of one axis.
pub(super) fn keep(x: &Node, axis: usize, start: usize, end: usize) -> Node {
    let mut pairs: Pairs = x.shape.iter().map(|n| (0, *n)).collect();
    pairs[axis] = (start, end);
    build::shrink(x, pairs)
}

fn position(i: isize, n: usize) -> Result<usize> {
    let size = n as isize;
    if (-size..size).contains(&i) {
        return Ok(i.rem_euclid(size) as usize);
    }
    let expected = format!("a position from {} to {}", -size, size - 1);
    Err(Error::shape(
        "slice",
        format!("position {i} of an axis of size {n}"),
        expected,
        "stay inside the axis",
    ))
}

fn range(x: &Node, axis: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> Result<Node> {
    let n = x.shape[axis] as isize;
    let wrap = |i: isize| if i < 0 { i.saturating_add(n) } else { i };
    if step == 0 {
        return Err(Error::argument("slice", "step 0", "a step other than 0", "use step 1"));
    }
    if step < 0 {
        // Walking back from `start` to `stop` is walking forward over the flipped axis.
        let mirror = |i: isize| n - 1 - wrap(i).clamp(-1, n - 1);
        let from = start.map_or(0, mirror);
        let to = stop.map_or(n, mirror);
        return range(&build::flip(x, &[axis]), axis, Some(from), Some(to), -step);
    }
    let from = wrap(start.unwrap_or(0)).clamp(0, n);
    let to = wrap(stop.unwrap_or(n)).clamp(from, n);
    let kept = keep(x, axis, from as usize, to as usize);
    let (length, step) = (kept.shape[axis], step as usize);
    if step == 1 || length == 0 {
        return Ok(kept);
    }
    let windows = Window { axis, size: 1, stride: step, dilation: 1 };
    let picked = build::window(&kept, windows, length.div_ceil(step));
    let shape = Shape::from_slice(&picked.shape[..picked.shape.len() - 1]);
    Ok(build::reshape(&picked, &shape))
}
