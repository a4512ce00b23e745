//! Sorting along an axis. Short rows count, for each element, how many come before it (two sums over n² pairs); long
//! rows go through a bitonic network of log²n/2 steps. Equal elements keep their order; NaN counts as the largest.

use super::{Tensor, build, movement, pad, select, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Node, Pairs, Shape, Unary},
};

/// Rows up to this length are sorted by counting.
const COUNTED: usize = 128;

impl Tensor {
    /// The elements along `axis` in order, and where each stood (int32). Stable; NaN counts as the largest. The
    /// gradient goes back to where each value came from. Work for a row of n: n² up to 128, n·log²n above.
    pub fn sort(&self, axis: isize, descending: bool) -> Result<(Tensor, Tensor)> {
        let axis = axis_of("sort", axis, self)?;
        let size = if self.ndim() == 0 { 1 } else { self.shape()[axis] };
        self.leading(axis, size, descending)
    }

    /// The positions that sort the elements along `axis`, int32; see [`Tensor::sort`].
    pub fn argsort(&self, axis: isize, descending: bool) -> Result<Tensor> {
        let axis = axis_of("argsort", axis, self)?;
        let size = if self.ndim() == 0 { 1 } else { self.shape()[axis] };
        Ok(self.leading(axis, size, descending)?.1)
    }

    /// The `k` largest (or smallest) along `axis` in order, and where each stood (int32); see [`Tensor::sort`].
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> Result<(Tensor, Tensor)> {
        let axis = axis_of("topk", axis, self)?;
        let size = self.shape().get(axis).copied().unwrap_or(1);
        if k > size {
            let expected = format!("at most {size}, the size of axis {axis}");
            return Err(Error::argument("topk", format!("k {k}"), expected, "ask for fewer"));
        }
        self.leading(axis, k, largest)
    }

    fn leading(&self, axis: usize, k: usize, descending: bool) -> Result<(Tensor, Tensor)> {
        let x = self.node();
        if x.shape.is_empty() {
            let order = Node::constant(0.0, x.shape.clone(), DType::I32);
            return Ok((self.clone(), Tensor::from_node(order)));
        }
        let (values, order) = leading(&x, axis, k, descending)?;
        Ok((Tensor::from_node(values), Tensor::from_node(order)))
    }
}

fn axis_of(op: &str, axis: isize, x: &Tensor) -> Result<usize> {
    shape::axis(op, axis, x.ndim().max(1))
}

/// The first `k` of the sorted elements along `axis`, and their positions.
pub(super) fn leading(x: &Node, axis: usize, k: usize, descending: bool) -> Result<(Node, Node)> {
    let last = x.shape.len() - 1;
    let mut swap: Axes = (0..=last).collect();
    swap.swap(axis, last);
    let rows = build::permute(x, &swap);
    let (values, order) = if rows.numel() == 0 || k == 0 {
        let none = movement::keep(&rows, last, 0, k);
        let order = Node::constant(0.0, none.shape.clone(), DType::I32);
        (none, order)
    } else if x.shape[axis] <= COUNTED || x.dtype.size() > 4 {
        counted(&rows, k, descending)
    } else {
        network(&rows, k, descending)?
    };
    Ok((build::permute(&values, &swap), build::permute(&order, &swap)))
}

/// Integers in the order of the elements; NaN comes last, both zeros are equal.
fn keys(x: &Node, descending: bool) -> Node {
    let key = match x.dtype {
        DType::U32 | DType::I64 => x.clone(),
        DType::F64 => float_keys(&build::bitcast(x, DType::I64), f64::INFINITY.to_bits() as f64),
        dtype if dtype.is_float() => {
            let bits = build::bitcast(&build::cast(x, DType::F32), DType::I32);
            float_keys(&bits, f32::INFINITY.to_bits().into())
        }
        _ => build::cast(x, DType::I32),
    };
    if descending { build::unary(Unary::Not, &key) } else { key }
}

