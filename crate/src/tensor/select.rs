//! Picking elements: by integer tensors along an axis, and by masks.

use super::{Operand, Tensor, build, join, movement, picks, scatter, shape, sort};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Mark, Node, Op, Pairs, Reduce, Unary},
};
use std::rc::Rc;

pub(super) fn integers(op: &str, index: &Tensor) -> Result<Node> {
    if index.dtype().is_int() {
        return Ok(build::cast(&index.node(), DType::I32));
    }
    Err(Error::dtype(op, index.dtype().name(), "integer indices", "cast the indices with .int()"))
}

/// int32 positions along an axis of size `n`, the negative ones counted from the end.
pub(super) fn wrapped(op: &str, index: &Tensor, n: usize) -> Result<Node> {
    let at = integers(op, index)?;
    if index.dtype().is_unsigned() {
        return Ok(at);
    }
    Ok(build::select(&build::lt(&at, &build::like(&at, 0.0)), &build::offset(&at, n as f64), &at))
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
        let at = wrapped("index", index, *n)?;
        let out: Vec<usize> = at.shape.iter().chain(&x.shape[1..]).copied().collect();
        shape::checked("index", &out)?;
        Ok(Tensor::from_node(rows(&x, &at)))
    }

    /// `out[i][j] = self[index[i][j]][j]` for axis 0, and so on for other axes, as PyTorch's `gather`; positions
    /// outside, negative ones too, give 0. Work of the gradient: elements of `index` times the size of the axis.
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
        Ok(Tensor::from_node(gather(&x, axis, &at)?))
    }

    /// Integer classes as int32 rows with a 1 at the class: `[…]` → `[…, classes]`.
    pub fn one_hot(&self, classes: usize) -> Result<Tensor> {
        let at = integers("one_hot", self)?;
        let mut full = at.shape.clone();
        full.push(classes);
        shape::checked("one_hot", &full)?;
        Ok(Tensor::from_node(build::cast(&one_hot(&at, &full), DType::I32)))
    }

    /// `value` where `mask` (bool, broadcast) is true, this elsewhere. Gradients flow to both.
    pub fn masked_fill(&self, mask: &Tensor, value: impl Into<Operand>) -> Result<Tensor> {
        bools("masked_fill", mask)?;
        mask.where_(value.into(), self)
    }

    /// The elements where `mask` (bool, broadcast to this shape) is true, in order, as one axis. The mask is read
    /// back for its count; with `size` nothing is read: the result has that size, cut or filled with `fill`.
    pub async fn masked_select(
        &self,
        mask: &Tensor,
        size: Option<usize>,
        fill: impl Into<Operand>,
    ) -> Result<Tensor> {
        bools("masked_select", mask)?;
        let flat = self.flatten(0)?;
        let to: Vec<isize> = self.shape().iter().map(|n| *n as isize).collect();
        let mask = mask.expand(&to)?.flatten(0)?;
        let Some(size) = size else { return flat.index(&mask.places().await?) };
        let (at, filled) = mask.first_places(size)?;
        flat.index(&at)?.masked_fill(&filled, fill)?.cast(self.dtype())
    }

    /// The positions of the elements that are not 0, in order: int32 `[count, ndim]`. The count is read back; with
    /// `size` nothing is read: the result has that many rows, cut or filled with `fill`.
    pub async fn nonzero(&self, size: Option<usize>, fill: i32) -> Result<Tensor> {
        let mask = self.cast(DType::Bool)?.flatten(0)?;
        let (at, filled) = match size {
            None => (mask.places().await?, None),
            Some(size) => {
                let (at, filled) = mask.first_places(size)?;
                (at, Some(filled))
            }
        };
        let at = at.node();
        let (shape, count) = (self.shape(), at.numel());
        if shape.is_empty() {
            return Tensor::zeros(&[count, 0])?.cast(DType::I32);
        }
        let mut inner = self.numel();
        let column = |n: &usize| {
            inner /= (*n).max(1);
            let whole = build::binary(Binary::IDiv, &at, &build::like(&at, inner as f64));
            let own = build::binary(Binary::Mod, &whole, &build::like(&at, *n as f64));
            build::reshape(&own, &[count, 1])
        };
        let columns: Vec<Node> = shape.iter().map(column).collect();
        let rows = Tensor::from_node(join::joined(&columns, 1));
        match filled {
            None => Ok(rows),
            Some(filled) => rows.masked_fill(&filled.unsqueeze(1)?, fill),
        }
    }
}

impl Tensor {
    /// The positions where this 1-D mask is true, read back.
    async fn places(&self) -> Result<Tensor> {
        let data = self.data().await?;
        let at: Vec<i32> = (0..data.len()).filter(|i| data.get(*i) != 0.0).map(|i| i as i32).collect();
        Tensor::from_slice(&at, &[at.len()])
    }

    /// The first `size` positions where this 1-D mask is true, and which of them are more than there are.
    fn first_places(&self, size: usize) -> Result<(Tensor, Tensor)> {
        let mask = self.node();
        shape::checked("size", &[size])?;
        let found = size.min(mask.numel());
        let (_, order) = sort::leading(&mask, 0, found, true)?;
        let at = build::pad(&order, Pairs::from_slice(&[(0, size - found)]));
        let count = build::sum(&build::cast(&mask, DType::I32), &[0]);
        let filled = build::lt(&build::iota_along(&[size], 0, DType::I32), &build::expand(&count, &[size]));
        Ok((Tensor::from_node(at), Tensor::from_node(build::unary(Unary::Not, &filled))))
    }
}

