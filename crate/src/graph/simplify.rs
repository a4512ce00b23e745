//! Local rules, applied when a node is made: constants fold, identities vanish, movements of movements merge.

use super::{Axes, Binary, DType, Node, Op, Reduce, Shape, Unary};

/// The simpler node equal to `op(src)`, where a rule knows one.
pub(crate) fn fold_constants(op: &Op, src: &[Node], shape: &Shape, dtype: DType) -> Option<Node> {
    let first = src.first()?;
    match op {
        Op::Reshape | Op::Expand | Op::Permute(_) | Op::Shrink(_) | Op::Flip(_)
            if first.as_const().is_some() =>
        {
            return Some(Node::constant(first.as_const()?, shape.clone(), dtype));
        }
        Op::Reshape if matches!(first.op, Op::Reshape) && !first.is_realized() => {
            return Some(Node::new(Op::Reshape, &first.src, shape.clone(), dtype));
        }
        Op::Reshape | Op::Expand if first.shape == *shape => return Some(first.clone()),
        Op::Permute(axes) => return permute(axes, first, shape, dtype),
        Op::Shrink(pairs) if pairs.iter().zip(&first.shape).all(|(p, n)| *p == (0, *n)) => {
            return Some(first.clone());
        }
        Op::Pad(pairs) if pairs.iter().all(|p| *p == (0, 0)) => return Some(first.clone()),
        Op::Flip(axes) if axes.iter().all(|a| first.shape[*a] == 1) => return Some(first.clone()),
        Op::Reduce(_, axes) if axes.iter().all(|a| first.shape[*a] == 1) => return Some(first.clone()),
        Op::Reduce(Reduce::Sum, axes) if dtype.is_float() => return common_factor(axes, first, shape),
        Op::Cast if first.dtype == dtype => return Some(first.clone()),
        Op::Cast => {
            return Some(Node::constant(cast(first.as_const()?, first.dtype, dtype), shape.clone(), dtype));
        }
        Op::Contiguous if matches!(first.op, Op::Contiguous | Op::Buffer(_)) => return Some(first.clone()),
        Op::Unary(u) if dtype.is_float() => {
            return Some(Node::constant(dtype.hold(unary(*u, first.as_const()?)?), shape.clone(), dtype));
        }
        Op::Binary(b) => return binary(*b, first, &src[1], shape, dtype),
        Op::Where => {
            return first.as_const().map(|c| src[if c != 0.0 { 1 } else { 2 }].clone());
        }
        _ => {}
    }
    None
}

/// `Σ −x` is `−Σ x`, and `Σ c·x` is `c·Σ x` where `c` is the same along all that is summed: sums that differ only
/// in such factors become one node.
fn common_factor(axes: &Axes, x: &Node, shape: &Shape) -> Option<Node> {
    if x.is_realized() {
        return None;
    }
    let sum = |x: &Node| {
        Node::new(Op::Reduce(Reduce::Sum, axes.clone()), std::slice::from_ref(x), shape.clone(), x.dtype)
    };
    let same = |c: &Node| match &c.op {
        Op::Const(bits) => Some(Node::constant(f64::from_bits(*bits), shape.clone(), c.dtype)),
        Op::Expand if !c.is_realized() && axes.iter().all(|a| c.src[0].shape[*a] == 1) => {
            Some(Node::new(Op::Expand, &c.src, shape.clone(), c.dtype))
        }
        _ => None,
    };
    match x.op {
        Op::Unary(Unary::Neg) => Some(Node::new(x.op.clone(), &[sum(&x.src[0])], shape.clone(), x.dtype)),
        Op::Binary(Binary::Mul) => {
            let (a, b) = (&x.src[0], &x.src[1]);
            let (c, rest) = same(b).map(|c| (c, a)).or_else(|| same(a).map(|c| (c, b)))?;
            Some(Node::new(x.op.clone(), &[sum(rest), c], shape.clone(), x.dtype))
        }
        _ => None,
    }
}

fn permute(axes: &Axes, src: &Node, shape: &Shape, dtype: DType) -> Option<Node> {
    if axes.iter().enumerate().all(|(i, a)| i == *a) {
        return Some(src.clone());
    }
    match &src.op {
        Op::Permute(inner) if !src.is_realized() => {
            let both: Axes = axes.iter().map(|a| inner[*a]).collect();
            Some(Node::new(Op::Permute(both), &src.src, shape.clone(), dtype))
        }
        _ => None,
    }
}

fn binary(op: Binary, a: &Node, b: &Node, shape: &Shape, dtype: DType) -> Option<Node> {
    let (ca, cb) = (a.as_const(), b.as_const());
    if let (Some(x), Some(y)) = (ca, cb)
        && a.dtype.is_float()
    {
        return Some(Node::constant(dtype.hold(float_binary(op, x, y)?), shape.clone(), dtype));
    }
    match op {
        Binary::Add if cb == Some(0.0) => Some(a.clone()),
        Binary::Add if ca == Some(0.0) => Some(b.clone()),
        Binary::Sub if cb == Some(0.0) => Some(a.clone()),
        Binary::Mul if cb == Some(1.0) => Some(a.clone()),
        Binary::Mul if ca == Some(1.0) => Some(b.clone()),
        Binary::Mul if cb == Some(0.0) || ca == Some(0.0) => Some(Node::constant(0.0, shape.clone(), dtype)),
        Binary::Div | Binary::IDiv if cb == Some(1.0) => Some(a.clone()),
        _ => None,
    }
}

pub(super) fn unary(op: Unary, x: f64) -> Option<f64> {
    Some(match op {
        Unary::Neg => -x,
        Unary::Recip => 1.0 / x,
        Unary::Sqrt => x.sqrt(),
        Unary::Exp2 => x.exp2(),
        Unary::Log2 => x.log2(),
        Unary::Sin => x.sin(),
        Unary::Trunc => x.trunc(),
        Unary::Not => return None,
    })
}

pub(super) fn float_binary(op: Binary, x: f64, y: f64) -> Option<f64> {
    Some(match op {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div => x / y,
        Binary::Max if !x.is_nan() && !y.is_nan() => x.max(y),
        Binary::Lt => (x < y) as u8 as f64,
        Binary::Eq => (x == y) as u8 as f64,
        _ => return None,
    })
}

/// The value of a constant in another dtype: integers wrap, as the devices' casts do.
pub(super) fn cast(x: f64, from: DType, to: DType) -> f64 {
    let wraps = !from.is_float() && !to.is_float() && to != DType::Bool;
    match to {
        DType::I8 if wraps => (x as i64 as i8).into(),
        DType::U8 if wraps => (x as i64 as u8).into(),
        DType::I32 if wraps => (x as i64 as i32).into(),
        DType::U32 if wraps => (x as i64 as u32).into(),
        _ => to.hold(x),
    }
}
