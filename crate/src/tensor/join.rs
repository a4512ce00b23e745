//! Several from one and one from several: cat, stack, split, chunk, repeat, roll, meshgrid.

use super::{Tensor, build, movement, shape};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Pairs, Shape},
};

/// An empty axis gives as many parts as asked for, each a tensor.
const MOST_EMPTY_CHUNKS: usize = 1 << 16;

impl Tensor {
    /// Joins tensors along an axis; all other sizes must agree, dtypes meet as in arithmetic.
    pub fn cat(list: &[Tensor], axis: isize) -> Result<Tensor> {
        let first = list.first().ok_or_else(|| {
            Error::argument("cat", "no tensors", "at least one tensor", "check that the list is not empty")
        })?;
        let axis = shape::axis("cat", axis, first.ndim())?;
        let mut to = first.shape();
        let (mut total, mut dtype) = (0usize, first.dtype());
        for t in list {
            let s = t.shape();
            if s.len() != to.len() || (0..s.len()).any(|i| i != axis && s[i] != to[i]) {
                let got = format!("{:?} beside {:?}", s.as_slice(), to.as_slice());
                let expected = format!("the same sizes in every axis but {axis}");
                return Err(Error::shape("cat", got, expected, "reshape the tensors first"));
            }
            total = total.saturating_add(s[axis]);
            dtype = dtype.promote(t.dtype());
        }
        to[axis] = total;
        shape::checked("cat", &to)?;
        let nodes: Vec<Node> = list.iter().map(|t| build::cast(&t.node(), dtype)).collect();
        Ok(Tensor::from_node(joined(&nodes, axis)))
    }

    /// Joins tensors of one shape along a new axis.
    pub fn stack(list: &[Tensor], axis: isize) -> Result<Tensor> {
        let rows = list.iter().map(|t| t.unsqueeze(axis)).collect::<Result<Vec<_>>>()?;
        Self::cat(&rows, axis)
    }

    /// Consecutive parts of an axis: of those sizes, or, for a single size, as many of it as fit and the rest.
    pub fn split(&self, sizes: &[usize], axis: isize) -> Result<Vec<Tensor>> {
        let x = self.node();
        let axis = shape::axis("split", axis, x.shape.len())?;
        let n = x.shape[axis];
        let parts: Vec<usize> = match *sizes {
            [size] => (0..n.max(1)).step_by(size.max(1)).map(|at| size.min(n - at)).collect(),
            _ => sizes.to_vec(),
        };
        if parts.iter().sum::<usize>() != n {
            let got = format!("sizes {sizes:?}");
            return Err(Error::shape("split", got, format!("sizes that add up to {n}"), "change a size"));
        }
        let mut start = 0;
        let part = |size: &usize| {
            start += size;
            Tensor::from_node(movement::keep(&x, axis, start - size, start))
        };
        Ok(parts.iter().map(part).collect())
    }

    /// At most `chunks` parts of an axis, all of one size but the last.
    pub fn chunk(&self, chunks: usize, axis: isize) -> Result<Vec<Tensor>> {
        let at = shape::axis("chunk", axis, self.ndim())?;
        if chunks == 0 {
            return Err(Error::argument("chunk", "0 chunks", "at least 1", "ask for 1 or more"));
        }
        match self.shape()[at] {
            0 if chunks > MOST_EMPTY_CHUNKS => {
                let (got, expected) = (format!("{chunks} chunks of an empty axis"), "at most 65536 of them");
                Err(Error::argument("chunk", got, expected, "ask for fewer"))
            }
            0 => Ok(vec![self.clone(); chunks]),
            n => self.split(&[n.div_ceil(chunks)], axis),
        }
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
        shape::checked("repeat", &to)?;
        Ok(Tensor::from_node(build::reshape(&build::expand(&build::reshape(&node, &line), &wide), &to)))
    }

