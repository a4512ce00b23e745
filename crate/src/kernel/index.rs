//! Index expressions: integer linear forms over ranges, with division and remainder by constants where
//! reshapes need them, simplified by what is known of the ranges.

use super::{ExprId, RangeId};
use smallvec::SmallVec;
use std::cmp::Ordering;

/// `c + Σ coefficient · atom`, atoms sorted and distinct, coefficients not zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Lin {
    pub terms: SmallVec<[(Atom, i64); 4]>,
    pub c: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    Range(RangeId),
    /// Floor division by a positive constant.
    Div(Box<Lin>, i64),
    /// Remainder in `[0, c)`.
    Mod(Box<Lin>, i64),
    /// An int32 value of the kernel (a gathered index); any value is possible.
    Value(ExprId),
}

/// `lo ≤ lin < hi`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cond {
    pub lin: Lin,
    pub lo: i64,
    pub hi: i64,
}

/// Smallest and largest value a range-only expression can take, given the range sizes.
pub type Bounds = (i64, i64);
const UNKNOWN: Bounds = (-(1 << 40), 1 << 40);

impl Lin {
    pub fn constant(c: i64) -> Lin {
        Lin { terms: SmallVec::new(), c }
    }

    pub fn atom(atom: Atom) -> Lin {
        Lin { terms: SmallVec::from_iter([(atom, 1)]), c: 0 }
    }

    /// The loop variable `r`; a range of size 1 is always 0.
    pub fn range(r: RangeId, sizes: &[usize]) -> Lin {
        if sizes[r] == 1 { Lin::constant(0) } else { Lin::atom(Atom::Range(r)) }
    }

