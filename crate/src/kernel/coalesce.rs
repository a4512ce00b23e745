//! Merges neighbouring ranges that every index walks as one: `[128, 10]` read and written in order is `[1280]`.

use super::{Atom, Expr, Kernel, Lin, RangeId};
use smallvec::SmallVec;

/// Makes ranges fewer and longer.
pub fn coalesce(kernel: &mut Kernel) {
    while let Some((a, b)) = pairs(kernel).into_iter().find(|(a, b)| mergeable(kernel, *a, *b)) {
        merge(kernel, a, b);
    }
}

/// Candidates: neighbours in any list of ranges.
fn pairs(kernel: &Kernel) -> Vec<(RangeId, RangeId)> {
    lists(kernel).iter().flat_map(|l| l.windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>()).collect()
}

fn lists(kernel: &Kernel) -> Vec<SmallVec<[RangeId; 6]>> {
    let contract = kernel.contract.iter().flat_map(|c| [&c.batch, &c.m, &c.n, &c.k]);
    let mut all: Vec<_> = if kernel.contract.is_some() { vec![] } else { vec![kernel.outer.clone()] };
    all.push(kernel.inner.clone());
    all.extend(kernel.accs.iter().map(|a| a.ranges.clone()));
    all.extend(contract.cloned());
    all
}

/// Every list holds both, in this order side by side, or neither; and every index steps through them as one.
fn mergeable(kernel: &Kernel, a: RangeId, b: RangeId) -> bool {
    let lists_agree = lists(kernel).iter().all(|l| {
        let (i, j) = (l.iter().position(|r| *r == a), l.iter().position(|r| *r == b));
        match (i, j) {
            (None, None) => true,
            (Some(i), Some(j)) => j == i + 1,
            _ => false,
        }
    });
    let size = kernel.ranges[b] as i64;
    let together = |l: &Lin| l.coefficient(a) == l.coefficient(b) * size && !l.nested(a) && !l.nested(b);
    lists_agree && all_lins(kernel).into_iter().all(together)
}

fn all_lins(kernel: &Kernel) -> Vec<&Lin> {
    let mut out: Vec<&Lin> = kernel.stores.iter().map(|s| &s.index).collect();
    for typed in &kernel.exprs {
        match &typed.expr {
            Expr::Index(l) => out.push(l),
            Expr::Load { index, mask, .. } => {
                out.push(index);
                out.extend(mask.iter().map(|c| &c.lin));
            }
            Expr::Masked(mask, _) => out.extend(mask.iter().map(|c| &c.lin)),
            Expr::Const(_)
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Where(..)
            | Expr::Cast(_)
            | Expr::Bitcast(_)
            | Expr::Acc(_)
            | Expr::Scan => {}
        }
    }
    out
}

/// `b` takes over both; `a` gets size 1 and leaves every list.
fn merge(kernel: &mut Kernel, a: RangeId, b: RangeId) {
    let fix = |l: &mut Lin| l.terms.retain(|(atom, _)| *atom != Atom::Range(a));
    kernel.stores.iter_mut().for_each(|s| fix(&mut s.index));
    for typed in &mut kernel.exprs {
        match &mut typed.expr {
            Expr::Index(l) => fix(l),
            Expr::Load { index, mask, .. } => {
                fix(index);
                mask.iter_mut().for_each(|c| fix(&mut c.lin));
            }
            Expr::Masked(mask, _) => mask.iter_mut().for_each(|c| fix(&mut c.lin)),
            Expr::Const(_)
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Where(..)
            | Expr::Cast(_)
            | Expr::Bitcast(_)
            | Expr::Acc(_)
            | Expr::Scan => {}
        }
    }
    kernel.ranges[b] *= kernel.ranges[a];
    kernel.ranges[a] = 1;
    let drop = |l: &mut SmallVec<[RangeId; 6]>| l.retain(|r| *r != a);
    drop(&mut kernel.outer);
    drop(&mut kernel.inner);
    kernel.accs.iter_mut().for_each(|acc| drop(&mut acc.ranges));
    if let Some(c) = &mut kernel.contract {
        [&mut c.batch, &mut c.m, &mut c.n, &mut c.k].into_iter().for_each(drop);
    }
}