fn float_keys(bits: &Node, infinity: f64) -> Node {
    let like = |v: f64| build::like(bits, v);
    let most = like(bits.dtype.max_value());
    let size = build::binary(Binary::And, bits, &most);
    let mirrored = build::binary(Binary::Xor, bits, &most);
    let signed = build::select(&build::lt(bits, &like(0.0)), &mirrored, bits);
    let nan = build::lt(&like(infinity), &size);
    let zero = build::eq(&size, &like(0.0));
    build::select(&nan, &most, &build::select(&zero, &like(0.0), &signed))
}

/// Whether `(a, i)` comes before `(b, j)`.
fn before(a: &Node, i: &Node, b: &Node, j: &Node) -> Node {
    let tied = build::binary(Binary::And, &build::eq(a, b), &build::lt(i, j));
    build::binary(Binary::Or, &build::lt(a, b), &tied)
}

/// The place of each element is the number of those before it; each slot then takes the element of its place.
fn counted(rows: &Node, k: usize, descending: bool) -> (Node, Node) {
    let last = rows.shape.len() - 1;
    let n = rows.shape[last];
    let along = |x: &Node, axis: usize, to: &[usize]| {
        let mut line = Shape::from_slice(to);
        line[axis] = 1;
        build::expand(&build::reshape(x, &line), to)
    };
    let mut pairs = rows.shape.clone();
    pairs.push(n);
    let key = keys(rows, descending);
    let place = |axis: usize, to: &[usize]| build::iota_along(to, axis, DType::I32);
    let earlier = before(
        &along(&key, last, &pairs),
        &place(last + 1, &pairs),
        &along(&key, last + 1, &pairs),
        &place(last, &pairs),
    );
    let rank = build::sum(&build::cast(&earlier, DType::I32), &[last + 1]);
    let mut slots = rows.shape.clone();
    slots.insert(last, k);
    let hit = build::eq(&along(&rank, last, &slots), &place(last, &slots));
    let take = |x: &Node| shape::without(&build::sum(&select::kept(&hit, x), &[last + 1]), &[last + 1]);
    (build::cast(&take(&along(rows, last, &slots)), rows.dtype), take(&place(last + 1, &slots)))
}

/// Batcher's network on rows padded to a power of two. In each step an element meets its partner: of a block turned
/// around first, then of its half, and so on; the one that comes first moves to the lower place.
fn network(rows: &Node, k: usize, descending: bool) -> Result<(Node, Node)> {
    let last = rows.shape.len() - 1;
    let (n, m) = (rows.shape[last], rows.shape[last].next_power_of_two());
    let mut pairs: Pairs = rows.shape.iter().map(|_| (0, 0)).collect();
    pairs[last] = (0, m - n);
    let far = match descending {
        true => f64::NEG_INFINITY,
        false if rows.dtype.is_float() => f64::NAN,
        false => f64::INFINITY,
    };
    let mut values = pad::pad_with(rows, pairs, far);
    let mut order = build::iota_along(&values.shape, last, DType::I32);
    let outer = rows.shape[..last].iter().product();
    let mut block = 2;
    while block <= m {
        let mut half = block / 2;
        while half > 0 {
            let view = [outer, m / (2 * half), 2, half];
            let turned: &[usize] = if 2 * half == block { &[2, 3] } else { &[2] };
            let (v, i) = (build::reshape(&values, &view), build::reshape(&order, &view));
            let (w, j) = (build::flip(&v, turned), build::flip(&i, turned));
            let first = before(&keys(&v, descending), &i, &keys(&w, descending), &j);
            let lower = build::eq(&build::iota_along(&view, 2, DType::I32), &build::like(&i, 0.0));
            let stays = build::eq(&first, &lower);
            values = stored(&build::select(&stays, &v, &w))?;
            order = build::contiguous(&build::select(&stays, &i, &j));
            half /= 2;
        }
        block *= 2;
    }
    let mut whole = rows.shape.clone();
    whole[last] = m;
    let leading = |x: &Node| movement::keep(&build::reshape(x, &whole), last, 0, k);
    Ok((leading(&values), leading(&order)))
}

/// In a buffer of its own, and its gradient too: each is read twice by the next of many steps.
fn stored(x: &Node) -> Result<Node> {
    if !x.dtype.is_float() {
        return Ok(build::contiguous(x));
    }
    Ok(build::contiguous(&Tensor::from_node(x.clone()).contiguous_backward()?.node()))
}