    pub fn as_const(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.c)
    }

    pub fn add(&self, other: &Lin) -> Lin {
        let mut terms: SmallVec<[(Atom, i64); 4]> = SmallVec::new();
        let (mut a, mut b) = (&self.terms[..], &other.terms[..]);
        while let ([x, after_x @ ..], [y, after_y @ ..]) = (a, b) {
            match x.0.cmp(&y.0) {
                Ordering::Less => {
                    terms.push(x.clone());
                    a = after_x;
                }
                Ordering::Greater => {
                    terms.push(y.clone());
                    b = after_y;
                }
                Ordering::Equal => {
                    if x.1 + y.1 != 0 {
                        terms.push((x.0.clone(), x.1 + y.1));
                    }
                    (a, b) = (after_x, after_y);
                }
            }
        }
        terms.extend(a.iter().chain(b).cloned());
        Lin { terms, c: self.c + other.c }
    }

    /// `k·d·(l div d) + k·(l mod d)` is `k·l`: undoes a split axis that is read in its old order.
    pub fn rejoin(&self) -> Lin {
        for (atom, k) in &self.terms {
            let Atom::Mod(l, d) = atom else { continue };
            let quotient = Atom::Div(l.clone(), *d);
            if self.terms.iter().any(|(a, c)| *a == quotient && *c == k * d) {
                let rest = self.terms.iter().filter(|(a, _)| a != atom && *a != quotient).cloned().collect();
                return Lin { terms: rest, c: self.c }.add(&l.times(*k)).rejoin();
            }
        }
        self.clone()
    }

    pub fn plus(&self, c: i64) -> Lin {
        Lin { terms: self.terms.clone(), c: self.c + c }
    }

    pub fn times(&self, k: i64) -> Lin {
        if k == 0 {
            return Lin::default();
        }
        Lin { terms: self.terms.iter().map(|(a, c)| (a.clone(), c * k)).collect(), c: self.c * k }
    }

    /// The coefficient of a range among the plain terms.
    pub fn coefficient(&self, r: RangeId) -> i64 {
        self.terms.iter().find(|(a, _)| *a == Atom::Range(r)).map_or(0, |t| t.1)
    }

    /// True when `r` occurs inside a division or remainder.
    pub fn nested(&self, r: RangeId) -> bool {
        self.terms.iter().any(|(a, _)| match a {
            Atom::Range(_) | Atom::Value(_) => false,
            Atom::Div(l, _) | Atom::Mod(l, _) => l.any_range(&mut |x| x == r),
        })
    }

    pub fn any_range(&self, f: &mut dyn FnMut(RangeId) -> bool) -> bool {
        self.terms.iter().any(|(a, _)| match a {
            Atom::Range(r) => f(*r),
            Atom::Value(_) => false,
            Atom::Div(l, _) | Atom::Mod(l, _) => l.any_range(f),
        })
    }

    pub fn any_value(&self, f: &mut dyn FnMut(ExprId) -> bool) -> bool {
        let mut any = false;
        for (atom, _) in &self.terms {
            any |= match atom {
                Atom::Range(_) => false,
                Atom::Value(e) => f(*e),
                Atom::Div(l, _) | Atom::Mod(l, _) => l.any_value(f),
            };
        }
        any
    }

    pub fn bounds(&self, sizes: &[usize]) -> Bounds {
        self.terms.iter().fold((self.c, self.c), |(lo, hi), (atom, k)| {
            let (a, b) = atom.bounds(sizes);
            let (x, y) = (a.saturating_mul(*k), b.saturating_mul(*k));
            (lo.saturating_add(x.min(y)), hi.saturating_add(x.max(y)))
        })
    }

    /// Splits into `(q, r)` with `self = q · d + r`: every multiple of `d` goes to `q`.
    fn split(&self, d: i64) -> (Lin, Lin) {
        let (mut q, mut r) = (Lin::constant(self.c.div_euclid(d)), Lin::constant(self.c.rem_euclid(d)));
        for (atom, k) in &self.terms {
            let into = if k % d == 0 { &mut q } else { &mut r };
            into.terms.push((atom.clone(), if k % d == 0 { k / d } else { *k }));
        }
        (q, r)
    }

    /// `floor(self / d)`, `d > 0`.
    pub fn div(&self, d: i64, sizes: &[usize]) -> Lin {
        if d == 1 {
            return self.clone();
        }
        let (q, r) = self.split(d);
        let (lo, hi) = r.bounds(sizes);
        if lo.div_euclid(d) == hi.div_euclid(d) {
            return q.plus(lo.div_euclid(d));
        }
        q.add(&r.div_reduced(d, sizes))
    }

    /// Divides what `split` left: pulls out a factor common to all coefficients and the divisor.
    fn div_reduced(&self, d: i64, sizes: &[usize]) -> Lin {
        let g = self.terms.iter().fold(d, |g, (_, k)| gcd(g, *k));
        if g > 1 {
            let small = Lin {
                terms: self.terms.iter().map(|(a, k)| (a.clone(), k / g)).collect(),
                c: self.c.div_euclid(g),
            };
            return small.div(d / g, sizes);
        }
        match self.terms.as_slice() {
            [(Atom::Div(inner, e), 1)] if self.c == 0 => inner.div(e * d, sizes),
            _ => self.div_parts(d, sizes),
        }
    }

    /// `(big + small) / d` where `small` never fills the gap between the multiples of `g` that `big` takes.
    fn div_parts(&self, d: i64, sizes: &[usize]) -> Lin {
        for (_, g) in &self.terms {
            let g = gcd(*g, d);
            if g <= 1 {
                continue;
            }
            let (big, small) = self.partition(g);
            let (lo, hi) = small.bounds(sizes);
            if lo >= 0 && hi < g && !big.terms.is_empty() {
                return big.div(d, sizes);
            }
        }
        Lin::atom(Atom::Div(Box::new(self.clone()), d))
    }

    /// Terms whose coefficient `g` divides, and the rest with the constant's remainder.
    fn partition(&self, g: i64) -> (Lin, Lin) {
        let (mut big, mut small) =
            (Lin::constant(self.c - self.c.rem_euclid(g)), Lin::constant(self.c.rem_euclid(g)));
        for (atom, k) in &self.terms {
            let into = if k % g == 0 { &mut big } else { &mut small };
            into.terms.push((atom.clone(), *k));
        }
        (big, small)
    }

    /// `self mod d`, in `[0, d)`.
    pub fn rem(&self, d: i64, sizes: &[usize]) -> Lin {
        if d == 1 {
            return Lin::default();
        }
        let (_, r) = self.split(d);
        let (lo, hi) = r.bounds(sizes);
        if lo.div_euclid(d) == hi.div_euclid(d) {
            return r.plus(-lo.div_euclid(d) * d);
        }
        for (_, k) in &r.terms {
            let g = gcd(*k, d);
            if g <= 1 {
                continue;
            }
            let (big, small) = r.partition(g);
            let (lo, hi) = small.bounds(sizes);
            if lo >= 0 && hi < g && !small.terms.is_empty() && !big.terms.is_empty() {
                return big.rem(d, sizes).add(&small);
            }
        }
        let g = r.terms.iter().fold(gcd(d, r.c), |g, (_, k)| gcd(g, *k));
        if g > 1 {
            let small = Lin { terms: r.terms.iter().map(|(a, k)| (a.clone(), k / g)).collect(), c: r.c / g };
            return small.rem(d / g, sizes).times(g);
        }
        match r.terms.as_slice() {
            [(Atom::Mod(inner, e), 1)] if r.c == 0 && e % d == 0 => inner.rem(d, sizes),
            _ => Lin::atom(Atom::Mod(Box::new(r), d)),
        }
    }

    /// The value at a point, `values` giving the kernel's int32 expressions.
    pub fn eval(&self, point: &[usize], values: &dyn Fn(ExprId) -> i64) -> i64 {
        self.terms.iter().fold(self.c, |sum, (atom, k)| {
            let v = match atom {
                Atom::Range(r) => point[*r] as i64,
                Atom::Div(l, d) => l.eval(point, values).div_euclid(*d),
                Atom::Mod(l, d) => l.eval(point, values).rem_euclid(*d),
                Atom::Value(e) => values(*e),
            };
            sum + k * v
        })
    }

    /// The same form with every range replaced.
    pub fn substitute(&self, to: &dyn Fn(RangeId) -> Lin, sizes: &[usize]) -> Lin {
        self.terms.iter().fold(Lin::constant(self.c), |sum, (atom, k)| {
            let new = match atom {
                Atom::Range(r) => to(*r),
                Atom::Div(l, d) => l.substitute(to, sizes).div(*d, sizes),
                Atom::Mod(l, d) => l.substitute(to, sizes).rem(*d, sizes),
                Atom::Value(_) => Lin::atom(atom.clone()),
            };
            sum.add(&new.times(*k))
        })
    }
}

