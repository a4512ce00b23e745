//! Picking elements by integer tensors.

use super::{Tensor, build, movement, shape};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Shape},
};

pub(super) fn integers(op: &str, index: &Tensor) -> Result<Node> {
    if index.dtype().is_int() {
        return Ok(build::cast(&index.node(), DType::I32));
    }
    Err(Error::dtype(op, index.dtype().name(), "integer indices", "cast the indices with .int()"))
}

impl Tensor {
    /// Rows along axis 0 at integer positions of any shape: `[n, …]` by `[…i]` → `[…i, …]`. Negative positions
    /// count from the end; positions outside give 0.
    pub fn index(&self, index: &Tensor) -> Result<Tensor> {
        let x = self.node();
        let Some(n) = x.shape.first() else {
            let fix = "reshape it to [1]";
            return Err(Error::shape("index", "a scalar", "a tensor with at least one axis", fix));
        };
        let at = integers("index", index)?;
        let wrapped = if index.dtype() == DType::I32 {
            let from_end = build::offset(&at, *n as f64);
            build::select(&build::lt(&at, &build::like(&at, 0.0)), &from_end, &at)
        } else {
            at
        };
        let out: Vec<usize> = wrapped.shape.iter().chain(&x.shape[1..]).copied().collect();
        shape::checked("index", &out, x.dtype)?;
        Ok(Tensor::from_node(build::gather(&x, &wrapped)))
    }

    /// `out[i][j] = self[index[i][j]][j]` for axis 0, and so on for other axes, as PyTorch's `gather`; positions
    /// outside give 0.
    pub fn gather(&self, axis: isize, index: &Tensor) -> Result<Tensor> {
        let x = self.node();
        let axis = shape::axis("gather", axis, x.shape.len())?;
        let at = integers("gather", index)?;
        let fits = at.shape.len() == x.shape.len()
            && (0..x.shape.len()).all(|i| i == axis || at.shape[i] <= x.shape[i]);
        if !fits {
            return Err(Error::shape(
                "gather",
                format!("indices {:?} into {:?}", at.shape.as_slice(), x.shape.as_slice()),
                format!("as many axes, and sizes no larger except along axis {axis}"),
                "reshape or slice the indices",
            ));
        }
        let mut part = x.clone();
        for i in (0..x.shape.len()).filter(|i| *i != axis) {
            part = movement::keep(&part, i, 0, at.shape[i]);
        }
        // [.., 1, .., n] holds the candidates along a new last axis; the one at the index survives the sum.
        let n = x.shape[axis];
        let last = x.shape.len();
        let mut moved: Shape = (0..last).filter(|i| *i != axis).collect();
        moved.push(axis);
        let mut line: Shape = at.shape.clone();
        line[axis] = 1;
        line.push(n);
        let mut full = at.shape.clone();
        full.push(n);
        let candidates = build::expand(&build::reshape(&build::permute(&part, &moved), &line), &full);
        let mut column = at.shape.clone();
        column.push(1);
        let wanted = build::expand(&build::reshape(&at, &column), &full);
        let hit = build::eq(&wanted, &build::iota_along(&full, last, DType::I32));
        let kept = if x.dtype == DType::Bool {
            build::cast(&build::binary(Binary::And, &hit, &candidates), DType::I32)
        } else {
            build::select(&hit, &candidates, &build::like(&candidates, 0.0))
        };
        let total = build::cast(&build::sum(&kept, &[last]), x.dtype);
        Ok(Tensor::from_node(shape::without(&total, &[last])))
    }

    /// Integer classes as int32 rows with a 1 at the class: `[…]` → `[…, classes]`.
    pub fn one_hot(&self, classes: usize) -> Result<Tensor> {
        let at = integers("one_hot", self)?;
        let mut full = at.shape.clone();
        full.push(classes);
        shape::checked("one_hot", &full, DType::I32)?;
        Ok(Tensor::from_node(build::cast(&one_hot(&at, &full), DType::I32)))
    }
}

/// Whether the last axis of `full` is at the class.
pub(super) fn one_hot(classes: &Node, full: &[usize]) -> Node {
    let mut column = classes.shape.clone();
    column.push(1);
    let wanted = build::expand(&build::reshape(classes, &column), full);
    build::eq(&wanted, &build::iota_along(full, full.len() - 1, DType::I32))
}
