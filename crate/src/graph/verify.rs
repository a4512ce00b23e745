//! Checks that a graph keeps the rules every later stage relies on. A failure is our bug, never the user's.

use super::{Binary, DType, Node, Op, Scan, Unary, topo};

/// Panics on the first node below `roots` that breaks its op's shape or dtype rule.
pub fn verify(roots: &[Node]) {
    for node in topo(roots) {
        if let Err(rule) = check(&node) {
            panic!("graph verifier: {node:?} with sources {:?}: {rule}", node.src);
        }
    }
}

fn check(n: &Node) -> Result<(), &'static str> {
    let ensure = |ok: bool, rule: &'static str| if ok { Ok(()) } else { Err(rule) };
    let same_shape = || ensure(n.src.iter().all(|s| s.shape == n.shape), "sources have the node's shape");
    if n.op.is_movement() {
        ensure(n.src.len() == 1 && n.src[0].dtype == n.dtype, "movement keeps the dtype")?;
    }
    match &n.op {
        Op::Buffer(_) | Op::Const(_) => ensure(n.src.is_empty(), "leaves have no sources"),
        Op::Iota => ensure(n.shape.len() == 1 && n.dtype == DType::I32, "iota is 1-D int32"),
        Op::Unary(u) => {
            same_shape()?;
            ensure(n.src[0].dtype == n.dtype, "unary keeps the dtype")?;
            ensure(
                n.dtype.is_float() || matches!(u, Unary::Neg | Unary::Not | Unary::Trunc),
                "float function of floats",
            )
        }
        Op::Binary(b) => {
            same_shape()?;
            ensure(n.src[0].dtype == n.src[1].dtype, "binary sources agree on the dtype")?;
            match b {
                Binary::Lt | Binary::Eq => ensure(n.dtype == DType::Bool, "a comparison is bool"),
                Binary::Div => ensure(n.dtype.is_float(), "true division of floats"),
                _ => ensure(n.dtype == n.src[0].dtype, "binary keeps the dtype"),
            }
        }
        Op::Where => {
            same_shape()?;
            ensure(
                n.src[0].dtype == DType::Bool && n.src[1].dtype == n.dtype && n.src[2].dtype == n.dtype,
                "where takes bool, a, a",
            )
        }
        Op::Cast => same_shape(),
        Op::Bitcast => {
            same_shape()?;
            ensure(n.src[0].dtype.size() == n.dtype.size(), "bitcast keeps the size")
        }
        Op::Reduce(_, axes) => ensure(
            n.shape.len() == n.src[0].shape.len()
                && n.src[0].dtype == n.dtype
                && n.shape
                    .iter()
                    .zip(&n.src[0].shape)
                    .enumerate()
                    .all(|(i, (o, s))| if axes.contains(&i) { *o == 1 } else { o == s }),
            "reduced axes have size 1",
        )
        .and(ensure(n.dtype.size() >= 4, "reductions accumulate in at least 32 bits")),
        Op::Scan(op, axis) => {
            same_shape()?;
            let sources = if *op == Scan::Linear { 2 } else { 1 };
            ensure(
                n.src.len() == sources && n.src.iter().all(|s| s.dtype == n.dtype),
                "a scan keeps the dtype",
            )?;
            ensure(n.dtype.size() >= 4 && n.numel() > 0, "a scan of at least 32 bits")?;
            ensure(n.shape.get(*axis).is_some_and(|n| *n > 1), "a scan has two elements or more")
        }
        Op::Reshape => ensure(n.numel() == n.src[0].numel(), "reshape keeps the number of elements"),
        Op::Permute(axes) => ensure(
            axes.len() == n.shape.len() && axes.iter().zip(&n.shape).all(|(a, s)| n.src[0].shape[*a] == *s),
            "permute reorders the axes",
        ),
        Op::Expand => ensure(
            n.shape.len() == n.src[0].shape.len()
                && n.shape.iter().zip(&n.src[0].shape).all(|(o, s)| o == s || *s == 1),
            "expand grows axes of size 1",
        ),
        Op::Pad(pairs) => ensure(
            n.shape.iter().zip(&n.src[0].shape).zip(pairs).all(|((o, s), (l, r))| *o == s + l + r),
            "pad adds its pairs",
        ),
        Op::Shrink(pairs) => ensure(
            n.shape
                .iter()
                .zip(&n.src[0].shape)
                .zip(pairs)
                .all(|((o, s), (a, b))| a <= b && b <= s && *o == b - a),
            "shrink keeps [start, end)",
        ),
        Op::Flip(axes) => ensure(
            n.shape == n.src[0].shape && axes.iter().all(|a| *a < n.shape.len()),
            "flip keeps the shape",
        ),
        Op::Window(w) => {
            let (s, rank) = (&n.src[0].shape, n.src[0].shape.len());
            ensure(n.shape.len() == rank + 1 && n.shape[rank] == w.size, "window adds a last axis")?;
            let last = (n.shape[w.axis].max(1) - 1) * w.stride + (w.size - 1) * w.dilation;
            ensure(n.shape[w.axis] == 0 || last < s[w.axis], "windows stay inside")
        }
        Op::Unwindow(w) => ensure(
            n.shape.len() == n.src[0].shape.len()
                && n.shape[w.axis] == w.size
                && n.shape.last() == n.src[0].shape.last(),
            "unwindow restores its axis",
        ),
        Op::Gather => ensure(
            n.src[1].dtype == DType::I32
                && n.src[0].dtype == n.dtype
                && n.shape[..n.src[1].shape.len()] == n.src[1].shape[..]
                && n.shape[n.src[1].shape.len()..] == n.src[0].shape[1..],
            "gather picks rows by int32",
        ),
        Op::Custom(custom) => {
            let own = n.src.iter().map(|s| (&s.shape, s.dtype)).chain([(&n.shape, n.dtype)]);
            ensure(own.eq(custom.args.iter().map(|(s, d)| (s, *d))), "a custom kernel has its own arguments")
        }
        Op::Contiguous => same_shape(),
        Op::Mark(_) => {
            ensure(n.src[0].shape == n.shape && n.src[0].dtype == n.dtype, "a mark keeps its first source")
        }
        Op::After => ensure(
            n.src.len() == 2 && n.src[0].shape == n.shape && n.src[0].dtype == n.dtype,
            "after keeps its first source",
        ),
    }
}
