//! Takes fused groups of graph nodes; gives kernels: ranges, index expressions, a value expression, stores.
//! Knows nothing of WGSL, CUDA or devices.

mod coalesce;
mod custom;
pub mod index;
mod inside;
mod lower;
mod prune;
mod split;

use crate::graph::{self, Binary, Custom, DType, Reduce, Unary};
pub use coalesce::coalesce;
pub use custom::{Own, custom};
pub use index::{Atom, Cond, Lin};
pub use lower::{Lowered, lower};
pub use prune::prune;
use smallvec::SmallVec;
pub use split::{Split, split};
use std::rc::Rc;

/// Names one loop variable of a kernel; `Kernel::ranges` holds its size.
pub type RangeId = usize;
/// Position in `Kernel::exprs`; an expression only names earlier ones.
pub type ExprId = usize;
/// Position in `Kernel::args`.
pub type ArgId = usize;

/// One launch: for every point of `outer` (a row) compute the accumulators in order, then run the stores.
///
/// - *map*: no accumulators, `inner` empty.
/// - *reduce*: accumulators and stores per row, `inner` empty.
/// - *row*: stores with `per_element` loop over `inner` after the accumulators (softmax, layernorm).
/// - *scan*: as row, but the stores follow the recurrence along `inner`, in its order.
/// - *contract*: `contract` is set; `accs[0]` sums `a · b` and the stores are its epilogue. Ignoring the hint
///   and treating it as a reduce gives the same values.
/// - *custom*: `custom` is set; its text runs once for each point of `outer`, and the store tells what it writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// For people: kind and sizes, `contract_128x10x784`.
    pub name: String,
    /// Size of each range.
    pub ranges: Vec<usize>,
    /// The parallel ranges, outermost first.
    pub outer: SmallVec<[RangeId; 6]>,
    /// The ranges that `per_element` stores loop over inside a row.
    pub inner: SmallVec<[RangeId; 6]>,
    pub exprs: Vec<Typed>,
    pub accs: Vec<Acc>,
    pub scan: Option<Scan>,
    pub stores: Vec<Store>,
    pub contract: Option<Contract>,
    pub args: Vec<Arg>,
    pub custom: Option<Own>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Typed {
    pub expr: Expr,
    pub dtype: DType,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// `f64::to_bits` of the value.
    Const(u64),
    /// The value of an index expression, int32.
    Index(Lin),
    /// Element `index` of an argument; 0 (and no access) where a condition does not hold.
    Load {
        arg: ArgId,
        index: Lin,
        mask: Vec<Cond>,
    },
    /// The value where all conditions hold, else 0.
    Masked(Vec<Cond>, ExprId),
    Unary(Unary, ExprId),
    Binary(Binary, ExprId, ExprId),
    Where(ExprId, ExprId, ExprId),
    Cast(ExprId),
    Bitcast(ExprId),
    /// The finished value of an accumulator.
    Acc(usize),
    /// The value of the kernel's scan at the point of `inner`.
    Scan,
}

/// `op` over all points of `ranges` of `value`; `value` may name earlier accumulators.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Acc {
    pub op: Reduce,
    pub value: ExprId,
    pub ranges: SmallVec<[RangeId; 6]>,
    pub dtype: DType,
}

/// A recurrence along `range`, which alone is `inner`; it starts at the last element where it runs `backwards`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scan {
    pub op: graph::Scan,
    /// What the graph's op takes: a, b or b alone; may name accumulators.
    pub sources: SmallVec<[ExprId; 2]>,
    pub range: RangeId,
    pub backwards: bool,
    pub dtype: DType,
}

impl Scan {
    /// What stands before the first element.
    pub fn start(&self) -> f64 {
        match self.op {
            graph::Scan::Linear => 0.0,
            graph::Scan::Max => self.dtype.min_value(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    pub arg: ArgId,
    pub index: Lin,
    pub value: ExprId,
    /// Once per point of `inner` instead of once per row.
    pub per_element: bool,
}

/// Which ranges of a sum of products play which part: `a` varies over batch, m, k and `b` over batch, n, k.
/// Batch, m and n together are `outer`; k is `accs[0].ranges`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contract {
    pub batch: SmallVec<[RangeId; 6]>,
    pub m: SmallVec<[RangeId; 6]>,
    pub n: SmallVec<[RangeId; 6]>,
    pub k: SmallVec<[RangeId; 6]>,
    pub a: ExprId,
    pub b: ExprId,
}

/// A buffer the kernel reads or writes, never both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arg {
    pub dtype: DType,
    pub numel: usize,
    pub written: bool,
}

impl Kernel {
    /// The user's kernel that this is, if it is one.
    pub fn custom(&self) -> Option<&Rc<Custom>> {
        self.custom.as_ref().map(Own::get)
    }