fn bools(op: &str, mask: &Tensor) -> Result<()> {
    if mask.dtype() == DType::Bool {
        return Ok(());
    }
    Err(Error::dtype(op, mask.dtype().name(), "a bool mask", "compare first, as in x.gt(0)"))
}

/// Rows of `x` along axis 0 at int32 positions; 0 outside.
pub(super) fn rows(x: &Node, at: &Node) -> Node {
    if x.numel() == 0 {
        return Node::constant(0.0, at.shape.iter().chain(&x.shape[1..]).copied().collect(), x.dtype);
    }
    build::gather(x, at)
}

/// Along `axis`, the element of `x` at each int32 position; 0 outside.
pub(super) fn gather(x: &Node, axis: usize, at: &Node) -> Result<Node> {
    if x.numel() == 0 {
        return Ok(Node::constant(0.0, at.shape.clone(), x.dtype));
    }
    let ndim = x.shape.len();
    let picked = match line(at, axis) {
        Some(line) => {
            let others = (0..ndim).filter(|i| *i != axis);
            let part = others.fold(x.clone(), |x, i| movement::keep(&x, i, 0, at.shape[i]));
            let picked = rows(&build::permute(&part, &picks::moved(ndim, axis, 1, 0)), &line);
            build::permute(&picked, &picks::moved(ndim, 0, 1, axis))
        }
        None => build::gather(&build::reshape(x, &[x.numel()]), &flat(x, axis, at)?),
    };
    if !x.dtype.is_float() {
        return Ok(picked);
    }
    // The gradient of flattened picks would meet every element, not those of the axis alone.
    let backward = move |mark: &Node, g: &Node| {
        let (x, at) = (&mark.src[1], &mark.src[2]);
        let total = scatter::added(&wide(g), axis, at, &x.shape);
        Ok(vec![Some(build::cast(&total, x.dtype)), None])
    };
    Ok(build::mark(Mark::Custom(Rc::new(backward)), &picked, &[x.clone(), at.clone()]))
}

/// The places in the flattened `x` of positions along `axis`; -1 outside.
fn flat(x: &Node, axis: usize, at: &Node) -> Result<Node> {
    if i32::try_from(x.numel()).is_err() {
        let got = format!("shape {:?}", x.shape.as_slice());
        return Err(Error::shape("gather", got, "at most 2147483647 elements", "gather from a part"));
    }
    let zero = build::like(at, 0.0);
    let (mut place, mut stride) = (zero.clone(), 1.0);
    for i in (0..x.shape.len()).rev() {
        let step = if i == axis { at.clone() } else { build::iota_along(&at.shape, i, DType::I32) };
        place = build::add(&build::scale(&step, stride), &place);
        stride *= x.shape[i] as f64;
    }
    let below = build::lt(at, &build::like(at, x.shape[axis] as f64));
    let inside = build::binary(Binary::And, &below, &build::unary(Unary::Not, &build::lt(at, &zero)));
    Ok(build::select(&inside, &place, &build::like(at, -1.0)))
}

/// `at` with size 1 along all axes but `axis`, where it was expanded along them.
pub(super) fn narrow(at: &Node, axis: usize) -> Node {
    match &at.op {
        Op::Cast if !at.is_realized() => build::cast(&narrow(&at.src[0], axis), at.dtype),
        Op::Expand if !at.is_realized() && at.src[0].numel() == at.shape[axis] => at.src[0].clone(),
        _ => at.clone(),
    }
}

/// The positions along `axis`, where they are the same along all others.
pub(super) fn line(at: &Node, axis: usize) -> Option<Node> {
    let narrow = narrow(at, axis);
    let n = at.shape[axis];
    (narrow.shape[axis] == n && narrow.numel() == n).then(|| build::reshape(&narrow, &[n]))
}

/// `x` where `hit`, else 0, in a dtype that is summed in.
pub(super) fn kept(hit: &Node, x: &Node) -> Node {
    let x = wide(x);
    build::select(hit, &x, &build::like(&x, 0.0))
}

/// In the dtype that is summed in; no kernel that reduces stores bytes.
pub(super) fn wide(x: &Node) -> Node {
    build::cast(x, if x.dtype.size() == 1 { DType::I32 } else { x.dtype.accumulator() })
}

/// Whether the last axis of `full` is at the class.
pub(super) fn one_hot(classes: &Node, full: &[usize]) -> Node {
    let mut column = classes.shape.clone();
    column.push(1);
    let wanted = build::expand(&build::reshape(classes, &column), full);
    build::eq(&wanted, &build::iota_along(full, full.len() - 1, DType::I32))
}

/// For each of `n` positions the place in the 1-D `index` that names it last, -1 where none does.
pub(super) fn last_hit(index: &Node, n: usize) -> Node {
    let full = [index.numel(), n];
    let place = build::offset(&build::iota_along(&full, 0, DType::I32), 1.0);
    let hit = build::select(&one_hot(index, &full), &place, &build::like(&place, 0.0));
    build::reshape(&build::offset(&build::reduce(Reduce::Max, &hit, &[0]), -1.0), &[n])
}
