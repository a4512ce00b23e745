//! Takes a scalar node; gives nodes that compute its gradients. One rule per op; what the rules build are ordinary
//! nodes, so gradients differentiate again.

use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Mark, Node, Op, Pairs, Reduce, Scan, Unary, Window, walk},
    tensor::{Tensor, build},
};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::{SmallVec, smallvec};
use std::f64::consts::{FRAC_PI_2, LN_2};

type Sources = SmallVec<[Option<Node>; 3]>;

/// The gradients of a scalar with respect to tensors, as tensors that differentiate again.
///
/// # Errors
/// Those of [`Tensor::gradient`].
pub fn grad(loss: &Tensor, tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    loss.gradient(tensors, None, false)
}

/// What the gradient of `root` starts with: `gradient`, or 1 where `root` is a scalar.
pub(crate) fn seed(op: &str, root: &Node, gradient: Option<&Tensor>) -> Result<Node> {
    if !root.dtype.is_float() {
        return Err(Error::dtype(
            op,
            root.dtype.name(),
            "a float dtype",
            "compute the loss from float tensors",
        ));
    }
    let Some(gradient) = gradient.map(Tensor::node) else {
        return match root.numel() {
            1 => Ok(build::like(root, 1.0)),
            _ => Err(Error::shape(
                op,
                format!("shape {:?}", root.shape.as_slice()),
                "a scalar",
                "reduce the loss first, with mean() or sum(), or give its gradient",
            )),
        };
    };
    if gradient.shape != root.shape {
        return Err(Error::shape(
            op,
            format!("a gradient of shape {:?}", gradient.shape.as_slice()),
            format!("{:?}, the shape of what is differentiated", root.shape.as_slice()),
            "expand or reshape the gradient",
        ));
    }
    Ok(build::cast(&gradient, root.dtype))
}

/// Every node a gradient can reach from a root, sources first, computed or not.
pub(crate) struct History {
    order: Vec<Node>,
    ids: FxHashSet<u64>,
}

impl History {
    pub(crate) fn of(root: &Node) -> History {
        let order = walk(std::slice::from_ref(root), |n| n.dtype.is_float() && !matches!(n.op, Op::Bitcast));
        let ids = order.iter().map(|n| n.id).collect();
        History { order, ids }
    }

    pub(crate) fn contains(&self, node: &Node) -> bool {
        self.ids.contains(&node.id)
    }

    /// The gradient for each target, given that of `root`; none where every path to it is constant.
    pub(crate) fn gradients(&self, root: &Node, seed: Node, targets: &[Node]) -> Result<Vec<Option<Node>>> {
        let mut wanted: FxHashSet<u64> = targets.iter().map(|t| t.id).collect();
        for node in &self.order {
            let passes = node.dtype.is_float() && !matches!(node.op, Op::Bitcast);
            if passes && node.src.iter().any(|s| wanted.contains(&s.id)) {
                wanted.insert(node.id);
            }
        }
        let mut gradients: FxHashMap<u64, Node> = FxHashMap::default();
        gradients.insert(root.id, seed);
        let mut again: FxHashMap<u64, Node> = FxHashMap::default();
        for node in self.order.iter().rev().filter(|n| wanted.contains(&n.id)) {
            let Some(g) = gradients.get(&node.id).cloned() else { continue };
            if !node.src.iter().any(|s| wanted.contains(&s.id)) {
                continue;
            }
            if matches!(node.op, Op::Mark(Mark::Checkpoint)) {
                recompute(node, &g, &mut again);
            }
            let parts = rule(again.get(&node.id).unwrap_or(node), &g)?;
            for (source, part) in node.src.iter().zip(parts) {
                let Some(part) = part.filter(|_| wanted.contains(&source.id)) else { continue };
                let total = match gradients.get(&source.id) {
                    Some(sum) => build::add(sum, &part),
                    None => part,
                };
                gradients.insert(source.id, total);
            }
        }
        Ok(targets.iter().map(|t| gradients.get(&t.id).cloned()).collect())
    }
}

