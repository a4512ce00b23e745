//! Each primitive as the operators that compute it.

use super::emit::{Emit, Value, broadcast, int, text};
use crate::{
    error::{Error, Result},
    graph::{Binary, DType, Node, Op, Reduce, Scan, Unary, Window},
};
use std::f64::consts::{LN_2, LOG2_E};

fn unsupported(node: &Node, fix: &str) -> Error {
    let got = format!("{:?} of {}", node.op, node.src[0].dtype);
    Error::argument("onnx.save", got, "what an ONNX operator computes", fix)
}

/// What the operators of a node read. `Exp2` of a product with log2 e is `Exp` of the other factor.
pub fn sources(node: &Node) -> impl Iterator<Item = &Node> {
    let exponent = exponent(node);
    let count = match node.op {
        Op::Mark(_) | Op::After => 1,
        _ => node.src.len(),
    };
    let own = if exponent.is_some() { 0 } else { count };
    exponent.into_iter().chain(node.src.iter().take(own))
}

fn exponent(node: &Node) -> Option<&Node> {
    let product = match &node.op {
        Op::Unary(Unary::Exp2) => &node.src[0],
        _ => return None,
    };
    let (Op::Binary(Binary::Mul), false) = (&product.op, product.is_realized()) else { return None };
    let (a, b) = (&product.src[0], &product.src[1]);
    let is = |n: &Node| n.as_const().is_some_and(|c| (c - LOG2_E).abs() < 1e-6);
    if is(b) { Some(a) } else { is(a).then_some(b) }
}

pub fn emit(e: &mut Emit, node: &Node) -> Result<Value> {
    let of = |e: &mut Emit| e.get(&node.src[0]);
    let whole = |e: &mut Emit| e.full(&node.src[0]);
    Ok(match &node.op {
        Op::Buffer(_) | Op::Const(_) => e.get(node),
        Op::Iota => {
            let ends = [0.0, node.shape[0] as f64, 1.0].map(|x| e.scalar(x, DType::I32));
            e.op("Range", &ends.each_ref(), vec![], &node.shape)
        }
        Op::Unary(op) => unary(e, node, *op)?,
        Op::Binary(op) => binary(e, node, *op)?,
        Op::Where => {
            let [c, a, b] = [0, 1, 2].map(|i| e.get(&node.src[i]));
            let shape = broadcast(&broadcast(&c.shape, &a.shape), &b.shape);
            e.op("Where", &[&c, &a, &b], vec![], &shape)
        }
        Op::Cast => {
            let x = of(e);
            e.cast(&x, node.dtype)
        }
        Op::Bitcast if node.dtype == node.src[0].dtype => of(e),
        Op::Bitcast => {
            return Err(unsupported(node, "leave reinterpreted bits and random numbers out of it"));
        }
        Op::Reduce(op, axes) => {
            let x = whole(e);
            let name = match op {
                Reduce::Sum => "ReduceSum",
                Reduce::Max => "ReduceMax",
                Reduce::Prod => "ReduceProd",
            };
            let axes = e.sizes(axes);
            e.op(name, &[&x, &axes], vec![int("keepdims", 1)], &node.shape)
        }
        Op::Scan(op, axis) => scan(e, node, *op, *axis),
        Op::Reshape => {
            let x = whole(e);
            e.reshape(&x, &node.shape)
        }
        Op::Permute(axes) => {
            let x = whole(e);
            e.transpose(&x, axes)
        }
        Op::Expand => {
            let x = of(e);
            // What has been made larger on the way to a smaller source stays a broadcast.
            if x.shape.is_empty() || x.shape.len() == node.shape.len() { x } else { whole(e) }
        }
        Op::Pad(pairs) => {
            let x = whole(e);
            padded(e, &x, pairs, node.dtype)
        }
        Op::Shrink(pairs) => {
            let x = whole(e);
            let cut = pairs.iter().enumerate().filter(|(i, p)| **p != (0, x.shape[*i]));
            let parts: Vec<_> = cut.map(|(i, (a, b))| (i, *a as i64, *b as i64, 1)).collect();
            e.slice(&x, &parts, &node.shape)
        }
        Op::Flip(axes) => {
            let x = whole(e);
            let parts: Vec<_> = axes.iter().map(|a| (*a, -1, i64::MIN + 1, -1)).collect();
            e.slice(&x, &parts, &node.shape)
        }
        Op::Window(w) => {
            let x = whole(e);
            let count = node.shape[w.axis];
            let places =
                (0..count).flat_map(|o| (0..w.size).map(move |k| (o * w.stride + k * w.dilation) as i64));
            let places = e.integers(&[count, w.size], places);
            let mut shape = x.shape.clone();
            shape.splice(w.axis..=w.axis, [count, w.size]);
            let picked = e.op("Gather", &[&x, &places], vec![int("axis", w.axis as i64)], &shape);
            let axes: Vec<usize> =
                (0..shape.len()).filter(|a| *a != w.axis + 1).chain([w.axis + 1]).collect();
            e.transpose(&picked, &axes)
        }
        Op::Unwindow(w) => unwindow(e, node, w),
        Op::Gather => gather(e, node),
        Op::Custom(_) => {
            let got = "a custom kernel";
            return Err(Error::argument("onnx.save", got, "methods of tensors", "compute it with methods"));
        }
        Op::Contiguous | Op::Mark(_) | Op::After => of(e),
    })
}