    /// Each element that many times, one after the other, along an axis; of all elements in a row for `None`.
    pub fn repeat_interleave(&self, repeats: usize, axis: Option<isize>) -> Result<Tensor> {
        let Some(axis) = axis else { return self.flatten(0)?.repeat_interleave(repeats, Some(0)) };
        let x = self.node();
        let axis = shape::axis("repeat_interleave", axis, x.shape.len())?;
        let (mut line, mut to) = (x.shape.clone(), x.shape.clone());
        line.insert(axis + 1, 1);
        to[axis] = to[axis].saturating_mul(repeats);
        shape::checked("repeat_interleave", &to)?;
        let mut wide = line.clone();
        wide[axis + 1] = repeats;
        Ok(Tensor::from_node(build::reshape(&build::expand(&build::reshape(&x, &line), &wide), &to)))
    }

    /// Moves the elements along each of `axes` by its shift, round the end to the start; along all elements in a
    /// row for no axes.
    pub fn roll(&self, shifts: &[isize], axes: Option<&[isize]>) -> Result<Tensor> {
        let Some(axes) = axes else {
            let to: Vec<isize> = self.shape().iter().map(|n| *n as isize).collect();
            return self.flatten(0)?.roll(shifts, Some(&[0]))?.reshape(&to);
        };
        if shifts.len() != axes.len() {
            let got = format!("{} shifts for {} axes", shifts.len(), axes.len());
            return Err(Error::argument("roll", got, "one shift for each axis", "give as many of both"));
        }
        let mut x = self.node();
        for (shift, axis) in shifts.iter().zip(axes) {
            let axis = shape::axis("roll", *axis, x.shape.len())?;
            let n = x.shape[axis];
            if x.numel() > 0 {
                let cut = n - shift.rem_euclid(n as isize) as usize;
                x = joined(&[movement::keep(&x, axis, cut, n), movement::keep(&x, axis, 0, cut)], axis);
            }
        }
        Ok(Tensor::from_node(x))
    }

    /// Vectors (or scalars) as the coordinates of a grid, one tensor each. `"ij"`: the first vector goes along axis
    /// 0; `"xy"`: along axis 1, and the second along axis 0.
    pub fn meshgrid(list: &[Tensor], indexing: &str) -> Result<Vec<Tensor>> {
        if !matches!(indexing, "ij" | "xy") {
            let got = format!("indexing \"{indexing}\"");
            return Err(Error::argument("meshgrid", got, "\"ij\" or \"xy\"", "write \"ij\""));
        }
        if let Some(t) = list.iter().find(|t| t.ndim() > 1) {
            let got = format!("shape {:?}", t.shape().as_slice());
            return Err(Error::shape("meshgrid", got, "vectors or scalars", "flatten it"));
        }
        let swapped = indexing == "xy" && list.len() > 1;
        let axis = |i: usize| if swapped && i < 2 { 1 - i } else { i };
        let mut to = Shape::from_elem(1, list.len());
        list.iter().enumerate().for_each(|(i, t)| to[axis(i)] = t.numel());
        shape::checked("meshgrid", &to)?;
        let grid = |(i, t): (usize, &Tensor)| {
            let mut line = Shape::from_elem(1, list.len());
            line[axis(i)] = t.numel();
            Tensor::from_node(build::expand(&build::reshape(&t.node(), &line), &to))
        };
        Ok(list.iter().enumerate().map(grid).collect())
    }
}

/// Nodes one after the other along an axis; all other sizes and the dtypes agree.
pub(super) fn joined(nodes: &[Node], axis: usize) -> Node {
    let total: usize = nodes.iter().map(|n| n.shape[axis]).sum();
    let mut before = 0;
    let padded = nodes.iter().map(|node| {
        let mut pairs = Pairs::from_elem((0, 0), node.shape.len());
        let n = node.shape[axis];
        pairs[axis] = (before, total - before - n);
        before += n;
        build::pad(node, pairs)
    });
    let both = |sum: Node, part: Node| match part.dtype {
        DType::Bool => build::binary(Binary::Or, &sum, &part),
        _ => build::add(&sum, &part),
    };
    padded.reduce(both).expect("at least one node")
}