/// Adds to `again`, for every node between the inputs of a checkpoint and its value, its like over inputs that wait
/// for the gradient `g` of the checkpoint.
fn recompute(mark: &Node, g: &Node, again: &mut FxHashMap<u64, Node>) {
    let (value, inputs) = (&mark.src[0], &mark.src[1..]);
    let mut made: FxHashMap<u64, Node> = FxHashMap::default();
    for x in inputs {
        made.insert(x.id, build::after(again.get(&x.id).unwrap_or(x), g));
    }
    for node in walk(std::slice::from_ref(value), |n| !inputs.contains(n) && !n.is_realized()) {
        let inside = !node.is_realized() && node.src.iter().any(|s| made.contains_key(&s.id));
        if inside && !made.contains_key(&node.id) {
            let now = |s: &Node| made.get(&s.id).or_else(|| again.get(&s.id)).unwrap_or(s).clone();
            let src: Vec<Node> = node.src.iter().map(now).collect();
            made.insert(node.id, Node::new(node.op.clone(), &src, node.shape.clone(), node.dtype));
        }
    }
    inputs.iter().for_each(|x| drop(made.remove(&x.id)));
    again.extend(made);
}

/// The gradient of each source of `n`, given the gradient `g` of `n`; none where it is 0 everywhere.
fn rule(n: &Node, g: &Node) -> Result<Sources> {
    let src = |i: usize| &n.src[i];
    Ok(match &n.op {
        Op::Buffer(_) | Op::Const(_) | Op::Iota => smallvec![],
        Op::Unary(op) => smallvec![unary(*op, src(0), n, g)],
        Op::Binary(op) => binary(*op, src(0), src(1), n, g).into_iter().collect(),
        Op::Where => {
            let zero = build::like(g, 0.0);
            smallvec![None, Some(build::select(src(0), g, &zero)), Some(build::select(src(0), &zero, g))]
        }
        Op::Cast => smallvec![Some(build::cast(g, src(0).dtype))],
        Op::Bitcast => smallvec![None],
        Op::Reduce(op, axes) => smallvec![Some(reduce(*op, axes, src(0), n, g))],
        Op::Scan(Scan::Linear, axis) => {
            let total = scan_back(src(0), g, *axis);
            smallvec![Some(build::mul(&total, &build::earlier(n, *axis))), Some(total)]
        }
        Op::Scan(Scan::Max, axis) => smallvec![Some(scan_max(src(0), n, g, *axis))],
        Op::Reshape => smallvec![Some(build::reshape(g, &src(0).shape))],
        Op::Permute(axes) => {
            let mut inverse: Axes = axes.clone();
            axes.iter().enumerate().for_each(|(i, a)| inverse[*a] = i);
            smallvec![Some(build::permute(g, &inverse))]
        }
        Op::Expand => {
            let grown = |i: &usize| src(0).shape[*i] == 1 && n.shape[*i] != 1;
            let axes: Axes = (0..n.shape.len()).filter(grown).collect();
            smallvec![Some(build::sum(g, &axes))]
        }
        Op::Pad(pairs) => {
            let inside = pairs.iter().zip(&src(0).shape).map(|((l, _), n)| (*l, l + n)).collect();
            smallvec![Some(build::shrink(g, inside))]
        }
        Op::Shrink(pairs) => {
            let around: Pairs = pairs.iter().zip(&src(0).shape).map(|((a, b), n)| (*a, n - b)).collect();
            smallvec![Some(build::pad(g, around))]
        }
        Op::Flip(axes) => smallvec![Some(build::flip(g, axes))],
        Op::Window(w) => {
            let spread = build::unwindow(g, Window { size: src(0).shape[w.axis], ..*w });
            let last = spread.shape.len() - 1;
            smallvec![Some(build::reshape(&build::sum(&spread, &[last]), &src(0).shape))]
        }
        Op::Unwindow(w) => smallvec![Some(unwindow(*w, src(0), g))],
        Op::Gather => smallvec![Some(gather(src(0), src(1), g)), None],
        Op::Custom(_) => n.src.iter().map(|_| None).collect(),
        Op::Contiguous => smallvec![Some(g.clone())],
        Op::After | Op::Mark(Mark::Checkpoint) => smallvec![Some(g.clone())],
        Op::Mark(Mark::Custom(backward)) => std::iter::once(None).chain(backward(n, g)?).collect(),
    })
}

