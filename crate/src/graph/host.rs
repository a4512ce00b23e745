//! Takes a small graph over host data; gives its values at once, without a plan or a device. For what decides
//! shapes; [`crate::runtime`] computes everything else.

use super::{Binary, DType, Leaf, Node, Op, Pairs, Reduce, Scan, Unary, Window, half, simplify, topo};
use rustc_hash::FxHashMap;

/// Larger values are no sizes or axes.
const MOST: usize = 1 << 14;
/// Nodes of one value; a long chain is work for a device.
const MOST_NODES: usize = 1 << 12;

type Values = Vec<f64>;

/// The values of `node`, each held as its dtype holds it; `None` where they come from a device, are too many, or are
/// integers that a float64 cannot hold.
pub(crate) fn evaluate(node: &Node) -> Option<Values> {
    let order = topo(std::slice::from_ref(node));
    if order.len() > MOST_NODES || order.iter().any(|n| n.numel() > MOST) {
        return None;
    }
    let mut known: FxHashMap<u64, Values> = FxHashMap::default();
    for node in &order {
        let values = {
            let sources: Vec<&Values> =
                node.src.iter().map(|s| known.get(&s.id)).collect::<Option<Vec<_>>>()?;
            one(node, &sources)?
        };
        known.insert(node.id, values);
    }
    known.remove(&node.id)
}

fn one(n: &Node, src: &[&Values]) -> Option<Values> {
    let from = |i: usize| &n.src[i].shape[..];
    let read = |at: &dyn Fn(&[usize]) -> Option<Vec<usize>>| moved(n, from(0), src[0], at);
    let out = match &n.op {
        Op::Buffer(leaf) => return buffer(leaf, n),
        Op::Const(bits) => return Some(vec![f64::from_bits(*bits); n.numel()]),
        Op::Iota => return Some((0..n.shape[0]).map(|i| i as f64).collect()),
        Op::Unary(op) => src[0].iter().map(|x| unary(*op, *x, n.dtype)).collect::<Option<_>>()?,
        Op::Binary(op) => {
            let of = n.src[0].dtype;
            src[0].iter().zip(src[1]).map(|(x, y)| binary(*op, *x, *y, of)).collect::<Option<_>>()?
        }
        Op::Where => (0..n.numel()).map(|i| if src[0][i] != 0.0 { src[1][i] } else { src[2][i] }).collect(),
        Op::Cast => src[0].iter().map(|x| simplify::cast(*x, n.src[0].dtype, n.dtype)).collect(),
        Op::Bitcast if n.dtype == n.src[0].dtype => src[0].clone(),
        Op::Bitcast => return None,
        Op::Reduce(op, axes) => reduce(*op, n, from(0), axes, src[0]),
        Op::Scan(op, axis) => scan(*op, n, *axis, src),
        Op::Reshape | Op::Contiguous | Op::Mark(_) | Op::After => src[0].clone(),
        Op::Permute(axes) => read(&|at| {
            let mut to = vec![0; at.len()];
            axes.iter().zip(at).for_each(|(a, i)| to[*a] = *i);
            Some(to)
        }),
        Op::Expand => {
            read(&|at| Some(at.iter().zip(from(0)).map(|(i, n)| if *n == 1 { 0 } else { *i }).collect()))
        }
        Op::Pad(pairs) => read(&|at| inside(at, pairs, from(0))),
        Op::Shrink(pairs) => {
            read(&|at| Some(at.iter().zip(pairs).map(|(i, (start, _))| i + start).collect()))
        }
        Op::Flip(axes) => read(&|at| {
            let turn = |(a, i): (usize, &usize)| if axes.contains(&a) { n.shape[a] - 1 - i } else { *i };
            Some(at.iter().enumerate().map(turn).collect())
        }),
        Op::Window(w) => read(&|at| {
            let (k, rest) = at.split_last()?;
            let mut to = rest.to_vec();
            to[w.axis] = to[w.axis] * w.stride + k * w.dilation;
            Some(to)
        }),
        Op::Unwindow(w) => read(&|at| unwindow(at, w, from(0))),
        Op::Gather => gather(from(0), src),
        Op::Custom(_) => return None,
    };
    Some(out)
}

fn buffer(leaf: &Leaf, n: &Node) -> Option<Values> {
    let host = leaf.host.borrow();
    let bytes = host.as_ref().filter(|_| leaf.refresh.is_none())?;
    let size = n.dtype.size();
    let value = |b: &[u8]| {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(b);
        let bits = u64::from_le_bytes(wide);
        Some(match n.dtype {
            DType::Bool => f64::from(u8::from(bits != 0)),
            DType::I8 => (bits as i8).into(),
            DType::U8 | DType::U32 => bits as f64,
            DType::I32 => (bits as i32).into(),
            DType::I64 => exact(bits as i64)?,
            DType::F16 => half::from_f16(bits as u16).into(),
            DType::BF16 => half::from_bf16(bits as u16).into(),
            DType::F32 => f32::from_bits(bits as u32).into(),
            DType::F64 => f64::from_bits(bits),
        })
    };
    bytes.chunks_exact(size).map(value).collect()
}

