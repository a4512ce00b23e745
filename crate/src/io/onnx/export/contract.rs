//! Finds sums of products of two factors, and tells them as `Conv` or `MatMul`.

use super::emit::{Emit, Value, int, ints};
use crate::{
    error::Result,
    graph::{Binary, Node, Op, Reduce, Window},
};
use rustc_hash::FxHashMap;

pub type Found = FxHashMap<u64, Contraction>;

pub enum Contraction {
    Conv(Conv),
    Product(Product),
}

pub fn all(order: &[Node]) -> Found {
    order.iter().filter(|n| !n.is_realized()).filter_map(|n| Some((n.id, find(n)?))).collect()
}

fn find(node: &Node) -> Option<Contraction> {
    let Op::Reduce(Reduce::Sum, axes) = &node.op else { return None };
    let product = &node.src[0];
    let (Op::Binary(Binary::Mul), false, true) =
        (&product.op, product.is_realized(), product.dtype.is_float())
    else {
        return None;
    };
    let [a, b] = [0, 1].map(|i| peeled(&product.src[i]));
    let conv = conv(node, axes, a, b).or_else(|| conv(node, axes, b, a)).map(Contraction::Conv);
    conv.or_else(|| Product::of(node, axes, a, b).map(Contraction::Product))
}

fn peeled(node: &Node) -> &Node {
    if matches!(node.op, Op::Expand) && !node.is_realized() { &node.src[0] } else { node }
}

fn source(node: &Node, is: impl Fn(&Op) -> bool) -> Option<&Node> {
    (is(&node.op) && !node.is_realized()).then(|| &node.src[0])
}

impl Contraction {
    pub fn sources(&self) -> impl Iterator<Item = &Node> {
        match self {
            Contraction::Conv(c) => [&c.image, &c.filter],
            Contraction::Product(p) => [&p.a.base, &p.b.base],
        }
        .into_iter()
    }

    pub fn emit(&self, e: &mut Emit) -> Result<Value> {
        Ok(match self {
            Contraction::Conv(c) => c.emit(e),
            Contraction::Product(p) => p.emit(e),
        })
    }
}

/// As `tensor/conv.rs` writes it: windows `[n, groups, 1, in, counts…, kernel…]` times a filter
/// `[1, groups, out, in, 1…, kernel…]`.
pub struct Conv {
    image: Node,
    filter: Node,
    windows: Vec<Window>,
    sides: Vec<(usize, usize)>,
    groups: usize,
    /// `[n, out, counts…]`
    shape: Vec<usize>,
    to: Vec<usize>,
}

fn conv(node: &Node, axes: &[usize], image: &Node, filter: &Node) -> Option<Conv> {
    let full = &node.src[0].shape;
    let spatial = full.len().checked_sub(4).filter(|n| n.is_multiple_of(2))? / 2;
    if spatial == 0 || !axes.iter().copied().eq(std::iter::once(3).chain(4 + spatial..full.len())) {
        return None;
    }
    let (f, counts) = (&filter.shape, &full[4..4 + spatial]);
    let ones = f[0] == 1 && f[4..4 + spatial].iter().all(|n| *n == 1);
    if !ones || f[1..4] != full[1..4] || f[4 + spatial..] != full[4 + spatial..] || image.shape[2] != 1 {
        return None;
    }
    let mut at = source(image, |op| matches!(op, Op::Reshape))?;
    if at.shape.len() != 2 + 2 * spatial || at.shape[0] != full[0] || at.shape[1] != full[1] * full[3] {
        return None;
    }
    let mut windows = Vec::new();
    for i in (0..spatial).rev() {
        let Op::Window(w) = at.op else { return None };
        if w.axis != 2 + i || at.is_realized() {
            return None;
        }
        windows.insert(0, w);
        at = &at.src[0];
    }
    let mut sides = vec![(0, 0); spatial];
    if let (Op::Pad(pairs), false) = (&at.op, at.is_realized())
        && pairs[..2] == [(0, 0); 2]
    {
        sides = pairs[2..].to_vec();
        at = &at.src[0];
    }
    let shape = [&[full[0], full[1] * full[2]], counts].concat();
    let (image, filter, groups) = (at.clone(), filter.clone(), full[1]);
    Some(Conv { image, filter, windows, sides, groups, shape, to: node.shape.to_vec() })
}

impl Conv {
    fn emit(&self, e: &mut Emit) -> Value {
        let (x, w) = (e.full(&self.image), e.full(&self.filter));
        let kernel: Vec<usize> = self.windows.iter().map(|w| w.size).collect();
        let channels = [self.shape[1], self.filter.shape[3]];
        let w = e.reshape(&w, &[&channels[..], &kernel].concat());
        let sides = self.sides.iter().map(|s| s.0).chain(self.sides.iter().map(|s| s.1));
        let attributes = vec![
            ints("kernel_shape", kernel),
            ints("strides", self.windows.iter().map(|w| w.stride)),
            ints("dilations", self.windows.iter().map(|w| w.dilation)),
            ints("pads", sides),
            int("group", self.groups as i64),
        ];
        let out = e.op("Conv", &[&x, &w], attributes, &self.shape);
        e.reshape(&out, &self.to)
    }
}

