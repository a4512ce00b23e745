//! Views: reshape, permute, expand, shrink, flip, windows. None copies; indices are rewritten when a kernel is made.

use super::{Tensor, build, index, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Node, Pairs, Shape, Window},
};

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
        let to = shape::checked("expand", &to)?;
        Ok(Tensor::from_node(shape::broadcast_node(&node, &to)))
    }

    /// Keeps `start..end` of each axis.
    pub fn shrink(&self, ranges: &[(usize, usize)]) -> Result<Tensor> {
        self.shrink_axes(&ranges.iter().copied().map(Some).collect::<Vec<_>>())
    }

    /// Keeps `start..end` of each axis, all of it for `None`.
    pub fn shrink_axes(&self, ranges: &[Option<(usize, usize)>]) -> Result<Tensor> {
        let node = self.node();
        let kept: Pairs = ranges.iter().zip(&node.shape).map(|(r, n)| r.unwrap_or((0, *n))).collect();
        if ranges.len() != node.shape.len() || kept.iter().zip(&node.shape).any(|((a, b), n)| a > b || b > n)
        {
            return Err(Error::shape(
                "shrink",
                format!("{ranges:?} for shape {:?}", node.shape.as_slice()),
                "one start..end inside each axis",
                "keep 0 <= start <= end <= size",
            ));
        }
        Ok(Tensor::from_node(build::shrink(&node, kept)))
    }

    /// Reverses the order along the axes.
    pub fn flip(&self, axes: impl Into<super::AxisList>) -> Result<Tensor> {
        let axes = axes.into().resolve("flip", self.ndim())?;
        Ok(Tensor::from_node(build::flip(&self.node(), &axes)))
    }

    /// Drops an axis of size 1, or all of them where none is named; an axis of another size stays.
    pub fn squeeze(&self, axis: Option<isize>) -> Result<Tensor> {
        let node = self.node();
        let axes: Axes = match axis {
            Some(a) => std::iter::once(shape::axis("squeeze", a, node.shape.len().max(1))?).collect(),
            None => (0..node.shape.len()).collect(),
        };
        let ones: Axes = axes.into_iter().filter(|a| node.shape.get(*a) == Some(&1)).collect();
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
        self.flatten_to(start, -1)
    }

    /// Joins the axes `start..=end` into one; a scalar becomes `[1]`.
    pub fn flatten_to(&self, start: isize, end: isize) -> Result<Tensor> {
        let node = self.node();
        let ndim = node.shape.len().max(1);
        let (from, to) = (shape::axis("flatten", start, ndim)?, shape::axis("flatten", end, ndim)?);
        if from > to {
            let got = format!("axes {start} to {end}");
            return Err(Error::shape("flatten", got, "the first before the last", "swap them"));
        }
        let past = node.shape.len().min(to + 1);
        let mut joined = Shape::from_slice(&node.shape[..from]);
        joined.push(node.shape[from..past].iter().product());
        joined.extend_from_slice(&node.shape[past..]);
        Ok(Tensor::from_node(build::reshape(&node, &joined)))
    }

    /// Splits one axis into several whose sizes multiply to it; one size may be -1, which is worked out.
    pub fn unflatten(&self, axis: isize, sizes: &[isize]) -> Result<Tensor> {
        let shape = self.shape();
        let axis = shape::axis("unflatten", axis, shape.len())?;
        let known: isize = sizes.iter().filter(|s| **s >= 0).product();
        let n = shape[axis] as isize;
        let fits = match sizes.iter().filter(|s| **s < 0).count() {
            0 => known == n,
            1 => known > 0 && n % known == 0 && sizes.contains(&-1),
            _ => false,
        };
        if !fits {
            let (got, expected) = (format!("sizes {sizes:?}"), format!("sizes that multiply to {n}"));
            return Err(Error::shape("unflatten", got, expected, "change a size, or write -1 for one"));
        }
        let split = sizes.iter().map(|s| if *s < 0 { (n / known) as usize } else { *s as usize });
        let mut to = Shape::from_slice(&shape[..axis]);
        to.extend(split);
        to.extend_from_slice(&shape[axis + 1..]);
        Ok(Tensor::from_node(build::reshape(&self.node(), &to)))
    }

    /// Windows of `size` elements along an axis, one every `step`: the axis counts the windows, a new last axis
    /// their elements.
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Result<Tensor> {
        let x = self.node();
        let axis = shape::axis("unfold", axis, x.shape.len())?;
        let n = x.shape[axis];
        if size > n || step == 0 {
            let got = format!("size {size} and step {step} along an axis of size {n}");
            let expected = format!("a size up to {n} and a step from 1");
            return Err(Error::argument("unfold", got, expected, "use smaller windows"));
        }
        let count = (n - size) / step + 1;
        if size == 0 {
            let mut to = x.shape.clone();
            to[axis] = count;
            to.push(0);
            return Ok(Tensor::from_node(build::reshape(&keep(&x, axis, 0, 0), &to)));
        }
        let windows = Window { axis, size, stride: step, dilation: 1 };
        Ok(Tensor::from_node(build::window(&x, windows, count)))
    }

    /// The elements `x[i, i + offset]` of two axes, as a new last axis in their place.
    pub fn diagonal(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
        let x = self.node();
        let ndim = x.shape.len();
        let (a, b) = (shape::axis("diagonal", dim1, ndim)?, shape::axis("diagonal", dim2, ndim)?);
        if a == b {
            return Err(Error::shape("diagonal", format!("axis {a} twice"), "two axes", "name another axis"));
        }
        let mut order: Axes = (0..ndim).filter(|i| *i != a && *i != b).collect();
        order.extend([a, b]);
        let (top, left) = ((-offset).max(0) as usize, offset.max(0) as usize);
        let (rows, columns) = (x.shape[a].saturating_sub(top), x.shape[b].saturating_sub(left));
        let count = rows.min(columns);
        let turned = build::permute(&x, &order);
        let mut to = Shape::from_slice(&turned.shape[..ndim - 2]);
        to.push(count);
        if count == 0 {
            return Ok(Tensor::from_node(build::reshape(&keep(&turned, ndim - 2, 0, 0), &to)));
        }
        let corner = keep(&keep(&turned, ndim - 2, top, top + count), ndim - 1, left, left + columns);
        to[ndim - 2] = count * columns;
        let flat = build::reshape(&corner, &to);
        Ok(Tensor::from_node(index::every(&flat, ndim - 2, columns + 1)))
    }

    /// A vector as the diagonal of a square matrix, zeros around it; of a matrix its diagonal.
    pub fn diag(&self) -> Result<Tensor> {
        let x = self.node();
        match x.shape[..] {
            [n] => {
                let full = [n, n];
                shape::checked("diag", &full)?;
                let across = build::expand(&build::reshape(&x, &[1, n]), &full);
                let places = |axis| build::iota_along(&full, axis, DType::I32);
                let on = build::eq(&places(0), &places(1));
                Ok(Tensor::from_node(build::select(&on, &across, &build::like(&across, 0.0))))
            }
            [_, _] => self.diagonal(0, 0, 1),
            _ => Err(Error::shape(
                "diag",
                format!("shape {:?}", x.shape.as_slice()),
                "a vector or a matrix",
                "use diagonal() for more axes",
            )),
        }
    }

    /// The last two axes with zeros below the diagonal that many to the right of the main one.
    pub fn triu(&self, diagonal: isize) -> Result<Tensor> {
        self.triangle("triu", diagonal, true)
    }

    /// The last two axes with zeros above the diagonal that many to the right of the main one.
    pub fn tril(&self, diagonal: isize) -> Result<Tensor> {
        self.triangle("tril", diagonal.saturating_add(1), false)
    }

    fn triangle(&self, op: &str, diagonal: isize, upper: bool) -> Result<Tensor> {
        let x = self.node();
        let Some(row) = x.shape.len().checked_sub(2) else {
            let got = format!("shape {:?}", x.shape.as_slice());
            return Err(Error::shape(op, got, "a matrix or a batch of them", "reshape it to two axes"));
        };
        let limit = x.shape[row].max(x.shape[row + 1]) as isize;
        let shift = diagonal.clamp(-limit, limit) as f64;
        let first = build::offset(&build::iota_along(&x.shape, row, DType::I32), shift);
        let below = build::lt(&build::iota_along(&x.shape, row + 1, DType::I32), &first);
        let zero = build::like(&x, 0.0);
        let (yes, no) = if upper { (&zero, &x) } else { (&x, &zero) };
        Ok(Tensor::from_node(build::select(&below, yes, no)))
    }
}

/// `start..end` of one axis.
pub(super) fn keep(x: &Node, axis: usize, start: usize, end: usize) -> Node {
    let mut pairs: Pairs = x.shape.iter().map(|n| (0, *n)).collect();
    pairs[axis] = (start, end);
    build::shrink(x, pairs)
}