/// The ends of the range count as exact: they stand for "all of it", and come back as themselves.
fn exact(x: i64) -> Option<f64> {
    (x as f64 as i64 == x).then_some(x as f64)
}

fn unary(op: Unary, x: f64, dtype: DType) -> Option<f64> {
    match op {
        Unary::Not if dtype == DType::Bool => Some(f64::from(u8::from(x == 0.0))),
        Unary::Not => exact(!(x as i64)).map(|v| wrapped(v, dtype)),
        Unary::Neg | Unary::Recip | Unary::Sqrt | Unary::Exp2 | Unary::Log2 | Unary::Sin | Unary::Trunc => {
            simplify::unary(op, x).map(|v| wrapped(v, dtype))
        }
    }
}

fn wrapped(x: f64, dtype: DType) -> f64 {
    simplify::cast(x, if dtype.is_float() { dtype } else { DType::I64 }, dtype)
}

fn binary(op: Binary, x: f64, y: f64, dtype: DType) -> Option<f64> {
    if dtype.is_float() || matches!(op, Binary::Max | Binary::Lt | Binary::Eq) {
        let rest = |x: f64, y: f64| if op == Binary::Mod { Some(x % y) } else { None };
        let to = if matches!(op, Binary::Lt | Binary::Eq) { DType::Bool } else { dtype };
        return simplify::float_binary(op, x, y).or_else(|| rest(x, y)).map(|v| to.hold(v));
    }
    let (x, y) = (x as i64, y as i64);
    let shift = u32::try_from(y).ok().filter(|s| *s < 64);
    let value = match op {
        Binary::Add => x.checked_add(y)?,
        Binary::Sub => x.checked_sub(y)?,
        Binary::Mul => x.checked_mul(y)?,
        Binary::IDiv => x.checked_div(y).unwrap_or(0),
        Binary::Mod => x.checked_rem(y).unwrap_or(0),
        Binary::And => x & y,
        Binary::Or => x | y,
        Binary::Xor => x ^ y,
        Binary::Shl => x << shift?,
        Binary::Shr => x >> shift?,
        Binary::Div | Binary::Max | Binary::Lt | Binary::Eq => return None,
    };
    exact(value).map(|v| wrapped(v, dtype))
}

/// The place of `at` in row-major order.
fn place(at: &[usize], shape: &[usize]) -> usize {
    at.iter().zip(shape).fold(0, |sum, (i, n)| sum * n + i)
}

fn coordinates(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (i, n) in shape.iter().enumerate().rev() {
        at[i] = place % n;
        place /= n;
    }
    at
}

/// Each position of `n` reads one of `from`, or is 0.
fn moved(n: &Node, from: &[usize], x: &Values, read: &dyn Fn(&[usize]) -> Option<Vec<usize>>) -> Values {
    let value = |i| read(&coordinates(i, &n.shape)).map_or(0.0, |at| x[place(&at, from)]);
    (0..n.numel()).map(value).collect()
}

fn inside(at: &[usize], pairs: &Pairs, from: &[usize]) -> Option<Vec<usize>> {
    let back =
        |((i, (before, _)), n): ((&usize, &(usize, usize)), &usize)| i.checked_sub(*before).filter(|i| i < n);
    at.iter().zip(pairs).zip(from).map(back).collect()
}

fn unwindow(at: &[usize], w: &Window, from: &[usize]) -> Option<Vec<usize>> {
    let k = *at.last()?;
    let offset = at[w.axis].checked_sub(k * w.dilation)?;
    let mut to = at.to_vec();
    to[w.axis] = offset / w.stride;
    (offset % w.stride == 0 && to[w.axis] < from[w.axis]).then_some(to)
}

fn gather(from: &[usize], src: &[&Values]) -> Values {
    let row: usize = from[1..].iter().product();
    let line = |i: &f64| {
        let at = if *i >= 0.0 && *i < from[0] as f64 { Some(*i as usize) } else { None };
        (0..row).map(move |j| at.map_or(0.0, |at| src[0][at * row + j]))
    };
    src[1].iter().flat_map(line).collect()
}

fn reduce(op: Reduce, n: &Node, from: &[usize], axes: &[usize], x: &Values) -> Values {
    let start = match op {
        Reduce::Sum => 0.0,
        Reduce::Prod => 1.0,
        Reduce::Max => n.dtype.min_value(),
    };
    let mut out = vec![start; n.numel()];
    for (i, value) in x.iter().enumerate() {
        let mut at = coordinates(i, from);
        axes.iter().for_each(|a| at[*a] = 0);
        let sum = &mut out[place(&at, &n.shape)];
        *sum = match op {
            Reduce::Sum => *sum + value,
            Reduce::Prod => *sum * value,
            Reduce::Max if value.is_nan() => *value,
            Reduce::Max => sum.max(*value),
        };
    }
    out.iter().map(|v| wrapped(*v, n.dtype)).collect()
}