/// What an axis is for both factors.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Of size 1.
    None,
    Batch,
    Row,
    Column,
    Inner,
}

/// A factor as a view of `base` that only permutes axes, those of size 1 apart.
struct Factor {
    base: Node,
    /// Where among the larger axes of `base` each larger axis of the factor lies.
    order: Vec<usize>,
}

/// `Σ a·b` as a product of matrices, batch axes first.
pub struct Product {
    a: Factor,
    b: Factor,
    /// Of each axis, with its size.
    axes: Vec<(Role, usize)>,
    to: Vec<usize>,
}

fn larger(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|n| *n != 1).collect()
}

impl Factor {
    fn of(node: &Node) -> Factor {
        let mut order: Vec<usize> = (0..larger(&node.shape).len()).collect();
        let mut at = node;
        while !at.is_realized() {
            match &at.op {
                Op::Reshape if larger(&at.shape) == larger(&at.src[0].shape) => {}
                Op::Permute(axes) => {
                    let kept: Vec<usize> =
                        axes.iter().copied().filter(|a| at.src[0].shape[*a] != 1).collect();
                    let place = |a: usize| kept.iter().filter(|other| **other < a).count();
                    order.iter_mut().for_each(|i| *i = place(kept[*i]));
                }
                _ => break,
            }
            at = &at.src[0];
        }
        Factor { base: at.clone(), order }
    }

    /// With the axes of these roles in this order, each group one axis but the first.
    fn emit(&self, e: &mut Emit, axes: &[(Role, usize)], groups: [Role; 3], skip: Role) -> Value {
        let own: Vec<(Role, usize)> =
            axes.iter().copied().filter(|(role, _)| *role != Role::None && *role != skip).collect();
        let x = e.full(&self.base);
        let x = e.reshape(&x, &larger(&self.base.shape));
        let own = &own;
        let of = |group: Role| (0..own.len()).filter(move |i| own[*i].0 == group);
        let places: Vec<usize> = groups.iter().flat_map(|g| of(*g)).collect();
        let turned: Vec<usize> = places.iter().map(|i| self.order[*i]).collect();
        let x = e.transpose(&x, &turned);
        let mut shape: Vec<usize> = of(groups[0]).map(|i| own[i].1).collect();
        shape.extend(groups[1..].iter().map(|g| of(*g).map(|i| own[i].1).product::<usize>()));
        e.reshape(&x, &shape)
    }
}

impl Product {
    fn of(node: &Node, summed: &[usize], a: &Node, b: &Node) -> Option<Product> {
        let full = &node.src[0].shape;
        if full.contains(&0) {
            return None;
        }
        let role = |i: usize| {
            let (n, inner) = (full[i], summed.contains(&i));
            Some(match (n, a.shape[i] == n, b.shape[i] == n, inner) {
                (1, ..) => Role::None,
                (_, true, true, true) => Role::Inner,
                (_, true, true, false) => Role::Batch,
                (_, true, false, false) => Role::Row,
                (_, false, true, false) => Role::Column,
                _ => return None,
            })
        };
        let axes = (0..full.len()).map(|i| Some((role(i)?, full[i]))).collect::<Option<Vec<_>>>()?;
        let has = |wanted: Role| axes.iter().any(|(role, _)| *role == wanted);
        let matrix = has(Role::Inner) && (has(Role::Row) || has(Role::Column));
        matrix.then(|| Product { a: Factor::of(a), b: Factor::of(b), axes, to: node.shape.to_vec() })
    }

    fn emit(&self, e: &mut Emit) -> Value {
        let a = self.a.emit(e, &self.axes, [Role::Batch, Role::Row, Role::Inner], Role::Column);
        let b = self.b.emit(e, &self.axes, [Role::Batch, Role::Inner, Role::Column], Role::Row);
        let batch = a.shape.len() - 2;
        let shape = [&a.shape[..batch + 1], &b.shape[batch + 1..]].concat();
        let out = e.op("MatMul", &[&a, &b], vec![], &shape);
        let places = |wanted: Role| (0..self.axes.len()).filter(move |i| self.axes[*i].0 == wanted);
        let order: Vec<usize> =
            places(Role::Batch).chain(places(Role::Row)).chain(places(Role::Column)).collect();
        let apart: Vec<usize> = order.iter().map(|i| self.axes[*i].1).collect();
        let out = e.reshape(&out, &apart);
        let mut back: Vec<usize> = (0..order.len()).collect();
        back.sort_by_key(|i| order[*i]);
        let out = e.transpose(&out, &back);
        e.reshape(&out, &self.to)
    }
}
