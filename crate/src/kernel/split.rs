//! Long reductions with few rows as two kernels: parts of each row side by side, then the rows from their parts.

use super::{Acc, Arg, Cond, Expr, ExprId, Kernel, Lin, RangeId, Store, Typed};
use smallvec::SmallVec;

/// Both kernels take the kernel's arguments and, after them, one scratch buffer per accumulator.
pub struct Split {
    pub parts: Kernel,
    pub whole: Kernel,
    /// Bytes of each scratch buffer.
    pub scratch: Vec<usize>,
}

/// Cuts a reduced range into about `wanted` parts. None where accumulators need each other, a store runs along the
/// row, or no range divides.
pub fn split(kernel: &Kernel, wanted: usize) -> Option<Split> {
    let first = kernel.accs.first()?;
    let alike = kernel.accs.iter().all(|a| a.ranges == first.ranges && a.dtype.size() == 4);
    let values: Vec<ExprId> = kernel.accs.iter().map(|a| a.value).collect();
    let alone = kernel.needed(&values).iter().all(|e| !matches!(kernel.exprs[*e].expr, Expr::Acc(_)));
    if !alike || !alone || !kernel.inner.is_empty() {
        return None;
    }
    let best = |r: &RangeId| (2..=wanted).rev().find(|p| kernel.ranges[*r].is_multiple_of(*p)).unwrap_or(1);
    let (range, parts) = first.ranges.iter().map(|r| (*r, best(r))).max_by_key(|(_, parts)| *parts)?;
    (parts > 1).then(|| cut(kernel, range, parts))
}

fn cut(kernel: &Kernel, range: RangeId, parts: usize) -> Split {
    let length = kernel.ranges[range] / parts;
    let part: RangeId = kernel.ranges.len();
    let mut base = kernel.clone();
    base.ranges.push(parts);
    base.args.extend(kernel.accs.iter().map(|a| Arg {
        dtype: a.dtype,
        numel: parts * kernel.rows(),
        written: true,
    }));
    let at = partial_index(kernel, part);
    Split {
        parts: parts_kernel(&base, kernel, range, part, length, &at),
        whole: whole_kernel(&base, kernel, part, &at),
        scratch: kernel.accs.iter().map(|a| parts * kernel.rows() * a.dtype.size()).collect(),
    }
}

/// Where a row's partial result lies: the parts one after another.
fn partial_index(kernel: &Kernel, part: RangeId) -> Lin {
    let mut stride = 1;
    let mut index = Lin::default();
    let mut sizes = kernel.ranges.clone();
    sizes.push(usize::MAX);
    for r in kernel.outer.iter().rev() {
        index = index.add(&Lin::range(*r, &sizes).times(stride));
        stride *= kernel.ranges[*r] as i64;
    }
    index.add(&Lin::range(part, &sizes).times(stride))
}

fn parts_kernel(
    base: &Kernel,
    kernel: &Kernel,
    range: RangeId,
    part: RangeId,
    length: usize,
    at: &Lin,
) -> Kernel {
    let mut parts = base.clone();
    parts.name += "_parts";
    parts.ranges[range] = length;
    parts.outer.insert(0, part);
    if let Some(c) = &mut parts.contract {
        c.batch.insert(0, part);
    }
    let sizes = parts.ranges.clone();
    let moved = |r: RangeId| {
        let own = Lin::range(r, &sizes);
        if r == range { own.add(&Lin::range(part, &sizes).times(length as i64)) } else { own }
    };
    let lin = |l: &mut Lin| *l = l.substitute(&moved, &sizes);
    let conds = |mask: &mut Vec<Cond>| mask.iter_mut().for_each(|c| lin(&mut c.lin));
    for typed in &mut parts.exprs {
        match &mut typed.expr {
            Expr::Index(l) => lin(l),
            Expr::Load { index, mask, .. } => {
                lin(index);
                conds(mask);
            }
            Expr::Masked(mask, _) => conds(mask),
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
    parts.stores.clear();
    for (i, acc) in kernel.accs.iter().enumerate() {
        let value = parts.exprs.len();
        parts.exprs.push(Typed { expr: Expr::Acc(i), dtype: acc.dtype });
        parts.stores.push(Store { arg: kernel.args.len() + i, index: at.clone(), value, per_element: false });
    }
    parts
}

fn whole_kernel(base: &Kernel, kernel: &Kernel, part: RangeId, at: &Lin) -> Kernel {
    let mut whole = base.clone();
    whole.name += "_whole";
    whole.contract = None;
    for (i, acc) in kernel.accs.iter().enumerate() {
        let load = Expr::Load { arg: kernel.args.len() + i, index: at.clone(), mask: Vec::new() };
        let value = whole.exprs.len();
        whole.exprs.push(Typed { expr: load, dtype: acc.dtype });
        whole.accs[i] = Acc { op: acc.op, value, ranges: SmallVec::from_slice(&[part]), dtype: acc.dtype };
    }
    whole
}
