//! One fused group → one kernel. Movement ops rewrite the index of what lies below them and vanish.
//!
//! A value read through padding comes with conditions. `Value::pending` are those under which the expression
//! is right and outside of which the value is 0; `Value::zero` are those it already obeys. A product needs only
//! one factor to obey, so a filter stays free of the mask that its padded partner carries.

use super::{Acc, Arg, ArgId, Cond, Contract, Expr, ExprId, Kernel, Lin, RangeId, Scan, Store, Typed};
use crate::{
    graph::{self, Binary, DType, Node, Op, Reduce, Unary, axis_groups},
    schedule::fuse::{Fusion, Group, Root},
};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

type Index = Vec<Lin>;
type Mask = Vec<Cond>;

/// A kernel and, for each of its arguments, the node whose buffer it is.
pub struct Lowered {
    pub kernel: Kernel,
    pub buffers: Vec<Node>,
    /// A scan that the group cannot compute in its order: the kernel is right once this has one of its own.
    pub apart: Option<Node>,
    /// What has to be computed before, though the kernel does not read it.
    pub after: Vec<Node>,
}

#[derive(Clone)]
struct Value {
    expr: ExprId,
    zero: Mask,
    pending: Mask,
}

struct Lowerer<'a> {
    fusion: &'a Fusion,
    group: &'a Group,
    id: usize,
    sizes: Vec<usize>,
    inner: SmallVec<[RangeId; 6]>,
    reduce_ranges: FxHashMap<Vec<usize>, SmallVec<[RangeId; 6]>>,
    exprs: Vec<Typed>,
    known: FxHashMap<Typed, ExprId>,
    accs: Vec<Acc>,
    scan: Option<Scan>,
    apart: Option<Node>,
    stores: Vec<(Node, Lin, ExprId)>,
    loads: FxHashMap<u64, ArgId>,
    args: Vec<Arg>,
    buffers: Vec<Node>,
    after: Vec<Node>,
    memo: FxHashMap<(u64, Index, Mask), Value>,
}

/// The kernel that computes group `id`.
pub fn lower(fusion: &Fusion, id: usize) -> Lowered {
    let group = &fusion.groups[id];
    if let [Root { node, .. }] = &group.roots[..]
        && let Op::Custom(custom) = &node.op
    {
        return super::custom(node, custom);
    }
    let all = 0..group.ranges.len();
    let (outer, inner): (SmallVec<[RangeId; 6]>, SmallVec<[RangeId; 6]>) =
        all.partition(|r| group.outer >> r & 1 == 1);
    let mut l = Lowerer {
        fusion,
        group,
        id,
        sizes: group.ranges.clone(),
        inner: inner.clone(),
        reduce_ranges: FxHashMap::default(),
        exprs: Vec::new(),
        known: FxHashMap::default(),
        accs: Vec::new(),
        scan: None,
        apart: None,
        stores: Vec::new(),
        loads: FxHashMap::default(),
        args: Vec::new(),
        buffers: Vec::new(),
        after: Vec::new(),
        memo: FxHashMap::default(),
    };
    for root in &group.roots {
        let index: Index =
            root.axes.iter().map(|a| a.map_or(Lin::default(), |r| Lin::range(r, &l.sizes))).collect();
        let value = l.lower(&root.node, &index, &[]);
        let value = l.settle(&value);
        l.stores.push((root.node.clone(), flat(&index, &root.node.shape), value));
    }
    l.finish(outer)
}

/// The row-major position of `index` in a tensor of that shape.
fn flat(index: &[Lin], shape: &[usize]) -> Lin {
    let mut stride = 1;
    let at = index.iter().zip(shape).rev().fold(Lin::default(), |sum, (lin, size)| {
        let sum = sum.add(&lin.times(stride));
        stride *= *size as i64;
        sum
    });
    at.rejoin()
}

fn unflat(mut at: Lin, shape: &[usize], sizes: &[usize]) -> Index {
    let mut out: Index = Vec::with_capacity(shape.len());
    for (i, size) in shape.iter().enumerate().rev() {
        let n = *size as i64;
        out.push(match (n, i) {
            (1, _) => Lin::default(),
            (_, 0) => at.clone(),
            _ => at.rem(n, sizes),
        });
        at = at.div(n.max(1), sizes);
    }
    out.reverse();
    out
}