    pub fn size(&self, ranges: &[RangeId]) -> usize {
        ranges.iter().fold(1, |n: usize, r| n.saturating_mul(self.ranges[*r]))
    }

    /// Number of rows, each computed by itself.
    pub fn rows(&self) -> usize {
        self.size(&self.outer)
    }

    /// How often the innermost loops run; nobody knows of a custom kernel's.
    pub fn points(&self) -> usize {
        if self.custom.is_some() {
            return usize::MAX;
        }
        let reduced: usize = self.accs.iter().map(|a| self.size(&a.ranges)).sum();
        self.rows().saturating_mul(reduced + self.size(&self.inner))
    }

    /// What the scan's recurrence takes; nothing where there is none.
    pub fn scanned(&self) -> &[ExprId] {
        self.scan.as_ref().map_or(&[], |s| &s.sources)
    }

    /// Accumulators that can share one loop: same ranges, none needing another of the same stage.
    pub fn stages(&self) -> Vec<Vec<usize>> {
        let mut level = vec![0usize; self.accs.len()];
        let mut stages: Vec<(usize, Vec<usize>)> = Vec::new();
        for (i, acc) in self.accs.iter().enumerate() {
            for e in self.needed(&[acc.value]) {
                if let Expr::Acc(j) = self.exprs[e].expr {
                    level[i] = level[i].max(level[j] + 1);
                }
            }
            let same =
                |s: &&mut (usize, Vec<usize>)| s.0 == level[i] && self.accs[s.1[0]].ranges == acc.ranges;
            match stages.iter_mut().find(same) {
                Some(stage) => stage.1.push(i),
                None => stages.push((level[i], vec![i])),
            }
        }
        stages.sort_by_key(|s| s.0);
        stages.into_iter().map(|s| s.1).collect()
    }

    /// Which expressions depend on any of `ranges`, directly or through what they name.
    pub fn depends(&self, ranges: &[RangeId]) -> Vec<bool> {
        let mut out = vec![false; self.exprs.len()];
        for (i, typed) in self.exprs.iter().enumerate() {
            let lin = |l: &Lin| l.any_range(&mut |r| ranges.contains(&r)) || l.any_value(&mut |e| out[e]);
            let conds = |m: &[Cond]| m.iter().any(|c| lin(&c.lin));
            out[i] = match &typed.expr {
                Expr::Const(_) => false,
                Expr::Acc(_) => ranges.iter().any(|r| self.outer.contains(r)),
                Expr::Scan => ranges.iter().any(|r| self.outer.contains(r) || self.inner.contains(r)),
                Expr::Index(l) => lin(l),
                Expr::Load { index, mask, .. } => lin(index) || conds(mask),
                Expr::Masked(mask, e) => conds(mask) || out[*e],
                Expr::Unary(_, a) | Expr::Cast(a) | Expr::Bitcast(a) => out[*a],
                Expr::Binary(_, a, b) => out[*a] || out[*b],
                Expr::Where(a, b, c) => out[*a] || out[*b] || out[*c],
            };
        }
        out
    }

    /// The expressions `roots` need, in order.
    pub fn needed(&self, roots: &[ExprId]) -> Vec<ExprId> {
        let mut want = vec![false; self.exprs.len()];
        roots.iter().for_each(|r| want[*r] = true);
        for i in (0..self.exprs.len()).rev().filter(|i| roots.iter().any(|r| i <= r)) {
            if !want[i] {
                continue;
            }
            let mut values = |l: &Lin| {
                l.any_value(&mut |e| {
                    want[e] = true;
                    false
                });
            };
            match &self.exprs[i].expr {
                Expr::Const(_) | Expr::Acc(_) | Expr::Scan => {}
                Expr::Index(l) => values(l),
                Expr::Load { index, mask, .. } => {
                    values(index);
                    mask.iter().for_each(|c| values(&c.lin));
                }
                Expr::Masked(mask, e) => {
                    mask.iter().for_each(|c| values(&c.lin));
                    want[*e] = true;
                }
                Expr::Unary(_, a) | Expr::Cast(a) | Expr::Bitcast(a) => want[*a] = true,
                Expr::Binary(_, a, b) => {
                    want[*a] = true;
                    want[*b] = true;
                }
                Expr::Where(a, b, c) => [a, b, c].into_iter().for_each(|e| want[*e] = true),
            }
        }
        (0..want.len()).filter(|i| want[*i]).collect()
    }
}
