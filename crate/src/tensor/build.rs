//! Takes nodes that already fit; gives the node of one primitive: the words `tensor`, `grad` and `optim`
//! compose with. Nothing here checks a user's input.

use crate::graph::{Axes, Binary, DType, Mark, Node, Op, Pairs, Reduce, Scan, Shape, Unary, Window};
use smallvec::SmallVec;

/// A copy without a look at each element.
fn same(shape: &Shape) -> Shape {
    Shape::from_slice(shape)
}

pub(crate) fn unary(op: Unary, x: &Node) -> Node {
    Node::new(Op::Unary(op), std::slice::from_ref(x), same(&x.shape), x.dtype)
}

pub(crate) fn binary(op: Binary, a: &Node, b: &Node) -> Node {
    let dtype = match op {
        Binary::Lt | Binary::Eq => DType::Bool,
        Binary::Add
        | Binary::Sub
        | Binary::Mul
        | Binary::Div
        | Binary::IDiv
        | Binary::Mod
        | Binary::Max
        | Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::Shl
        | Binary::Shr => a.dtype,
    };
    Node::new(Op::Binary(op), &[a.clone(), b.clone()], same(&a.shape), dtype)
}

pub(crate) fn add(a: &Node, b: &Node) -> Node {
    binary(Binary::Add, a, b)
}

pub(crate) fn sub(a: &Node, b: &Node) -> Node {
    binary(Binary::Sub, a, b)
}

pub(crate) fn mul(a: &Node, b: &Node) -> Node {
    binary(Binary::Mul, a, b)
}

pub(crate) fn div(a: &Node, b: &Node) -> Node {
    binary(Binary::Div, a, b)
}

pub(crate) fn lt(a: &Node, b: &Node) -> Node {
    binary(Binary::Lt, a, b)
}

pub(crate) fn eq(a: &Node, b: &Node) -> Node {
    binary(Binary::Eq, a, b)
}

pub(crate) fn neg(x: &Node) -> Node {
    unary(Unary::Neg, x)
}

pub(crate) fn scale(x: &Node, by: f64) -> Node {
    mul(x, &like(x, by))
}

pub(crate) fn offset(x: &Node, by: f64) -> Node {
    add(x, &like(x, by))
}

/// The constant `value` in the shape and dtype of `x`.
pub(crate) fn like(x: &Node, value: f64) -> Node {
    Node::constant(value, same(&x.shape), x.dtype)
}

pub(crate) fn select(cond: &Node, yes: &Node, no: &Node) -> Node {
    Node::new(Op::Where, &[cond.clone(), yes.clone(), no.clone()], same(&yes.shape), yes.dtype)
}

pub(crate) fn cast(x: &Node, dtype: DType) -> Node {
    Node::new(Op::Cast, std::slice::from_ref(x), same(&x.shape), dtype)
}

pub(crate) fn bitcast(x: &Node, dtype: DType) -> Node {
    Node::new(Op::Bitcast, std::slice::from_ref(x), same(&x.shape), dtype)
}

/// The same value, cut from its history: a bitcast has no gradient.
pub(crate) fn detach(x: &Node) -> Node {
    if x.dtype.is_float() && x.as_const().is_none() { bitcast(x, x.dtype) } else { x.clone() }
}

pub(crate) fn contiguous(x: &Node) -> Node {
    Node::new(Op::Contiguous, std::slice::from_ref(x), same(&x.shape), x.dtype)
}

/// `value`, whose gradient does what `mark` says for the `inputs` it was computed from.
pub(crate) fn mark(mark: Mark, value: &Node, inputs: &[Node]) -> Node {
    let mut src = vec![value.clone()];
    src.extend_from_slice(inputs);
    Node::new(Op::Mark(mark), &src, same(&value.shape), value.dtype)
}

/// `x`, for kernels that run after the one that computes `first`; a node apart from `x`.
pub(crate) fn after(x: &Node, first: &Node) -> Node {
    Node::new(Op::After, &[x.clone(), first.clone()], same(&x.shape), x.dtype)
}

/// In the float that float functions give: ints and bool as float32, floats as they are.
pub(crate) fn as_float(x: &Node) -> Node {
    cast(x, x.dtype.float())
}

/// A float function of several steps: computed in at least float32, and rounded once to what `as_float` gives.
pub(crate) fn in_float(x: &Node, f: impl FnOnce(&Node) -> Node) -> Node {
    let dtype = x.dtype.float();
    cast(&f(&cast(x, dtype.accumulator())), dtype)
}

/// Reduced axes stay, with size 1. Computed in at least 32 bits, and rounded or wrapped once.
pub(crate) fn reduce(op: Reduce, x: &Node, axes: &[usize]) -> Node {
    let mut shape = same(&x.shape);
    axes.iter().for_each(|a| shape[*a] = 1);
    let dtype = x.dtype.accumulator();
    let node = Node::new(Op::Reduce(op, Axes::from_slice(axes)), &[cast(x, dtype)], shape, dtype);
    cast(&node, x.dtype)
}