impl Lowerer<'_> {
    fn push(&mut self, expr: Expr, dtype: DType) -> ExprId {
        let typed = Typed { expr, dtype };
        if let Some(id) = self.known.get(&typed) {
            return *id;
        }
        let id = self.exprs.len();
        self.exprs.push(typed.clone());
        self.known.insert(typed, id);
        id
    }

    fn constant(&mut self, value: f64, dtype: DType) -> ExprId {
        self.push(Expr::Const(value.to_bits()), dtype)
    }

    /// The expression alone, 0 where a pending condition fails.
    fn settle(&mut self, value: &Value) -> ExprId {
        self.settle_outside(value, &[])
    }

    /// As `settle`, for the conditions that the user of the value will not settle itself.
    fn settle_outside(&mut self, value: &Value, mask: &[Cond]) -> ExprId {
        let own: Mask = value.pending.iter().filter(|c| !mask.contains(c)).cloned().collect();
        if own.is_empty() {
            return value.expr;
        }
        let dtype = self.exprs[value.expr].dtype;
        self.push(Expr::Masked(own, value.expr), dtype)
    }

    /// `node` at `index` where `mask` holds, 0 elsewhere.
    fn lower(&mut self, node: &Node, index: &[Lin], mask: &[Cond]) -> Value {
        let mask: Mask = mask.iter().filter(|c| c.known(&self.sizes) != Some(true)).cloned().collect();
        if mask.iter().any(|c| c.known(&self.sizes) == Some(false)) {
            let expr = self.constant(0.0, node.dtype);
            return Value { expr, zero: mask, pending: Mask::new() };
        }
        // An axis of size 1 depends on no range, as `fuse` counts on: where its index is not 0 the mask fails.
        let at = |(lin, size): (&Lin, &usize)| if *size == 1 { Lin::default() } else { lin.clone() };
        let index: Index = index.iter().zip(&node.shape).map(at).collect();
        let key = (node.id, index, mask);
        if let Some(value) = self.memo.get(&key) {
            return value.clone();
        }
        let (_, index, mask) = &key;
        let value = self.lower_new(node, index, mask);
        // A reduction that reads it visits it in an order of its own.
        let own = |lin: &Lin| !lin.any_range(&mut |r| r >= self.group.ranges.len());
        let is_tap = self.group.taps.contains(node) && index.iter().all(own);
        if is_tap && !self.stores.iter().any(|s| s.0 == *node) {
            self.stores.push((node.clone(), flat(index, &node.shape), value.expr));
        }
        self.memo.insert(key, value.clone());
        value
    }

    fn lower_new(&mut self, node: &Node, index: &[Lin], mask: &Mask) -> Value {
        let elsewhere =
            self.fusion.stored.contains(&node.id) && self.fusion.owner.get(&node.id) != Some(&self.id);
        if node.is_realized() || elsewhere || matches!(node.op, Op::Buffer(_)) {
            return self.load(node, flat(index, &node.shape), mask);
        }
        let below = node.src.first();
        let src = |i: usize| &node.src[i];
        match &node.op {
            Op::Buffer(_) => unreachable!("loaded above"),
            Op::Const(bits) => {
                let expr = self.push(Expr::Const(*bits), node.dtype);
                Value { expr, zero: Mask::new(), pending: mask.clone() }
            }
            Op::Iota => {
                let expr = self.push(Expr::Index(index[0].clone()), node.dtype);
                Value { expr, zero: Mask::new(), pending: mask.clone() }
            }
            Op::Unary(u @ (Unary::Neg | Unary::Sqrt | Unary::Sin | Unary::Trunc)) => {
                let a = self.lower(src(0), index, mask);
                Value { expr: self.push(Expr::Unary(*u, a.expr), node.dtype), ..a }
            }
            Op::Cast => {
                let a = self.lower(src(0), index, mask);
                Value { expr: self.push(Expr::Cast(a.expr), node.dtype), ..a }
            }
            Op::Bitcast => {
                let a = self.lower(src(0), index, mask);
                Value { expr: self.push(Expr::Bitcast(a.expr), node.dtype), ..a }
            }
            Op::Binary(Binary::Mul) => self.product(node, index, mask),
            Op::Unary(u @ (Unary::Recip | Unary::Exp2 | Unary::Log2 | Unary::Not)) => {
                let a = self.operand(src(0), index, mask);
                self.masked(Expr::Unary(*u, a), node.dtype, mask)
            }
            Op::Binary(op) => {
                let (a, b) = (self.operand(src(0), index, mask), self.operand(src(1), index, mask));
                self.masked(Expr::Binary(*op, a, b), node.dtype, mask)
            }
            Op::Where => {
                let c = self.operand(src(0), index, mask);
                let (a, b) = (self.operand(src(1), index, mask), self.operand(src(2), index, mask));
                self.masked(Expr::Where(c, a, b), node.dtype, mask)
            }
            Op::Reduce(op, axes) => self.reduce(node, *op, axes, index, mask),
            Op::Scan(op, axis) => self.scan(node, *op, *axis, index, mask),
            Op::Contiguous | Op::Mark(_) => self.lower(src(0), index, mask),
            Op::After => {
                self.after.push(src(1).viewed().clone());
                self.lower(src(0), index, mask)
            }
            Op::Gather => self.gather(node, index, mask),
            Op::Custom(_) => unreachable!("a kernel of its own"),
            Op::Reshape => {
                let below = &src(0).shape;
                let mut at = Index::with_capacity(below.len());
                // Group by group, so that an index out of range (masked) does not carry into other axes.
                for (from, to) in axis_groups(below, &node.shape) {
                    if from.len() == 1 && to.len() == 1 {
                        at.push(index[to.start].clone());
                    } else {
                        let joined = flat(&index[to.clone()], &node.shape[to]);
                        at.extend(unflat(joined, &below[from], &self.sizes));
                    }
                }
                self.lower(src(0), &at, mask)
            }
            Op::Permute(axes) => {
                let mut at = vec![Lin::default(); index.len()];
                axes.iter().zip(index).for_each(|(a, lin)| at[*a] = lin.clone());
                self.lower(src(0), &at, mask)
            }
            Op::Expand => {
                let at: Index = index
                    .iter()
                    .zip(&src(0).shape)
                    .map(|(lin, size)| if *size == 1 { Lin::default() } else { lin.clone() })
                    .collect();
                self.lower(src(0), &at, mask)
            }
            Op::Shrink(pairs) => {
                let at: Index = index.iter().zip(pairs).map(|(lin, (a, _))| lin.plus(*a as i64)).collect();
                self.lower(src(0), &at, mask)
            }
            Op::Flip(axes) => {
                let mut at = index.to_vec();
                for a in axes {
                    at[*a] = at[*a].times(-1).plus(node.shape[*a] as i64 - 1);
                }
                self.lower(src(0), &at, mask)
            }
            Op::Pad(pairs) => {
                let below = below.expect("pad has a source");
                let mut mask = mask.clone();
                let at: Index = (0..index.len())
                    .map(|i| {
                        let lin = index[i].plus(-(pairs[i].0 as i64));
                        if pairs[i] != (0, 0) {
                            mask.push(Cond::new(lin.clone(), 0, below.shape[i] as i64));
                        }
                        lin
                    })
                    .collect();
                self.lower(below, &at, &mask)
            }
            Op::Window(w) => {
                let last = index.len() - 1;
                let mut at = index[..last].to_vec();
                at[w.axis] = at[w.axis].times(w.stride as i64).add(&index[last].times(w.dilation as i64));
                self.lower(src(0), &at, mask)
            }
            Op::Unwindow(w) => {
                let below = below.expect("unwindow has a source");
                let (last, stride) = (index.len() - 1, w.stride as i64);
                let offset = index[w.axis].add(&index[last].times(-(w.dilation as i64)));
                let mut mask = mask.clone();
                mask.push(Cond::new(offset.clone(), 0, below.shape[w.axis] as i64 * stride));
                mask.push(Cond::new(offset.rem(stride, &self.sizes), 0, 1));
                let mut at = index.to_vec();
                at[w.axis] = offset.div(stride, &self.sizes);
                self.lower(below, &at, &mask)
            }
        }
    }

    /// A source of an op that does not keep zeros: right wherever `mask` holds.
    fn operand(&mut self, node: &Node, index: &[Lin], mask: &Mask) -> ExprId {
        let value = self.lower(node, index, mask);
        self.settle_outside(&value, mask)
    }

    /// The result of an op that does not keep zeros.
    fn masked(&mut self, expr: Expr, dtype: DType, mask: &Mask) -> Value {
        Value { expr: self.push(expr, dtype), zero: Mask::new(), pending: mask.clone() }
    }

    /// A product is 0 where either factor is; only values read from memory may be left wrong there, since a
    /// computed one could be infinite and `0 · ∞` is not 0.
    fn product(&mut self, node: &Node, index: &[Lin], mask: &Mask) -> Value {
        let (a, b) = (self.lower(&node.src[0], index, mask), self.lower(&node.src[1], index, mask));
        let ea = self.factor(&a, &b.zero);
        let a_zero: Mask =
            a.zero.iter().chain(a.pending.iter().filter(|c| !b.zero.contains(c))).cloned().collect();
        let eb = self.factor(&b, &a_zero);
        let expr = self.push(Expr::Binary(Binary::Mul, ea, eb), node.dtype);
        let zero = a.zero.iter().chain(&a.pending).chain(&b.zero).chain(&b.pending).cloned().collect();
        Value { expr, zero, pending: Mask::new() }
    }

    fn factor(&mut self, value: &Value, partner_zero: &[Cond]) -> ExprId {
        let plain = matches!(self.exprs[value.expr].expr, Expr::Load { .. } | Expr::Const(_));
        self.settle_outside(value, if plain { partner_zero } else { &[] })
    }

    fn load(&mut self, node: &Node, index: Lin, mask: &Mask) -> Value {
        let next = self.args.len();
        let arg = *self.loads.entry(node.id).or_insert(next);
        if arg == next {
            self.args.push(Arg { dtype: node.dtype, numel: node.numel(), written: false });
            self.buffers.push(node.clone());
        }
        let (lo, hi) = index.bounds(&self.sizes);
        let safe = lo >= 0 && hi < node.numel() as i64;
        let own: Mask = if safe {
            let related = |c: &Cond| {
                !c.lin.any_value(&mut |_| true)
                    && !c.lin.any_range(&mut |r| !index.any_range(&mut |x| x == r))
            };
            mask.iter().filter(|c| related(c)).cloned().collect()
        } else {
            mask.clone()
        };
        let pending = mask.iter().filter(|c| !own.contains(c)).cloned().collect();
        // A reduction is computed without its users' conditions, also for places that none of them wants.
        let unknown = |e| !own.iter().any(|c| c.lin.any_value(&mut |x| x == e));
        let mut held = own.clone();
        if !safe && (own.is_empty() || index.any_value(&mut |e| unknown(e))) {
            held.push(Cond::new(index.clone(), 0, node.numel() as i64));
        }
        let expr = self.push(Expr::Load { arg, index, mask: held }, node.dtype);
        Value { expr, zero: own, pending }
    }

    fn gather(&mut self, node: &Node, index: &[Lin], mask: &Mask) -> Value {
        let picked = node.src[1].shape.len();
        let row = self.operand(&node.src[1], &index[..picked], mask);
        let at = Lin::atom(super::Atom::Value(row));
        let mut mask = mask.clone();
        mask.push(Cond::new(at.clone(), 0, node.src[0].shape[0] as i64));
        let below: Index = std::iter::once(at).chain(index[picked..].iter().cloned()).collect();
        let value = self.lower(&node.src[0], &below, &mask);
        let expr = self.settle(&value);
        Value { expr, zero: mask, pending: Mask::new() }
    }

    fn reduce(&mut self, node: &Node, op: Reduce, axes: &[usize], index: &[Lin], mask: &Mask) -> Value {
        let below = &node.src[0];
        let sizes: Vec<usize> = axes.iter().map(|a| below.shape[*a]).collect();
        let ranges = self.ranges_for(&sizes);
        let mut at = index.to_vec();
        axes.iter().zip(&ranges).for_each(|(a, r)| at[*a] = Lin::range(*r, &self.sizes));
        let value = self.lower(below, &at, &[]);
        let value = self.settle(&value);
        let ranges: SmallVec<[RangeId; 6]> = ranges.into_iter().filter(|r| self.sizes[*r] != 1).collect();
        let acc = Acc { op, value, ranges, dtype: node.dtype };
        let at = self.accs.iter().position(|a| *a == acc).unwrap_or_else(|| {
            self.accs.push(acc);
            self.accs.len() - 1
        });
        self.masked(Expr::Acc(at), node.dtype, mask)
    }

    /// The recurrence along the inner range, if this is where the index goes one by one, forward or backward.
    fn scan(&mut self, node: &Node, op: graph::Scan, axis: usize, index: &[Lin], mask: &Mask) -> Value {
        let range = self.inner[0];
        let forward = Lin::range(range, &self.sizes);
        let backward = forward.times(-1).plus(node.shape[axis] as i64 - 1);
        // Forward, the first elements do without those that nobody wants.
        let backwards = index[axis] == backward && self.sizes[range] == node.shape[axis];
        let fixed = |(i, lin): (usize, &Lin)| i == axis || !lin.any_range(&mut |r| r == range);
        let in_order = (backwards || index[axis] == forward) && index.iter().enumerate().all(fixed);
        let sources = node
            .src
            .iter()
            .map(|s| {
                let value = self.lower(s, index, &[]);
                self.settle(&value)
            })
            .collect();
        let scan = Scan { op, sources, range, backwards, dtype: node.dtype };
        if !in_order || !mask.is_empty() || self.scan.as_ref().is_some_and(|known| *known != scan) {
            self.apart = Some(node.clone());
        }
        self.scan = Some(scan);
        self.masked(Expr::Scan, node.dtype, mask)
    }

    /// Loop variables for a reduction; reductions of equal sizes share them, so that their loads are equal too.
    fn ranges_for(&mut self, sizes: &[usize]) -> SmallVec<[RangeId; 6]> {
        if let Some(ranges) = self.reduce_ranges.get(sizes) {
            return ranges.clone();
        }
        let inner: Vec<usize> = self.inner.iter().map(|r| self.sizes[*r]).collect();
        let wanted: Vec<usize> = sizes.iter().copied().filter(|s| *s != 1).collect();
        let mut shared = if inner == wanted { self.inner.clone() } else { SmallVec::new() };
        shared.reverse();
        let ranges: SmallVec<[RangeId; 6]> = sizes
            .iter()
            .map(|size| {
                let same = if *size == 1 { None } else { shared.pop() };
                same.unwrap_or_else(|| {
                    self.sizes.push(*size);
                    self.sizes.len() - 1
                })
            })
            .collect();
        self.reduce_ranges.insert(sizes.to_vec(), ranges.clone());
        ranges
    }

    fn finish(mut self, outer: SmallVec<[RangeId; 6]>) -> Lowered {
        let stores = std::mem::take(&mut self.stores);
        let mut kernel = Kernel {
            name: String::new(),
            ranges: self.sizes,
            outer,
            inner: self.inner,
            exprs: self.exprs,
            accs: self.accs,
            scan: self.scan,
            stores: Vec::new(),
            contract: None,
            args: self.args,
            custom: None,
        };
        for (node, index, value) in stores {
            let arg = kernel.args.len();
            kernel.args.push(Arg { dtype: node.dtype, numel: node.numel(), written: true });
            self.buffers.push(node);
            let per_element = index.any_range(&mut |r| kernel.inner.contains(&r));
            kernel.stores.push(Store { arg, index, value, per_element });
        }
        if self.group.contract {
            kernel.contract = contract(&kernel);
        }
        kernel.name = name(&kernel);
        Lowered { kernel, buffers: self.buffers, apart: self.apart, after: self.after }
    }
}