/// Booleans and small integers are padded as int32: not every runtime pads them.
fn padded(e: &mut Emit, x: &Value, pairs: &[(usize, usize)], dtype: DType) -> Value {
    if dtype.is_float() || dtype.size() >= 4 {
        return e.pad(x, pairs, 0.0, dtype);
    }
    let wide = e.cast(x, DType::I32);
    let wide = e.pad(&wide, pairs, 0.0, DType::I32);
    e.cast(&wide, dtype)
}

fn unary(e: &mut Emit, node: &Node, op: Unary) -> Result<Value> {
    if let Some(x) = exponent(node) {
        let x = e.get(x);
        return Ok(e.op("Exp", &[&x], vec![], &x.shape));
    }
    let (x, dtype) = (e.get(&node.src[0]), node.dtype);
    let mut plain = |name: &str, x: &Value| e.op(name, &[x], vec![], &x.shape);
    Ok(match op {
        Unary::Neg => plain("Neg", &x),
        Unary::Recip => plain("Reciprocal", &x),
        Unary::Sqrt => plain("Sqrt", &x),
        Unary::Sin => plain("Sin", &x),
        Unary::Not => plain(if dtype == DType::Bool { "Not" } else { "BitwiseNot" }, &x),
        Unary::Trunc if !dtype.is_float() => x,
        Unary::Trunc => {
            let size = plain("Abs", &x);
            let (size, sign) = (plain("Floor", &size), plain("Sign", &x));
            e.binary("Mul", &size, &sign)
        }
        Unary::Exp2 => {
            let two = e.scalar(2.0, dtype);
            e.binary("Pow", &two, &x)
        }
        Unary::Log2 => {
            let (natural, ln_2) = (plain("Log", &x), e.scalar(LN_2, dtype));
            e.binary("Div", &natural, &ln_2)
        }
    })
}

fn binary(e: &mut Emit, node: &Node, op: Binary) -> Result<Value> {
    let (a, b) = (e.get(&node.src[0]), e.get(&node.src[1]));
    let dtype = node.src[0].dtype;
    if dtype == DType::Bool {
        let name = match op {
            Binary::Add | Binary::Max | Binary::Or => "Or",
            Binary::Mul | Binary::And => "And",
            Binary::Xor => "Xor",
            Binary::Eq => "Equal",
            Binary::Lt => {
                let not = e.op("Not", &[&a], vec![], &a.shape);
                return Ok(e.binary("And", &not, &b));
            }
            Binary::Sub | Binary::Div | Binary::IDiv | Binary::Mod | Binary::Shl | Binary::Shr => {
                return Err(unsupported(node, "cast booleans before computing with them"));
            }
        };
        return Ok(e.binary(name, &a, &b));
    }
    Ok(match op {
        Binary::Add => e.binary("Add", &a, &b),
        Binary::Sub => e.binary("Sub", &a, &b),
        Binary::Mul => e.binary("Mul", &a, &b),
        Binary::Div => e.binary("Div", &a, &b),
        Binary::Max => e.binary("Max", &a, &b),
        Binary::Lt => e.binary("Less", &a, &b),
        Binary::Eq => e.binary("Equal", &a, &b),
        Binary::And => e.binary("BitwiseAnd", &a, &b),
        Binary::Or => e.binary("BitwiseOr", &a, &b),
        Binary::Xor => e.binary("BitwiseXor", &a, &b),
        Binary::Mod if dtype.is_float() => rest(e, &a, &b),
        Binary::IDiv | Binary::Mod => {
            let divide = if op == Binary::Mod {
                rest
            } else {
                |e: &mut Emit, a: &Value, b: &Value| e.binary("Div", a, b)
            };
            if node.src[1].as_const().is_some_and(|c| c != 0.0) {
                return Ok(divide(e, &a, &b));
            }
            let (zero, one) = (e.scalar(0.0, dtype), e.scalar(1.0, dtype));
            let none = e.binary("Equal", &b, &zero);
            let safe = e.op("Where", &[&none, &one, &b], vec![], &b.shape);
            let given = divide(e, &a, &safe);
            let shape = broadcast(&none.shape, &given.shape);
            e.op("Where", &[&none, &zero, &given], vec![], &shape)
        }
        Binary::Shl | Binary::Shr if dtype == DType::U32 => {
            let direction = text("direction", if op == Binary::Shl { "LEFT" } else { "RIGHT" });
            let shape = broadcast(&a.shape, &b.shape);
            e.op("BitShift", &[&a, &b], vec![direction], &shape)
        }
        Binary::Shl | Binary::Shr => return Err(unsupported(node, "shift uint32")),
    })
}

