//! Graph → graph, before fusion: sums of views of sums become one sum, movements sink below products, so that
//! convolution gradients are contractions like any other.

use crate::graph::{Axes, Binary, Node, Op, Pairs, Reduce, Shape, axis_groups, topo, walk};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

/// Equivalent outputs, in order, over the computed nodes and leaves `inputs`.
pub fn rewrite(outputs: &[Node], inputs: &[Node]) -> Vec<Node> {
    let mut now = outputs.to_vec();
    loop {
        let next = pass(&now);
        if next == now {
            return apart(&now, inputs);
        }
        now = next;
    }
}

/// A rewritten node may be one that was computed elsewhere. A plan knows structure alone and reads its inputs only:
/// such nodes, and their users, get likes of their own.
fn apart(outputs: &[Node], inputs: &[Node]) -> Vec<Node> {
    let inputs: FxHashSet<u64> = inputs.iter().map(|n| n.id).collect();
    let mut done: FxHashMap<u64, Node> = FxHashMap::default();
    for node in walk(outputs, |n| !inputs.contains(&n.id)) {
        let foreign = node.is_realized() && !inputs.contains(&node.id);
        let new = if foreign {
            node.unshared(node.src.iter().map(|s| done[&s.id].clone()).collect())
        } else if inputs.contains(&node.id) {
            node.clone()
        } else {
            rebuild(&node, &done)
        };
        done.insert(node.id, new);
    }
    outputs.iter().map(|n| done[&n.id].clone()).collect()
}

fn pass(outputs: &[Node]) -> Vec<Node> {
    let order = topo(outputs);
    let mut uses: FxHashMap<u64, usize> = FxHashMap::default();
    for node in order.iter().filter(|n| !n.is_realized()) {
        node.src.iter().for_each(|s| *uses.entry(s.id).or_default() += 1);
    }
    outputs.iter().for_each(|n| *uses.entry(n.id).or_default() += 2);
    let mut done: FxHashMap<u64, Node> = FxHashMap::default();
    for node in &order {
        let new = if node.is_realized() || node.src.is_empty() {
            node.clone()
        } else {
            of_nothing(node)
                .or_else(|| unmarked(node, &done))
                .or_else(|| sum_of_view(node, &uses, &done))
                .unwrap_or_else(|| rebuild(node, &done))
        };
        done.insert(node.id, new);
    }
    outputs.iter().map(|n| done[&n.id].clone()).collect()
}

/// Marks, and bitcasts to their own dtype, only tell gradients what to do.
fn unmarked(node: &Node, done: &FxHashMap<u64, Node>) -> Option<Node> {
    let cuts = matches!(node.op, Op::Bitcast) && node.src[0].dtype == node.dtype;
    let marks = cuts || matches!(node.op, Op::Mark(_));
    marks.then(|| done[&node.src[0].id].clone())
}

pub(super) fn rebuild(node: &Node, done: &FxHashMap<u64, Node>) -> Node {
    if node.src.iter().all(|s| done[&s.id] == *s) {
        return node.clone();
    }
    let src: Vec<Node> = node.src.iter().map(|s| done[&s.id].clone()).collect();
    Node::new(node.op.clone(), &src, node.shape.clone(), node.dtype)
}

/// Reducing or padding an empty node gives a constant.
fn of_nothing(node: &Node) -> Option<Node> {
    let value = match node.op {
        Op::Reduce(Reduce::Sum, _) | Op::Pad(_) => 0.0,
        Op::Reduce(Reduce::Prod, _) => 1.0,
        Op::Reduce(Reduce::Max, _) => node.dtype.min_value(),
        _ => return None,
    };
    (node.src[0].numel() == 0).then(|| Node::constant(value, node.shape.clone(), node.dtype))
}

/// `Σ view(Σ x)` → `Σ view'(x)` and `Σ view(a · b)` → `Σ view(a) · view(b)`, where nobody else needs the inner
/// value and the view repeats next to nothing.
fn sum_of_view(node: &Node, uses: &FxHashMap<u64, usize>, done: &FxHashMap<u64, Node>) -> Option<Node> {
    let Op::Reduce(Reduce::Sum, axes) = &node.op else { return None };
    let mut views = Vec::new();
    let mut below = node.src[0].clone();
    while below.op.is_movement() && !below.is_realized() && uses[&below.id] == 1 {
        views.push(below.clone());
        below = below.src[0].clone();
    }
    if below.is_realized() || uses[&below.id] != 1 {
        return None;
    }
    match &below.op {
        Op::Reduce(Reduce::Sum, inner) if node.src[0].numel() <= 2 * below.numel() && !ends_row(&below) => {
            let merged = merge_sums(axes, &views, &done[&below.src[0].id], inner, &node.shape, &below.shape);
            (!is_contraction(&below) || is_contraction(sum_below(&merged))).then_some(merged)
        }
        Op::Binary(Binary::Mul) if !views.is_empty() => {
            let sides: Vec<Node> =
                done[&below.id].src.iter().map(|s| apply_views(&views, s.clone(), &[])).collect();
            let product = Node::new(Op::Binary(Binary::Mul), &sides, node.src[0].shape.clone(), node.dtype);
            Some(Node::new(node.op.clone(), &[product], node.shape.clone(), node.dtype))
        }
        _ => None,
    }
}

