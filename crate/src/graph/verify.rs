//! Checks that a graph keeps the rules every later stage relies on. A failure is our bug, never the user's.

use super::{Axes, Binary, DType, Node, Op, Scan, Unary, topo};

/// Panics on the first node below `roots` that breaks its op's shape or dtype rule.
pub fn verify(roots: &[Node]) {
    for node in topo(roots) {
        if let Err(rule) = check(&node.op, &node.src, &node.shape, node.dtype) {
            panic!("graph verifier: {node:?} with sources {:?}: {rule}", node.src);
        }
    }
}

/// Whether such a node keeps its op's rule. Total: any sources, shape and arguments may be asked about.
pub(super) fn check(op: &Op, src: &[Node], shape: &[usize], dtype: DType) -> Result<(), &'static str> {
    let ensure = |ok: bool, rule: &'static str| if ok { Ok(()) } else { Err(rule) };
    let count = match op {
        Op::Buffer(_) | Op::Const(_) | Op::Iota => Some(0),
        Op::Where => Some(3),
        Op::Binary(_) | Op::Gather | Op::After | Op::Scan(Scan::Linear, _) => Some(2),
        Op::Mark(_) | Op::Custom(_) => None,
        Op::Unary(_)
        | Op::Cast
        | Op::Bitcast
        | Op::Reduce(..)
        | Op::Scan(Scan::Max, _)
        | Op::Reshape
        | Op::Permute(_)
        | Op::Expand
        | Op::Pad(_)
        | Op::Shrink(_)
        | Op::Flip(_)
        | Op::Window(_)
        | Op::Unwindow(_)
        | Op::Contiguous => Some(1),
    };
    let fits = count.map_or(matches!(op, Op::Custom(_)) || !src.is_empty(), |n| src.len() == n);
    ensure(fits, "an op has its sources")?;
    let rank = shape.len();
    let first = src.first().map_or(&[][..], |s| &s.shape[..]);
    let own = src.first().map_or(dtype, |s| s.dtype);
    let same_shape = || ensure(src.iter().all(|s| s.shape[..] == *shape), "sources have the node's shape");
    let same_rank = || ensure(first.len() == rank, "as many axes as the source");
    let axes_of = |axes: &Axes| ensure(axes.iter().all(|a| *a < rank), "axes there are");
    if op.is_movement() {
        ensure(own == dtype, "movement keeps the dtype")?;
    }
    match op {
        Op::Buffer(_) | Op::Const(_) => Ok(()),
        Op::Iota => ensure(rank == 1 && dtype == DType::I32, "iota is 1-D int32"),
        Op::Unary(u) => {
            same_shape()?;
            ensure(own == dtype, "unary keeps the dtype")?;
            ensure(
                dtype.is_float() || matches!(u, Unary::Neg | Unary::Not | Unary::Trunc),
                "float function of floats",
            )
        }
        Op::Binary(b) => {
            same_shape()?;
            ensure(own == src[1].dtype, "binary sources agree on the dtype")?;
            match b {
                Binary::Lt | Binary::Eq => ensure(dtype == DType::Bool, "a comparison is bool"),
                Binary::Div => ensure(dtype.is_float() && dtype == own, "true division of floats"),
                _ => ensure(dtype == own, "binary keeps the dtype"),
            }
        }
        Op::Where => {
            same_shape()?;
            let branches = src[1].dtype == dtype && src[2].dtype == dtype;
            ensure(own == DType::Bool && branches, "where takes bool, a, a")
        }
        Op::Cast => same_shape(),
        Op::Bitcast => {
            same_shape()?;
            ensure(own.size() == dtype.size(), "bitcast keeps the size")
        }
        Op::Reduce(_, axes) => {
            same_rank()?;
            axes_of(axes)?;
            let kept = |(i, o): (usize, &usize)| if axes.contains(&i) { *o == 1 } else { *o == first[i] };
            ensure(own == dtype && shape.iter().enumerate().all(kept), "reduced axes have size 1")?;
            ensure(dtype.size() >= 4, "reductions accumulate in at least 32 bits")
        }
        Op::Scan(_, axis) => {
            same_shape()?;
            ensure(src.iter().all(|s| s.dtype == dtype), "a scan keeps the dtype")?;
            ensure(dtype.size() >= 4 && !shape.contains(&0), "a scan of at least 32 bits")?;
            ensure(shape.get(*axis).is_some_and(|n| *n > 1), "a scan has two elements or more")
        }
        Op::Reshape => {
            let numel = |shape: &[usize]| match shape.contains(&0) {
                true => Some(0),
                false => shape.iter().try_fold(1u64, |n, s| n.checked_mul(*s as u64)),
            };
            let equal = numel(shape).is_some_and(|n| Some(n) == numel(first));
            ensure(equal, "reshape keeps the number of elements")
        }
        Op::Permute(axes) => {
            same_rank()?;
            axes_of(axes)?;
            let all = axes.len() == rank && (0..rank).all(|a| axes.contains(&a));
            ensure(all && axes.iter().zip(shape).all(|(a, s)| first[*a] == *s), "permute reorders the axes")
        }
        Op::Expand => {
            same_rank()?;
            ensure(shape.iter().zip(first).all(|(o, s)| o == s || *s == 1), "expand grows axes of size 1")
        }
        Op::Pad(pairs) => {
            same_rank()?;
            let mut all = shape.iter().zip(first).zip(pairs);
            let sum = |((o, s), (l, r)): ((&usize, &usize), &(usize, usize))| {
                Some(*o) == s.checked_add(*l).and_then(|n| n.checked_add(*r))
            };
            ensure(pairs.len() == rank && all.all(sum), "pad adds its pairs")
        }
        Op::Shrink(pairs) => {
            same_rank()?;
            let mut all = shape.iter().zip(first).zip(pairs);
            let kept =
                |((o, s), (a, b)): ((&usize, &usize), &(usize, usize))| a <= b && b <= s && *o == b - a;
            ensure(pairs.len() == rank && all.all(kept), "shrink keeps [start, end)")
        }
        Op::Flip(axes) => {
            same_shape()?;
            axes_of(axes)
        }
        Op::Window(w) => {
            ensure(rank == first.len() + 1 && w.axis < first.len(), "window adds a last axis")?;
            ensure(w.size > 0 && shape[rank - 1] == w.size, "the last axis is the window")?;
            let reach = |n: usize, step: usize| (n.max(1) as u64 - 1).saturating_mul(step as u64);
            let last = reach(shape[w.axis], w.stride).saturating_add(reach(w.size, w.dilation));
            let rest = (0..rank - 1).all(|i| i == w.axis || shape[i] == first[i]);
            ensure(rest, "window keeps the other axes")?;
            ensure(shape[w.axis] == 0 || last < first[w.axis] as u64, "windows stay inside")
        }
        Op::Unwindow(w) => {
            same_rank()?;
            let restored = rank > 1 && w.axis < rank - 1 && w.stride > 0 && shape[w.axis] == w.size;
            let rest = (0..rank).all(|i| i == w.axis || shape[i] == first[i]);
            ensure(restored && rest, "unwindow restores its axis")
        }
        Op::Gather => {
            let at = &src[1].shape;
            ensure(
                src[1].dtype == DType::I32 && own == dtype && !first.is_empty(),
                "gather picks rows by int32",
            )?;
            ensure(shape.iter().eq(at.iter().chain(&first[1..])), "gather gives a row for each position")
        }
        Op::Custom(custom) => {
            let own = src.iter().map(|s| (&s.shape[..], s.dtype)).chain([(shape, dtype)]);
            let same = own.eq(custom.args.iter().map(|(s, d)| (&s[..], *d)));
            ensure(same, "a custom kernel has its own arguments")
        }
        Op::Contiguous => {
            same_shape()?;
            ensure(own == dtype, "contiguous keeps the dtype")
        }
        Op::Mark(_) | Op::After => ensure(first == shape && own == dtype, "it keeps its first source"),
    }
}