fn unary(op: Unary, x: &Node, y: &Node, g: &Node) -> Option<Node> {
    match op {
        Unary::Neg => Some(build::neg(g)),
        Unary::Recip => Some(build::neg(&build::mul(g, &build::mul(y, y)))),
        Unary::Sqrt => Some(build::div(&build::scale(g, 0.5), y)),
        // Where nothing depends on it, an overflow is no gradient: sigmoid's of -100 is 0, not 0·∞. What is finite
        // stays: the gradient itself depends on `g`, also at 0.
        Unary::Exp2 => {
            let zero = build::like(g, 0.0);
            let finite = build::select(&build::eq(y, &build::like(y, f64::INFINITY)), &zero, y);
            let y = build::select(&build::eq(g, &zero), &finite, y);
            Some(build::mul(g, &build::scale(&y, LN_2)))
        }
        Unary::Log2 => Some(build::div(&build::scale(g, 1.0 / LN_2), x)),
        Unary::Sin => Some(build::mul(g, &build::unary(Unary::Sin, &build::offset(x, FRAC_PI_2)))),
        Unary::Trunc | Unary::Not => None,
    }
}

fn binary(op: Binary, a: &Node, b: &Node, y: &Node, g: &Node) -> [Option<Node>; 2] {
    match op {
        Binary::Add => [Some(g.clone()), Some(g.clone())],
        Binary::Sub => [Some(g.clone()), Some(build::neg(g))],
        Binary::Mul => [Some(build::mul(g, b)), Some(build::mul(g, a))],
        Binary::Div => [Some(build::div(g, b)), Some(build::neg(&build::div(&build::mul(g, y), b)))],
        Binary::Mod => {
            let whole = build::unary(Unary::Trunc, &build::div(a, b));
            [Some(g.clone()), Some(build::neg(&build::mul(g, &whole)))]
        }
        // From the result alone, so that relu's input needs no buffer; 0 at the kink, as PyTorch's.
        Binary::Max if b.as_const().is_some() => {
            [Some(build::select(&build::lt(b, y), g, &build::like(g, 0.0))), None]
        }
        Binary::Max => {
            let zero = build::like(g, 0.0);
            let tied = build::select(&build::eq(a, b), &build::scale(g, 0.5), g);
            let loser = |x: &Node, other: &Node| build::select(&build::lt(x, other), &zero, &tied);
            [Some(loser(a, b)), Some(loser(b, a))]
        }
        Binary::IDiv
        | Binary::Lt
        | Binary::Eq
        | Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::Shl
        | Binary::Shr => [None, None],
    }
}

fn reduce(op: Reduce, axes: &Axes, x: &Node, y: &Node, g: &Node) -> Node {
    let all = |v: &Node| build::expand(v, &x.shape);
    match op {
        Reduce::Sum => all(g),
        Reduce::Max => {
            let best = build::cast(&build::eq(x, &all(y)), x.dtype);
            let share = build::div(g, &build::sum(&best, axes));
            build::mul(&best, &all(&share))
        }
        Reduce::Prod => {
            let partial = axes.iter().scan(x.clone(), |x, axis| {
                let next = build::reduce(Reduce::Prod, x, &[*axis]);
                Some((std::mem::replace(x, next), *axis))
            });
            let partial: Vec<(Node, usize)> = partial.collect();
            let back = |g: Node, (x, axis): &(Node, usize)| {
                build::mul(&build::expand(&g, &x.shape), &others(x, *axis))
            };
            partial.iter().rev().fold(g.clone(), back)
        }
    }
}

