//! Integer tensors and masks in an index: picks as rows of one axis, read and written.

use super::{Operand, Tensor, build, select, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Node, Shape, Unary},
};

/// Picks as rows of one axis: the picked axes of the view joined.
pub(super) struct Rows {
    axes: Axes,
    /// Where the axes of `index` stand in the result.
    at: usize,
    /// int32; -1 where a position is outside.
    index: Node,
}

/// Several integer tensors of one index, each with the axis of `view` it picks along.
pub(super) fn rows(op: &str, view: &[usize], picks: &[(usize, Tensor)]) -> Result<Option<Rows>> {
    let Some(((first, _), rest)) = picks.split_first() else { return Ok(None) };
    let axes: Axes = picks.iter().map(|(axis, _)| *axis).collect();
    let together = rest.iter().enumerate().all(|(i, (axis, _))| *axis == first + i + 1);
    let mut to = Shape::new();
    for (_, t) in picks {
        to = shape::broadcast(op, &to, &t.shape())?;
    }
    let positions = axes.iter().try_fold(1i32, |n, a| n.checked_mul(i32::try_from(view[*a]).ok()?));
    if positions.is_none() {
        let got = format!("picks along axes {:?} of shape {view:?}", axes.as_slice());
        return Err(Error::shape(op, got, "at most 2147483647 positions", "pick along fewer axes at a time"));
    }
    let mut index: Option<Node> = None;
    for (axis, t) in picks {
        let n = view[*axis];
        let at = shape::broadcast_node(&select::wrapped(op, t, n)?, &to);
        index = Some(match index {
            None => at,
            Some(before) => joined(&before, &at, n),
        });
    }
    Ok(index.map(|index| Rows { axes, at: if together { *first } else { 0 }, index }))
}

/// `before · n + at`, and -1 where one of them is outside.
fn joined(before: &Node, at: &Node, n: usize) -> Node {
    let (zero, n) = (build::like(at, 0.0), build::like(at, n as f64));
    let below = build::binary(Binary::Or, &build::lt(at, &zero), &build::lt(before, &zero));
    let inside = build::binary(Binary::And, &build::lt(at, &n), &build::unary(Unary::Not, &below));
    build::select(&inside, &build::add(&build::mul(before, &n), at), &build::like(at, -1.0))
}

impl Rows {
    fn others(&self, view: &Node) -> Axes {
        (0..view.shape.len()).filter(|a| !self.axes.contains(a)).collect()
    }

    /// The shape of the result, and how many axes stand before those of the index.
    pub(super) fn shape(&self, view: &Node) -> Shape {
        let mut to: Shape = self.others(view).iter().map(|a| view.shape[*a]).collect();
        to.insert_from_slice(self.at, &self.index.shape);
        to
    }

    /// The view with the picked axes joined in front.
    fn front(&self, view: &Node) -> Node {
        let others = self.others(view);
        let order: Axes = self.axes.iter().chain(&others).copied().collect();
        let mut to: Shape = others.iter().map(|a| view.shape[*a]).collect();
        to.insert(0, self.axes.iter().map(|a| view.shape[*a]).product());
        build::reshape(&build::permute(view, &order), &to)
    }

    pub(super) fn read(&self, view: &Node) -> Node {
        let picked = select::rows(&self.front(view), &self.index);
        build::permute(&picked, &moved(picked.shape.len(), 0, self.index.shape.len(), self.at))
    }

    /// The view with `value` in the picked places, the last where several meet.
    pub(super) fn write(&self, view: &Node, value: &Node) -> Node {
        let rows = self.front(view);
        if rows.numel() == 0 || value.numel() == 0 {
            return view.clone();
        }
        let (n, picks, k) = (rows.shape[0], self.index.numel(), self.index.shape.len());
        let mut line = Shape::from_slice(&rows.shape[1..]);
        line.insert(0, picks);
        let values = build::permute(value, &moved(value.shape.len(), self.at, k, 0));
        let last = select::last_hit(&build::reshape(&self.index, &[picks]), n);
        let picked = build::gather(&build::reshape(&values, &line), &last);
        let mut column = Shape::from_elem(1, rows.shape.len());
        column[0] = n;
        let hit = build::lt(&build::like(&last, -1.0), &last);
        let hit = build::expand(&build::reshape(&hit, &column), &rows.shape);
        let new = build::select(&hit, &picked, &rows);
        let order: Axes = self.axes.iter().copied().chain(self.others(view)).collect();
        let split: Shape = order.iter().map(|a| view.shape[*a]).collect();
        let mut inverse = order.clone();
        order.iter().enumerate().for_each(|(i, a)| inverse[*a] = i);
        build::permute(&build::reshape(&new, &split), &inverse)
    }
}

/// The order of `ndim` axes in which `count` of them, which stand from `from` on, come to stand from `to` on.
pub(super) fn moved(ndim: usize, from: usize, count: usize, to: usize) -> Axes {
    let mut order: Axes = (0..ndim).filter(|a| !(from..from + count).contains(a)).collect();
    (0..count).for_each(|i| order.insert(to + i, from + i));
    order
}

/// `value` as `dtype` in the shape of the place it is for.
pub(super) fn fitted(value: &Operand, to: &[usize], dtype: DType) -> Result<Node> {
    let own = value.shape();
    if shape::broadcast("set", &own, to)?[..] != *to {
        return Err(Error::shape(
            "set",
            format!("a value of shape {:?} for a place of shape {to:?}", own.as_slice()),
            "a value that broadcasts to the place",
            "reshape the value, or index less",
        ));
    }
    Ok(value.node(to, dtype))
}

/// `view` with `value` where the mask, which covers axes from `axis` on, is true: one value for all places, or one
/// for each in order.
pub(super) fn masked(view: &Node, axis: usize, mask: &Node, value: &Operand) -> Result<Node> {
    let (k, ndim) = (mask.shape.len(), view.shape.len());
    let after = ndim - axis - k;
    let count = value.shape().iter().rev().nth(after).copied().unwrap_or(1);
    let mut place = Shape::from_slice(&view.shape[..axis]);
    place.push(count);
    place.extend_from_slice(&view.shape[axis + k..]);
    let value = fitted(value, &place, view.dtype)?;
    let mut line = Shape::from_elem(1, ndim);
    let new = if count == 1 {
        line[..axis].copy_from_slice(&view.shape[..axis]);
        line[axis + k..].copy_from_slice(&view.shape[axis + k..]);
        build::expand(&build::reshape(&value, &line), &view.shape)
    } else {
        let flat = build::reshape(mask, &[mask.numel()]);
        let order = build::offset(&Tensor::from_node(flat.clone()).cumsum(0)?.node(), -1.0);
        let at = build::select(&flat, &order, &build::like(&order, -1.0));
        let rows = select::rows(&build::permute(&value, &moved(place.len(), axis, 1, 0)), &at);
        build::reshape(&build::permute(&rows, &moved(place.len(), 0, 1, axis)), &view.shape)
    };
    line = Shape::from_elem(1, ndim);
    line[axis..axis + k].copy_from_slice(&mask.shape);
    let hit = build::expand(&build::reshape(mask, &line), &view.shape);
    Ok(build::select(&hit, &new, view))
}
