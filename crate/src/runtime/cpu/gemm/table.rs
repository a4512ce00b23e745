//! Index expressions that are a part for the lane plus a part for the depth, tabled: packing only adds.

use crate::{
    kernel::{Atom, Kernel, Lin, RangeId},
    runtime::cpu::rows::set_point,
};

/// `fixed` (of the batch) + `lanes[lane]` + `depth[k]`.
pub struct Table {
    pub fixed: Lin,
    pub lanes: Vec<i32>,
    pub depth: Vec<i32>,
}

impl Table {
    /// None where lane and depth mix, or where values are part of the index.
    pub fn new(kernel: &Kernel, lin: &Lin, lanes: &[RangeId], depth: &[RangeId]) -> Option<Table> {
        if lin.any_value(&mut |_| true) {
            return None;
        }
        let [mut fixed, mut lane, mut deep] = [Lin::constant(lin.c), Lin::default(), Lin::default()];
        for (atom, k) in &lin.terms {
            let part = Lin { terms: [(atom.clone(), *k)].into_iter().collect(), c: 0 };
            let of = |ranges: &[RangeId]| match atom {
                Atom::Range(r) => ranges.contains(r),
                Atom::Div(..) | Atom::Mod(..) => part.any_range(&mut |r| ranges.contains(&r)),
                Atom::Value(_) => false,
            };
            let into = match (of(lanes), of(depth)) {
                (false, false) => &mut fixed,
                (true, false) => &mut lane,
                (false, true) => &mut deep,
                (true, true) => return None,
            };
            into.terms.push((atom.clone(), *k));
        }
        Some(Table { fixed, lanes: values(kernel, lanes, &lane), depth: values(kernel, depth, &deep) })
    }

    pub fn base(&self, point: &[usize]) -> i64 {
        self.fixed.eval(point, &|_| unreachable!("tables hold no values"))
    }
}

/// The form at every point of `ranges`, the last fastest; it names no others.
fn values(kernel: &Kernel, ranges: &[RangeId], lin: &Lin) -> Vec<i32> {
    let mut point = vec![0; kernel.ranges.len()];
    let mut out = Vec::with_capacity(kernel.size(ranges));
    let Some((last, before)) = ranges.split_last() else { return vec![0] };
    let size = kernel.ranges[*last];
    for at in 0..kernel.size(before) {
        set_point(kernel, before, at, &mut point);
        let mut value = |i: usize| {
            point[*last] = i;
            lin.eval(&point, &|_| unreachable!("tables hold no values")) as i32
        };
        if lin.nested(*last) {
            out.extend((0..size).map(value));
        } else {
            let (first, step) = (value(0), lin.coefficient(*last) as i32);
            out.extend((0..size as i32).map(|i| first + i * step));
        }
    }
    out
}