fn contract(kernel: &Kernel) -> Option<Contract> {
    let [acc] = kernel.accs.as_slice() else { return None };
    let Expr::Binary(Binary::Mul, a, b) = kernel.exprs[acc.value].expr else { return None };
    let varies = |e: ExprId, r: RangeId| kernel.depends(&[r])[e];
    let mut c = Contract {
        batch: SmallVec::new(),
        m: SmallVec::new(),
        n: SmallVec::new(),
        k: acc.ranges.clone(),
        a,
        b,
    };
    for r in &kernel.outer {
        match (varies(a, *r), varies(b, *r)) {
            (true, false) => c.m.push(*r),
            (false, true) => c.n.push(*r),
            (true, true) | (false, false) => c.batch.push(*r),
        }
    }
    (!c.m.is_empty() && !c.n.is_empty() && !c.k.is_empty()).then_some(c)
}

fn name(kernel: &Kernel) -> String {
    let join = |ranges: &[RangeId]| {
        let sizes: Vec<String> = ranges.iter().map(|r| kernel.ranges[*r].to_string()).collect();
        if sizes.is_empty() { "1".to_string() } else { sizes.join("x") }
    };
    match (&kernel.contract, kernel.accs.as_slice()) {
        (Some(c), _) => format!("contract_{}_{}_{}", kernel.size(&c.m), kernel.size(&c.n), kernel.size(&c.k)),
        (None, _) if kernel.scan.is_some() => {
            format!("scan_{}_{}", join(&kernel.outer), join(&kernel.inner))
        }
        (None, []) => format!("map_{}", join(&kernel.outer)),
        (None, [first, ..]) if kernel.inner.is_empty() => {
            format!("reduce_{}_{}", join(&kernel.outer), join(&first.ranges))
        }
        (None, _) => format!("row_{}_{}", join(&kernel.outer), join(&kernel.inner)),
    }
}
