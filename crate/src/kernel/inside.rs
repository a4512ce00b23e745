//! Whether a kernel provably stays inside its arguments, which lets a GPU leave out the checks of its own.
//!
//! Three things together say that no access leaves its buffer: the skeletons in `shaders/` keep every range variable
//! below its size; the place of every load and store is inside its argument for all such values, as is proven here
//! from the bounds of index expressions and the conditions of loads; and a device binds regions that hold the
//! arguments. A kernel without a proof keeps the checks.

use super::{ArgId, Atom, Cond, Expr, Kernel, Lin, Typed, index::Bounds};

impl Kernel {
    /// Whether every load whose conditions hold, and every store, is inside its argument. An argument without elements
    /// has no place to read where conditions do not hold.
    pub fn stays_inside(&self) -> bool {
        let conditional = |typed: &Typed| match &typed.expr {
            Expr::Load { arg, index, mask } => self.args[*arg].numel > 0 && self.inside(*arg, index, mask),
            _ => true,
        };
        self.exprs.iter().all(conditional) && self.unconditional_stay_inside()
    }

    /// Whether what has no conditions needs none: so for every kernel, while a condition's meaning may escape the proof.
    pub fn unconditional_stay_inside(&self) -> bool {
        let reads = |typed: &Typed| match &typed.expr {
            Expr::Load { arg, index, mask } => !mask.is_empty() || self.inside(*arg, index, &[]),
            _ => true,
        };
        let busy = self.rows() > 0 && !self.ranges.contains(&0);
        !busy || self.exprs.iter().all(reads) && self.stores.iter().all(|s| self.inside(s.arg, &s.index, &[]))
    }

    fn inside(&self, arg: ArgId, index: &Lin, mask: &[Cond]) -> bool {
        let (lo, hi) = bounds_where(index, mask, &self.ranges);
        lo >= 0 && hi < self.args[arg].numel as i64
    }
}

/// Smallest and largest value where the conditions hold: what is a multiple of a condition's form varies as much as
/// that does.
fn bounds_where(lin: &Lin, mask: &[Cond], sizes: &[usize]) -> Bounds {
    let (mut rest, mut known) = (lin.clone(), (0, 0));
    for cond in mask {
        let (lo, hi) = cond.lin.bounds(sizes);
        let (lo, hi) = (lo.max(cond.lo), hi.min(cond.hi - 1));
        let multiples = cond.lin.terms.iter().filter_map(|(atom, k)| {
            let (_, whole) = rest.terms.iter().find(|(a, _)| a == atom)?;
            (whole % k == 0).then_some(whole / k)
        });
        let held = |k: i64| {
            let part = (known.0 + (k * lo).min(k * hi), known.1 + (k * lo).max(k * hi));
            (rest.add(&cond.lin.times(-k)), part)
        };
        let width = |(rest, part): &(Lin, Bounds)| {
            let (lo, hi) = terms(rest, mask, sizes);
            (hi - lo) + (part.1 - part.0)
        };
        let best = multiples.map(held).min_by_key(width);
        if let Some(best) = best.filter(|b| width(b) < width(&(rest.clone(), known))) {
            (rest, known) = best;
        }
    }
    let (lo, hi) = terms(&rest, mask, sizes);
    (lo + known.0, hi + known.1)
}

/// The sum of what each term can be by itself.
fn terms(lin: &Lin, mask: &[Cond], sizes: &[usize]) -> Bounds {
    lin.terms.iter().fold((lin.c, lin.c), |(lo, hi), (atom, k)| {
        let (a, b) = match atom {
            Atom::Div(l, d) => {
                let (a, b) = bounds_where(l, mask, sizes);
                (a.div_euclid(*d), b.div_euclid(*d))
            }
            Atom::Range(_) | Atom::Mod(..) | Atom::Value(_) => Lin::atom(atom.clone()).bounds(sizes),
        };
        (lo + (a * k).min(b * k), hi + (a * k).max(b * k))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(r: usize) -> Lin {
        Lin::atom(Atom::Range(r))
    }

    #[test]
    fn conditions_bound_what_they_are_about() {
        // A row of 5 with a border of 1: elements r1 - 1 of row r0.
        let sizes = [3, 7];
        let inner = range(1).plus(-1);
        let index = range(0).times(5).add(&inner);
        let border = [Cond::new(inner, 0, 5)];
        assert_eq!(bounds_where(&index, &[], &sizes), (-1, 15));
        assert_eq!(bounds_where(&index, &border, &sizes), (0, 14));
    }

    #[test]
    fn a_quotient_is_bounded_by_what_is_known_of_its_dividend() {
        // Every second element of 3, spread by zeros.
        let inner = range(0).plus(-1);
        let index = Lin::atom(Atom::Div(Box::new(inner.clone()), 2));
        assert_eq!(bounds_where(&index, &[Cond::new(inner, 0, 6)], &[9]), (0, 2));
    }

    #[test]
    fn a_gathered_row_is_bounded_by_its_condition() {
        let row = Lin::atom(Atom::Value(0));
        let index = row.times(4).add(&range(0));
        assert!(bounds_where(&index, &[], &[4]).0 < 0);
        assert_eq!(bounds_where(&index, &[Cond::new(row, 0, 9)], &[4]), (0, 35));
    }
}