/// The remainder with the sign of the dividend.
fn rest(e: &mut Emit, a: &Value, b: &Value) -> Value {
    let shape = broadcast(&a.shape, &b.shape);
    e.op("Mod", &[a, b], vec![int("fmod", 1)], &shape)
}

/// Running sums by doubling: after step s, each place holds what the last 2^s give. A plain sum is `CumSum`.
fn scan(e: &mut Emit, node: &Node, op: Scan, axis: usize) -> Value {
    let n = node.shape[axis];
    let earlier = |e: &mut Emit, x: &Value, by: usize, fill: f64| {
        let mut shape = x.shape.clone();
        shape[axis] -= by;
        let kept = e.slice(x, &[(axis, 0, (n - by) as i64, 1)], &shape);
        let mut pairs = vec![(0, 0); shape.len()];
        pairs[axis].0 = by;
        e.pad(&kept, &pairs, fill, node.dtype)
    };
    let steps = std::iter::successors(Some(1), |by| Some(by * 2)).take_while(|by| *by < n);
    match op {
        Scan::Max => {
            let mut best = e.full(&node.src[0]);
            for by in steps {
                let before = earlier(e, &best, by, node.dtype.min_value());
                best = e.binary("Max", &best, &before);
            }
            best
        }
        Scan::Linear if node.src[0].as_const() == Some(1.0) => {
            let (x, axis) = (e.full(&node.src[1]), e.scalar(axis as f64, DType::I64));
            e.op("CumSum", &[&x, &axis], vec![], &node.shape)
        }
        Scan::Linear => {
            let (mut a, mut b) = (e.full(&node.src[0]), e.full(&node.src[1]));
            for by in steps {
                let (before, factor) = (earlier(e, &b, by, 0.0), earlier(e, &a, by, 0.0));
                let more = e.binary("Mul", &a, &before);
                b = e.binary("Add", &b, &more);
                a = e.binary("Mul", &a, &factor);
            }
            b
        }
    }
}

/// Each place of the axis reads one of the positions, or the zero that is put behind them.
fn unwindow(e: &mut Emit, node: &Node, w: &Window) -> Value {
    let x = e.full(&node.src[0]);
    let (positions, last) = (x.shape[w.axis], x.shape.len() - 1);
    let mut pairs = vec![(0, 0); x.shape.len()];
    pairs[w.axis].1 = 1;
    let x = padded(e, &x, &pairs, node.dtype);
    let place = |i: usize, k: usize| {
        let at = i.checked_sub(k * w.dilation).filter(|d| d % w.stride == 0).map(|d| d / w.stride);
        at.filter(|at| *at < positions).unwrap_or(positions) as i64
    };
    let windows = node.shape[last];
    let mut line = vec![1; node.shape.len()];
    (line[w.axis], line[last]) = (w.size, windows);
    let places = (0..w.size).flat_map(|i| (0..windows).map(move |k| place(i, k)));
    let places = e.integers(&line, places);
    let to = e.sizes(&node.shape);
    let places = e.op("Expand", &[&places, &to], vec![], &node.shape);
    e.op("GatherElements", &[&x, &places], vec![int("axis", w.axis as i64)], &node.shape)
}

/// Rows at positions; zeros for those outside.
fn gather(e: &mut Emit, node: &Node) -> Value {
    let (x, at) = (e.full(&node.src[0]), e.full(&node.src[1]));
    let rows = node.src[0].shape[0] as f64;
    let [zero, last, end] = [0.0, rows - 1.0, rows].map(|n| e.scalar(n, DType::I32));
    let (low, high) = (e.binary("Less", &at, &zero), e.binary("Less", &at, &end));
    let low = e.op("Not", &[&low], vec![], &at.shape);
    let inside = e.binary("And", &low, &high);
    let near = e.binary("Min", &at, &last);
    let near = e.binary("Max", &near, &zero);
    let picked = e.op("Gather", &[&x, &near], vec![int("axis", 0)], &node.shape);
    let mut shape = at.shape.clone();
    shape.resize(node.shape.len(), 1);
    let inside = e.reshape(&inside, &shape);
    let none = e.scalar(0.0, node.dtype);
    e.op("Where", &[&inside, &picked, &none], vec![], &node.shape)
}