/// Whether a sum is over rows that other reductions of the same rows lie below: its row kernel has it for nothing.
fn ends_row(sum: &Node) -> bool {
    let Op::Reduce(_, axes) = &sum.op else { return false };
    let same_row = |n: &Node| match &n.op {
        Op::Reduce(_, other) => other == axes && n.shape == sum.shape && !is_contraction(n),
        _ => false,
    };
    let enter = |n: &Node| !n.is_realized() && !matches!(n.op, Op::Reduce(..));
    walk(&sum.src, enter).iter().any(|n| !n.is_realized() && same_row(n))
}

fn sum_below(node: &Node) -> &Node {
    if matches!(node.op, Op::Reshape) { &node.src[0] } else { node }
}

/// `Σ_axes views(Σ_inner x)` as one sum; `opened` is the shape of the inner sum.
fn merge_sums(axes: &Axes, views: &[Node], x: &Node, inner: &Axes, shape: &Shape, opened: &Shape) -> Node {
    let tail: Vec<usize> = inner.iter().copied().filter(|a| x.shape[*a] > 1).collect();
    let order: Axes = (0..x.shape.len()).filter(|a| !tail.contains(a)).chain(tail.iter().copied()).collect();
    let extra: Vec<usize> = tail.iter().map(|a| x.shape[*a]).collect();
    let opened: Shape = opened.iter().chain(&extra).copied().collect();
    let moved = Node::new(Op::Reshape, &[permuted(x.clone(), order)], opened, x.dtype);
    let viewed = push_views(views, moved, &extra);
    let top = viewed.shape.len() - extra.len();
    let all: Axes = axes.iter().copied().chain(top..viewed.shape.len()).collect();
    let summed: Shape =
        viewed.shape.iter().enumerate().map(|(i, s)| if all.contains(&i) { 1 } else { *s }).collect();
    let sum = Node::new(Op::Reduce(Reduce::Sum, all), &[viewed], summed, x.dtype);
    Node::new(Op::Reshape, &[sum], shape.clone(), x.dtype)
}

/// The views over `x`, below a product where `x` is a view of one.
fn push_views(views: &[Node], x: Node, extra: &[usize]) -> Node {
    let mut inner = Vec::new();
    let mut below = x.clone();
    while below.op.is_movement() && !below.is_realized() {
        inner.push(below.clone());
        below = below.src[0].clone();
    }
    if !matches!(below.op, Op::Binary(Binary::Mul)) || below.is_realized() {
        return apply_views(views, x, extra);
    }
    let sides: Vec<Node> =
        below.src.iter().map(|s| apply_views(views, apply_views(&inner, s.clone(), &[]), extra)).collect();
    Node::new(Op::Binary(Binary::Mul), &sides, sides[0].shape.clone(), below.dtype)
}

/// Applies movement nodes (outermost first) to `x`, which carries `extra` untouched trailing axes.
fn apply_views(views: &[Node], x: Node, extra: &[usize]) -> Node {
    views.iter().rev().fold(x, |x, view| {
        let n = view.shape.len();
        let tail = |shape: &Shape| -> Shape { shape.iter().chain(extra).copied().collect() };
        let pairs = |p: &Pairs, full: bool| -> Pairs {
            p.iter().copied().chain(extra.iter().map(|e| if full { (0, *e) } else { (0, 0) })).collect()
        };
        let (op, shape) = match &view.op {
            Op::Reshape => (Op::Reshape, tail(&view.shape)),
            Op::Expand => (Op::Expand, tail(&view.shape)),
            Op::Permute(axes) => {
                (Op::Permute(axes.iter().copied().chain(n..n + extra.len()).collect()), tail(&view.shape))
            }
            Op::Pad(p) => (Op::Pad(pairs(p, false)), tail(&view.shape)),
            Op::Shrink(p) => (Op::Shrink(pairs(p, true)), tail(&view.shape)),
            Op::Flip(axes) => (Op::Flip(axes.clone()), tail(&view.shape)),
            Op::Window(_) | Op::Unwindow(_) => return window_view(view, x, extra),
            _ => unreachable!("only movements are views"),
        };
        Node::new(op, &[x], shape, view.dtype)
    })
}

