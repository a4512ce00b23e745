//! Padding: a constant, or what lies at the edges.

use super::{Operand, Tensor, build, join, movement, operand, shape};
use crate::{
    error::{Error, Result},
    graph::{DType, Node, Pairs, Shape},
};

/// How much to add around a tensor; negative amounts cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding {
    /// (before, after) for each axis; `None` leaves it.
    Axes(Vec<Option<(isize, isize)>>),
    /// before, after of the last axis, then of the one before it, and so on, as PyTorch's `pad`.
    Flat(Vec<isize>),
}

impl Padding {
    fn resolve(&self, shape: &[usize]) -> Result<Vec<(isize, isize)>> {
        let ndim = shape.len();
        let pairs: Vec<(isize, isize)> = match self {
            Padding::Axes(list) => list.iter().map(|p| p.unwrap_or_default()).collect(),
            Padding::Flat(list) => {
                let mut pairs: Vec<_> = list.chunks(2).map(|p| (p[0], p[p.len() - 1])).rev().collect();
                let rest = ndim.saturating_sub(pairs.len());
                pairs.splice(0..0, vec![(0, 0); rest]);
                pairs
            }
        };
        let odd = matches!(self, Padding::Flat(list) if list.len() % 2 == 1);
        let off = |n: &isize| n.min(&0).unsigned_abs();
        let cut = |((a, b), n): (&(isize, isize), &usize)| off(a).saturating_add(off(b)) > *n;
        if pairs.len() != ndim || odd || pairs.iter().zip(shape).any(cut) {
            return Err(Error::shape(
                "pad",
                format!("{self:?} for shape {shape:?}"),
                format!("{ndim} pairs (before, after), or a flat list of at most {} numbers", 2 * ndim),
                "give one pair for each axis, and cut no more than there is",
            ));
        }
        Ok(pairs)
    }
}

impl Tensor {
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
        shape::checked("pad", &grown)?;
        Ok(Tensor::from_node(pad_with(&node, Pairs::from_slice(pairs), number(value.into())?)))
    }

    /// Adds around the tensor: `value` (mode `"constant"`), the elements mirrored without the edge (`"reflect"`),
    /// the edge (`"replicate"`) or the other end (`"circular"`). Negative amounts cut.
    pub fn pad_mode(&self, padding: &Padding, mode: &str, value: impl Into<Operand>) -> Result<Tensor> {
        let x = self.node();
        let pairs = padding.resolve(&x.shape)?;
        let more: Pairs = pairs.iter().map(|(a, b)| (*a.max(&0) as usize, *b.max(&0) as usize)).collect();
        let grow = |(n, (a, b)): (&usize, &(usize, usize))| n.saturating_add(*a).saturating_add(*b);
        let grown: Shape = x.shape.iter().zip(&more).map(grow).collect();
        shape::checked("pad", &grown)?;
        if mode == "constant" {
            return Ok(Tensor::from_node(pad_with(&cut(&x, &pairs), more, number(value.into())?)));
        }
        // A circle closes after cutting; mirrors and edges see all that was there.
        let circular = mode == "circular";
        let start = if circular { cut(&x, &pairs) } else { x };
        let edged =
            more.iter().enumerate().try_fold(start, |x, (axis, pair)| edges(&x, axis, *pair, mode))?;
        Ok(Tensor::from_node(if circular { edged } else { cut(&edged, &pairs) }))
    }
}

/// Takes the negative amounts off.
fn cut(x: &Node, pairs: &[(isize, isize)]) -> Node {
    let off = |n: isize| n.min(0).unsigned_abs();
    build::shrink(x, pairs.iter().zip(&x.shape).map(|((a, b), n)| (off(*a), n - off(*b))).collect())
}

fn edges(x: &Node, axis: usize, (before, after): (usize, usize), mode: &str) -> Result<Node> {
    let n = x.shape[axis];
    let most = match mode {
        "reflect" => n.saturating_sub(1),
        "circular" => n,
        "replicate" if n > 0 => usize::MAX,
        "replicate" => 0,
        _ => {
            let known = "\"constant\", \"reflect\", \"replicate\" or \"circular\"";
            return Err(Error::argument("pad", format!("mode \"{mode}\""), known, "name one of these"));
        }
    };
    if before.max(after) > most {
        let got = format!("{before} and {after} around an axis of size {n} in mode {mode}");
        return Err(Error::shape("pad", got, format!("at most {most}"), "pad less, or in several steps"));
    }
    let side = |count: usize, first: bool| {
        let part = |from: usize, to: usize| movement::keep(x, axis, from, to);
        match mode {
            "reflect" if first => build::flip(&part(1, count + 1), &[axis]),
            "reflect" => build::flip(&part(n - 1 - count, n - 1), &[axis]),
            "circular" if first => part(n - count, n),
            "circular" => part(0, count),
            _ => {
                let edge = if first { part(0, 1) } else { part(n - 1, n) };
                let mut to = edge.shape.clone();
                to[axis] = count;
                build::expand(&edge, &to)
            }
        }
    };
    let mut parts = Vec::with_capacity(3);
    parts.extend((before > 0).then(|| side(before, true)));
    parts.push(x.clone());
    parts.extend((after > 0).then(|| side(after, false)));
    Ok(join::joined(&parts, axis))
}

fn number(value: Operand) -> Result<f64> {
    match value {
        Operand::Tensor(t) => {
            let got = format!("a tensor of shape {:?}", t.shape().as_slice());
            Err(Error::argument("pad", got, "a number", "pad with 0 and add the tensor"))
        }
        Operand::Bool(v) => Ok(f64::from(u8::from(v))),
        Operand::Int(v) => Ok(v as f64),
        Operand::Float(v) => Ok(v),
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