impl Atom {
    fn bounds(&self, sizes: &[usize]) -> Bounds {
        match self {
            Atom::Range(r) => (0, sizes[*r].max(1) as i64 - 1),
            Atom::Div(l, d) => {
                let (lo, hi) = l.bounds(sizes);
                (lo.div_euclid(*d), hi.div_euclid(*d))
            }
            Atom::Mod(_, d) => (0, d - 1),
            Atom::Value(_) => UNKNOWN,
        }
    }
}

impl Cond {
    pub fn new(lin: Lin, lo: i64, hi: i64) -> Cond {
        Cond { lin, lo, hi }
    }

    /// `Some(answer)` where the ranges alone decide.
    pub fn known(&self, sizes: &[usize]) -> Option<bool> {
        let (lo, hi) = self.lin.bounds(sizes);
        if lo >= self.lo && hi < self.hi {
            Some(true)
        } else if hi < self.lo || lo >= self.hi {
            Some(false)
        } else {
            None
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_and_splitting_an_axis_cancel() {
        let sizes = [4, 6, 5];
        let flat =
            Lin::range(0, &sizes).times(30).add(&Lin::range(1, &sizes).times(5)).add(&Lin::range(2, &sizes));
        assert_eq!(flat.rem(5, &sizes), Lin::range(2, &sizes));
        assert_eq!(flat.div(5, &sizes).rem(6, &sizes), Lin::range(1, &sizes));
        assert_eq!(flat.div(30, &sizes), Lin::range(0, &sizes));
        assert_eq!(flat.div(10, &sizes).rem(3, &sizes), Lin::range(1, &sizes).div(2, &sizes));
    }

    proptest::proptest! {
        #[test]
        fn division_and_remainder_are_exact(
            sizes in proptest::collection::vec(1usize..7, 3),
            k in proptest::collection::vec(-12i64..40, 3),
            c in -5i64..30,
            d in 1i64..30,
            e in 1i64..12,
        ) {
            let lin = (0..3).fold(Lin::constant(c), |l, r| l.add(&Lin::range(r, &sizes).times(k[r])));
            for i in 0..sizes[0] {
                for j in 0..sizes[1] {
                    for l in 0..sizes[2] {
                        let p = [i, j, l];
                        let v = lin.eval(&p, &|_| 0);
                        proptest::prop_assert_eq!(lin.div(d, &sizes).eval(&p, &|_| 0), v.div_euclid(d));
                        proptest::prop_assert_eq!(lin.rem(d, &sizes).eval(&p, &|_| 0), v.rem_euclid(d));
                        proptest::prop_assert_eq!(
                            lin.div(d, &sizes).rem(e, &sizes).eval(&p, &|_| 0),
                            v.div_euclid(d).rem_euclid(e)
                        );
                        proptest::prop_assert_eq!(
                            lin.rem(d, &sizes).div(e, &sizes).eval(&p, &|_| 0),
                            v.rem_euclid(d).div_euclid(e)
                        );
                    }
                }
            }
        }
    }
}