fn scan(op: Scan, n: &Node, axis: usize, src: &[&Values]) -> Values {
    let stride: usize = n.shape[axis + 1..].iter().product();
    let mut out = src[src.len() - 1].clone();
    for i in 0..out.len() {
        if !(i / stride).is_multiple_of(n.shape[axis]) {
            let before = out[i - stride];
            out[i] = match op {
                Scan::Linear => wrapped(src[0][i] * before + out[i], n.dtype),
                Scan::Max => out[i].max(before),
            };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::evaluate;
    use crate::{
        runtime,
        tensor::{Index, Tensor, block_on},
    };

    /// Every primitive, through methods that use it: the host gives what the device gives.
    #[test]
    fn the_host_and_a_device_agree() {
        runtime::set_default("cpu").unwrap();
        let cases: [fn(&Tensor, &Tensor) -> crate::Result<Tensor>; 27] = [
            |x, _| x.neg()?.exp2()?.log2(),
            |x, _| x.reciprocal()?.sqrt()?.sin(),
            |x, i| x.add(i)?.sub(0.5)?.mul(x)?.div(3.0),
            |x, _| x.rem(0.7)?.trunc()?.maximum(-0.25),
            |_, i| i.idiv(2)?.add(i.rem(3)?),
            |_, i| i.bitwise_and(6)?.bitwise_or(1)?.bitwise_xor(i),
            |_, i| i.lshift(2)?.add(i.rshift(1)?)?.bitwise_not(),
            |x, i| x.lt(i)?.where_(x, i),
            |x, _| x.eq(1.5)?.logical_not(),
            |x, _| x.int()?.cast(crate::DType::U8)?.cast(crate::DType::F16),
            |x, _| x.sum(1, false),
            |x, _| x.max(0, true)?.add(x.prod((), false)?),
            |_, i| i.min(1, false),
            |x, _| x.cumsum(1),
            |x, _| Ok(x.cummax(0)?.0),
            |x, _| x.reshape(&[3, 2])?.permute(&[1, 0])?.expand(&[4, 2, 3]),
            |x, _| x.pad(&[(1, 0), (0, 2)], 0.0)?.shrink(&[(0, 2), (1, 4)])?.flip(1),
            |x, _| x.pad(&[(1, 0), (0, 2)], 7.0),
            |x, _| x.unfold(1, 2, 1),
            |x, _| x.get(&[Index::All, Index::Range { start: None, stop: None, step: -2 }]),
            |x, i| Tensor::cat(&[x.clone(), i.float()?], 0),
            |x, _| x.index(&Tensor::from_slice(&[1i32, -1, 5], &[3])?),
            |x, _| {
                x.reshape(&[1, 1, 6])?.conv_transpose2d(
                    &Tensor::ones(&[1, 1, 3])?,
                    None,
                    crate::tensor::Conv2dOptions { stride: vec![2], ..Default::default() },
                    &[],
                )
            },
            |x, _| Ok(x.detach().contiguous()),
            |_, i| i.argmax(Some(1), false),
            |_, i| Tensor::arange(3.0, 9.0, 2.0, crate::DType::I64)?.mul(i.shape()[0] as i64),
            |x, _| x.softmax(1),
        ];
        for (n, case) in cases.iter().enumerate() {
            let x = Tensor::from_slice(&[0.25f32, 1.5, 2.0, 4.0, 0.5, 3.0], &[2, 3]).unwrap();
            let i = Tensor::from_slice(&[1i64, -2, 3, 7, 0, -5], &[2, 3]).unwrap();
            let t = case(&x, &i).unwrap();
            let host = evaluate(&t.node()).unwrap_or_else(|| panic!("case {n} is not evaluated"));
            let device = block_on(t.data()).unwrap();
            let close = |(i, a): (usize, &f64)| (a - device.get(i)).abs() <= 1e-6 * a.abs().max(1.0);
            assert!(host.iter().enumerate().all(close), "case {n}: {host:?} and {device:?}");
            assert_eq!(host.len(), device.len(), "case {n}");
        }
    }

    #[test]
    fn what_is_on_a_device_or_large_is_not_evaluated() {
        runtime::set_default("cpu").unwrap();
        let x = Tensor::from_slice(&[1.0f32, 2.0], &[2]).unwrap().add(1.0).unwrap().realize().unwrap();
        assert!(evaluate(&x.node()).is_none());
        assert!(evaluate(&Tensor::zeros(&[1 << 20]).unwrap().node()).is_none());
        let odd = Tensor::from_slice(&[(1i64 << 53) + 1, i64::MAX], &[2]).unwrap();
        assert!(evaluate(&odd.node()).is_none());
        let end = Tensor::from_slice(&[i64::MAX], &[1]).unwrap();
        assert_eq!(evaluate(&end.node()).unwrap()[0] as i64, i64::MAX);
    }
}