/// The product of all others along an axis: of those before times those after. It divides by nothing, so its own
/// gradients are right where factors are 0.
fn others(x: &Node, axis: usize) -> Node {
    let place = build::iota_along(&x.shape, axis, DType::I32);
    let first = build::cast(&build::eq(&place, &build::like(&place, 0.0)), x.dtype);
    let before = |x: &Node| build::scan_linear(&build::earlier(x, axis), &first, axis);
    let turned = |x: &Node| build::flip(x, &[axis]);
    build::mul(&before(x), &turned(&before(&turned(x))))
}

/// `G[t] = g[t] + a[t + 1] · G[t + 1]`: what each element of the recurrence owes to itself and all that follow.
fn scan_back(a: &Node, g: &Node, axis: usize) -> Node {
    let turned = |x: &Node| build::flip(x, &[axis]);
    turned(&build::scan_linear(&build::earlier(&turned(a), axis), &turned(g), axis))
}

/// Each element that was the largest when it came takes the gradients from there to the next such element: at a tie
/// the latest has it, as in PyTorch's cummax.
fn scan_max(x: &Node, y: &Node, g: &Node, axis: usize) -> Node {
    let record = is_record(x, y);
    let (one, zero) = (build::like(g, 1.0), build::like(g, 0.0));
    let follows = build::select(&record, &zero, &one);
    build::select(&record, &scan_back(&follows, g, axis), &zero)
}

/// Where `x` is its own largest so far; NaN is larger than all numbers.
pub(crate) fn is_record(x: &Node, largest: &Node) -> Node {
    let not_a_number = build::unary(Unary::Not, &build::eq(x, x));
    build::binary(Binary::Or, &build::eq(x, largest), &not_a_number)
}

/// Windows over the gradient: over what the last axis repeats, as it does where that axis is summed, else over all
/// of it, of which each element takes the one at its own place in the window.
fn unwindow(w: Window, x: &Node, g: &Node) -> Node {
    let (k_axis, count) = (x.shape.len() - 1, x.shape[w.axis]);
    let size = x.shape[k_axis];
    if matches!(g.op, Op::Expand) && g.src[0].shape[..k_axis] == g.shape[..k_axis] {
        let line = build::reshape(&g.src[0], &g.shape[..k_axis]);
        return build::window(&line, Window { size, ..w }, count);
    }
    let windows = build::window(g, Window { size, ..w }, count);
    let own = build::iota_along(&windows.shape, k_axis, DType::I32);
    let place = build::iota_along(&windows.shape, k_axis + 1, DType::I32);
    let kept = build::select(&build::eq(&own, &place), &windows, &build::like(&windows, 0.0));
    build::reshape(&build::sum(&kept, &[k_axis + 1]), &x.shape)
}

/// One-hot rows times the gradient, summed over all picks: a contraction, so the sum has one order on every device.
fn gather(values: &Node, index: &Node, g: &Node) -> Node {
    let (picks, rows) = (index.numel(), values.shape[0]);
    let width: usize = values.shape[1..].iter().product();
    let full = [picks, rows, width];
    let wanted = build::expand(&build::reshape(index, &[picks, 1]), &[picks, rows]);
    let hit = build::eq(&wanted, &build::iota_along(&[picks, rows], 1, DType::I32));
    let wide = g.dtype.accumulator();
    let one_hot = build::reshape(&build::cast(&hit, wide), &[picks, rows, 1]);
    let rows_of_g = build::reshape(&build::cast(g, wide), &[picks, 1, width]);
    let products = build::mul(&build::expand(&one_hot, &full), &build::expand(&rows_of_g, &full));
    build::cast(&build::reshape(&build::sum(&products, &[0]), &values.shape), g.dtype)
}
