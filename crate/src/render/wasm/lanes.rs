//! Which range the four lanes run along, by what it costs to compute and to read and write.

use crate::{
    graph::Unary,
    kernel::{Atom, Cond, Expr, ExprId, Kernel, Lin, RangeId, Store},
};

/// How a kernel is laid over lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// Each lane a row of its own; lanes step along this outer range.
    Outer(RangeId),
    /// Lanes share a row and run along what is reduced or stored inside it.
    Inside,
}

pub fn along(kernel: &Kernel) -> Along {
    let outer = kernel.outer.iter().filter(|r| kernel.ranges[**r] > 1);
    let outside = outer.rev().map(|r| (Along::Outer(*r), total(kernel, Some(*r))));
    let inside = (Along::Inside, total(kernel, None));
    let best = std::iter::once(inside).chain(outside).min_by_key(|(_, cost)| *cost);
    best.map_or(Along::Inside, |(along, _)| along)
}

/// The range among `ranges` along which these values and stores are cheapest.
pub fn inside(kernel: &Kernel, ranges: &[RangeId], roots: &[ExprId], stores: &[&Store]) -> Option<RangeId> {
    let wide = ranges.iter().rev().filter(|r| kernel.ranges[**r] > 1);
    wide.copied().min_by_key(|r| spread(kernel, *r, cost(kernel, roots, stores, Some(*r), &[*r])))
}

/// Cost per element, in hundredths, of a vector step that costs `cost`: short ranges fill their vectors badly.
fn spread(kernel: &Kernel, range: RangeId, cost: u64) -> u64 {
    let n = kernel.ranges[range] as u64;
    cost * n.div_ceil(4) * 100 / n.max(1)
}

/// The loop's own instructions per step.
const STEP: u64 = 4;
/// Joining the lanes of an accumulator.
const FOLD: u64 = 12;
/// A scan's step from lane to lane.
const SERIAL: u64 = 8;

fn total(kernel: &Kernel, outer: Option<RangeId>) -> u64 {
    let rows = kernel.rows() as u64;
    let all: Vec<RangeId> = (0..kernel.ranges.len()).collect();
    let mut sum: u64 = 0;
    let mut region = |ranges: &[RangeId], roots: &[ExprId], stores: &[&Store]| {
        let points = rows.saturating_mul(kernel.size(ranges) as u64);
        let each = match outer {
            Some(r) => spread(kernel, r, cost(kernel, roots, stores, Some(r), &all) + STEP),
            None => match inside(kernel, ranges, roots, stores) {
                Some(r) => spread(kernel, r, cost(kernel, roots, stores, Some(r), &[r]) + STEP),
                None => 100 * (cost(kernel, roots, stores, None, &all) + STEP),
            },
        };
        sum = sum.saturating_add(points.saturating_mul(each));
    };
    for stage in kernel.stages() {
        let roots: Vec<ExprId> = stage.iter().map(|a| kernel.accs[*a].value).collect();
        region(&kernel.accs[stage[0]].ranges, &roots, &[]);
    }
    for per_element in [false, true] {
        let stores: Vec<&Store> = kernel.stores.iter().filter(|s| s.per_element == per_element).collect();
        if !stores.is_empty() {
            let scanned = if per_element { kernel.scanned() } else { &[] };
            region(if per_element { &kernel.inner } else { &[] }, scanned, &stores);
        }
    }
    if outer.is_none() && kernel.scan.is_some() {
        sum = sum.saturating_add(rows.saturating_mul(kernel.size(&kernel.inner) as u64) * SERIAL * 100);
    }
    if outer.is_none() {
        sum = sum.saturating_add(rows * kernel.accs.len() as u64 * FOLD * 100);
    }
    sum
}

/// Instructions of one step along `lanes`; what does not depend on `moving` is computed outside.
fn cost(
    kernel: &Kernel,
    roots: &[ExprId],
    stores: &[&Store],
    lanes: Option<RangeId>,
    moving: &[RangeId],
) -> u64 {
    let mut all = roots.to_vec();
    all.extend(stores.iter().map(|s| s.value));
    let varies = kernel.depends(moving);
    let lane_varies = lanes.map(|r| kernel.depends(&[r]));
    let access = |lin: &Lin| match lanes {
        Some(r) => walk(lin, r, lane_varies.as_deref().unwrap_or(&[])),
        None => 1,
    };
    let conds = |m: &[Cond]| m.iter().map(|c| 2 + access(&c.lin)).sum::<u64>();
    let each = kernel.needed(&all).into_iter().filter(|e| varies[*e]).map(|e| match &kernel.exprs[e].expr {
        Expr::Const(_) | Expr::Acc(_) | Expr::Scan | Expr::Bitcast(_) => 0,
        Expr::Index(lin) => access(lin),
        Expr::Load { index, mask, .. } => access(index) + conds(mask),
        Expr::Masked(mask, _) => 1 + conds(mask),
        Expr::Unary(Unary::Exp2, _) => 24,
        Expr::Unary(Unary::Log2, _) => 35,
        Expr::Unary(Unary::Sin, _) => 45,
        Expr::Unary(..) | Expr::Binary(..) | Expr::Where(..) | Expr::Cast(_) => 1,
    });
    each.sum::<u64>() + stores.iter().map(|s| access(&s.index)).sum::<u64>()
}

/// Instructions to read or write four lanes along `r`.
fn walk(lin: &Lin, r: RangeId, varies: &[bool]) -> u64 {
    let irregular = lin.nested(r)
        || lin.terms.iter().any(|(a, _)| match a {
            Atom::Range(_) => false,
            Atom::Div(l, _) | Atom::Mod(l, _) => l.any_value(&mut |e| varies[e]),
            Atom::Value(e) => varies[*e],
        });
    match lin.coefficient(r) {
        _ if irregular => 16,
        0 | 1 => 1,
        -1 => 2,
        2 => 3,
        _ => 8,
    }
}