pub(crate) fn sum(x: &Node, axes: &[usize]) -> Node {
    reduce(Reduce::Sum, x, axes)
}

/// `h[t] = a[t] · h[t − 1] + b[t]` along `axis`, with 0 before the first.
pub(crate) fn scan_linear(a: &Node, b: &Node, axis: usize) -> Node {
    scan(Scan::Linear, &[a.clone(), b.clone()], axis)
}

/// The largest so far along `axis`.
pub(crate) fn scan_max(x: &Node, axis: usize) -> Node {
    scan(Scan::Max, std::slice::from_ref(x), axis)
}

/// Computed in at least 32 bits, and rounded or wrapped once.
fn scan(op: Scan, src: &[Node], axis: usize) -> Node {
    let last = &src[src.len() - 1];
    if last.shape[axis] < 2 || last.numel() == 0 {
        return last.clone();
    }
    let dtype = last.dtype.accumulator();
    let src: SmallVec<[Node; 2]> = src.iter().map(|x| cast(x, dtype)).collect();
    cast(&Node::new(Op::Scan(op, axis), &src, same(&last.shape), dtype), last.dtype)
}

/// What stood one place earlier along `axis`, 0 at the first.
pub(crate) fn earlier(x: &Node, axis: usize) -> Node {
    let n = x.shape[axis];
    if n == 0 {
        return x.clone();
    }
    let mut kept: Pairs = x.shape.iter().map(|n| (0, *n)).collect();
    kept[axis].1 = n - 1;
    let mut pairs = Pairs::from_elem((0, 0), x.shape.len());
    pairs[axis].0 = 1;
    pad(&shrink(x, kept), pairs)
}

fn movement(op: Op, x: &Node, shape: Shape) -> Node {
    Node::new(op, std::slice::from_ref(x), shape, x.dtype)
}

pub(crate) fn reshape(x: &Node, shape: &[usize]) -> Node {
    movement(Op::Reshape, x, Shape::from_slice(shape))
}

pub(crate) fn expand(x: &Node, shape: &[usize]) -> Node {
    movement(Op::Expand, x, Shape::from_slice(shape))
}

pub(crate) fn permute(x: &Node, axes: &[usize]) -> Node {
    let shape = axes.iter().map(|a| x.shape[*a]).collect();
    movement(Op::Permute(Axes::from_slice(axes)), x, shape)
}

pub(crate) fn pad(x: &Node, pairs: Pairs) -> Node {
    let shape = x.shape.iter().zip(&pairs).map(|(n, (l, r))| n + l + r).collect();
    movement(Op::Pad(pairs), x, shape)
}

pub(crate) fn shrink(x: &Node, pairs: Pairs) -> Node {
    let shape = pairs.iter().map(|(start, end)| end - start).collect();
    movement(Op::Shrink(pairs), x, shape)
}

pub(crate) fn flip(x: &Node, axes: &[usize]) -> Node {
    movement(Op::Flip(Axes::from_slice(axes)), x, x.shape.clone())
}

/// `count` windows along `w.axis`; the elements of a window are the new last axis.
pub(crate) fn window(x: &Node, w: Window, count: usize) -> Node {
    // One window has no stride, one element no dilation: none is kept that indices of 32 bits cannot hold.
    let n = x.shape[w.axis].max(1);
    let w = Window { stride: w.stride.min(n), dilation: w.dilation.min(n), ..w };
    let mut shape = same(&x.shape);
    shape[w.axis] = count;
    shape.push(w.size);
    movement(Op::Window(w), x, shape)
}

/// Spreads windows back along `w.axis`, of length `w.size`; the last axis stays, to be summed by the caller.
pub(crate) fn unwindow(x: &Node, w: Window) -> Node {
    let mut shape = same(&x.shape);
    shape[w.axis] = w.size;
    movement(Op::Unwindow(w), x, shape)
}

/// Rows of `values` along axis 0 at the int32 positions `index`; out of range gives 0.
pub(crate) fn gather(values: &Node, index: &Node) -> Node {
    let shape = index.shape.iter().chain(&values.shape[1..]).copied().collect();
    Node::new(Op::Gather, &[values.clone(), index.clone()], shape, values.dtype)
}

/// `0, 1, 2, …` along `axis`, the same along all other axes of `shape`.
pub(crate) fn iota_along(shape: &[usize], axis: usize, dtype: DType) -> Node {
    let mut line = Shape::from_elem(1, shape.len());
    line[axis] = shape[axis];
    expand(&cast(&reshape(&Node::iota(shape[axis]), &line), dtype), shape)
}

/// The scalar at `position` of a 1-D node, at every position of `shape`.
pub(crate) fn scalar_at(x: &Node, position: usize, shape: &[usize]) -> Node {
    let one = shrink(x, Pairs::from_slice(&[(position, position + 1)]));
    expand(&reshape(&one, &Shape::from_elem(1, shape.len())), shape)
}