/// Windows put `k` last, so the trailing axes step aside for it and back.
fn window_view(view: &Node, x: Node, extra: &[usize]) -> Node {
    let (n, e) = (view.shape.len(), extra.len());
    let x = if matches!(view.op, Op::Window(_)) {
        x
    } else {
        permuted(x, (0..n - 1).chain(n..n + e).chain([n - 1]).collect())
    };
    let shape: Shape = view.shape[..n - 1].iter().chain(extra).chain(&view.shape[n - 1..]).copied().collect();
    let viewed = Node::new(view.op.clone(), &[x], shape, view.dtype);
    permuted(viewed, (0..n - 1).chain([n - 1 + e]).chain(n - 1..n - 1 + e).collect())
}

fn permuted(x: Node, axes: Axes) -> Node {
    let shape: Shape = axes.iter().map(|a| x.shape[*a]).collect();
    let dtype = x.dtype;
    Node::new(Op::Permute(axes), &[x], shape, dtype)
}

/// True for a sum of products in which each factor is constant along an axis, larger than 1, that the other varies over.
pub fn is_contraction(node: &Node) -> bool {
    let Op::Reduce(Reduce::Sum, axes) = &node.op else { return false };
    let product = &node.src[0];
    if product.is_realized() || !matches!(product.op, Op::Binary(Binary::Mul)) || !product.dtype.is_float() {
        return false;
    }
    let (a, b) = (constant_axes(&product.src[0]), constant_axes(&product.src[1]));
    let kept = (0..product.shape.len()).filter(|i| !axes.contains(i) && product.shape[*i] > 1);
    let kept = kept.fold(0, |bits, i| bits | 1 << i);
    kept & a & !b != 0 && kept & b & !a != 0
}

thread_local! {
    /// What `constant_axes` found, by node: a graph of many paths is walked once.
    static CONSTANT: RefCell<FxHashMap<u64, u64>> = RefCell::default();
}

/// Forgets what was found of nodes that may have been computed since.
pub fn forget() {
    CONSTANT.with_borrow_mut(FxHashMap::clear);
}

/// The axes, as bits, along which the node is known to be constant.
fn constant_axes(node: &Node) -> u64 {
    if let Some(known) = CONSTANT.with_borrow(|c| c.get(&node.id).copied()) {
        return known;
    }
    let found = if node.is_realized() { 0 } else { find_constant_axes(node) };
    CONSTANT.with_borrow_mut(|c| c.insert(node.id, found));
    found
}

fn find_constant_axes(node: &Node) -> u64 {
    let rank = node.shape.len();
    let all = (1u64 << rank) - 1;
    let below = || constant_axes(&node.src[0]);
    let where_axis =
        |keep: &dyn Fn(usize) -> bool| (0..rank).filter(|i| keep(*i)).fold(0u64, |bits, i| bits | 1 << i);
    match &node.op {
        Op::Const(_) => all,
        Op::Buffer(_) | Op::Iota | Op::Gather | Op::Bitcast | Op::Custom(_) => 0,
        Op::Unary(_) | Op::Binary(_) | Op::Where | Op::Cast | Op::Contiguous => {
            node.src.iter().fold(all, |bits, s| bits & constant_axes(s))
        }
        Op::After | Op::Mark(_) => below(),
        Op::Reduce(_, axes) => below() | axes.iter().fold(0, |bits, a| bits | 1 << a),
        Op::Scan(_, axis) => node.src.iter().fold(all, |bits, s| bits & constant_axes(s)) & !(1 << axis),
        Op::Expand => below() | where_axis(&|i| node.src[0].shape[i] < node.shape[i]),
        Op::Permute(axes) => {
            let below = below();
            where_axis(&|i| below >> axes[i] & 1 == 1)
        }
        Op::Shrink(_) | Op::Flip(_) => below(),
        Op::Pad(pairs) => below() & where_axis(&|i| pairs[i] == (0, 0)),
        Op::Reshape => {
            let (below, mut out) = (below(), 0);
            for (from, to) in axis_groups(&node.src[0].shape, &node.shape) {
                if from.clone().all(|i| below >> i & 1 == 1 || node.src[0].shape[i] == 1) {
                    to.for_each(|i| out |= 1 << i);
                }
            }
            out
        }
        Op::Window(w) => {
            let below = below();
            below | (below >> w.axis & 1) << (rank - 1)
        }
        // Zero or the constant, decided by the other axis: constant along neither in general, but a product's
        // mask may move to the other factor, which is what `lower` does.
        Op::Unwindow(w) => below() | where_axis(&|i| i == w.axis && node.src[0].shape[i] == 1),
    }
}
