//! Index expressions: sums built up loop by loop in i32 locals, or as i32x4 where lanes do not step evenly.

use super::body::{Body, Coord, Local, Partial, Sum};
use crate::kernel::{Atom, Cond, Lin};
use wasm_encoder::ValType;

impl Body<'_> {
    pub(super) fn scale(&self, sum: &Sum) -> i64 {
        sum.arg.map_or(1, |a| self.kernel.args[a].dtype.size() as i64)
    }

    /// Elements from lane to lane; None where they do not step evenly.
    pub(super) fn stride(&self, lin: &Lin) -> Option<i64> {
        let mut stride = 0;
        for (atom, k) in &lin.terms {
            match atom {
                Atom::Range(r) => match self.scope.coords.get(r) {
                    Some(Coord::Even(_)) => stride += k,
                    Some(Coord::Lanes(_)) => return None,
                    Some(Coord::Scalar(_) | Coord::Fixed(_)) | None => {}
                },
                Atom::Div(..) | Atom::Mod(..) | Atom::Value(_) => {
                    if self.varies(self.atom_deps(atom)) {
                        return None;
                    }
                }
            }
        }
        Some(stride)
    }

    /// Adds to the sum what has a value by now and steps evenly.
    pub(super) fn advance(&mut self, sum: &Sum) -> Partial {
        let scale = self.scale(sum);
        let mut p = match self.scope.sums.get(sum) {
            Some(p) => *p,
            None => self.start(sum, scale),
        };
        let mut begun = false;
        for (i, (atom, k)) in sum.lin.terms.iter().enumerate() {
            let deps = self.atom_deps(atom);
            let coord = if let Atom::Range(r) = atom { self.scope.coords.get(r).copied() } else { None };
            let even = matches!(coord, Some(Coord::Even(_)));
            if p.done >> i & 1 == 1 || !self.known(deps) || (self.varies(deps) && !even) {
                continue;
            }
            p.done |= 1 << i;
            let m = k * scale;
            if let Some(Coord::Fixed(at)) = coord
                && (at == 0 || sum.arg.is_none() || rises(&sum.lin))
            {
                p.add += m * at;
                continue;
            }
            if let (false, Some(local)) = (begun, p.local) {
                self.op().local_get(local);
            }
            let add = begun || p.local.is_some();
            begun = true;
            match coord {
                Some(Coord::Even(start)) => {
                    self.op().local_get(start);
                    self.times(if m % 4 == 0 { m / 4 } else { m });
                    if m % 4 != 0 {
                        self.op().i32_const(2).i32_shr_s();
                    }
                }
                Some(Coord::Fixed(at)) => {
                    self.op().i32_const((m * at) as i32);
                }
                Some(Coord::Scalar(_) | Coord::Lanes(_)) | None => {
                    self.atom(atom);
                    self.times(m);
                }
            }
            if add {
                self.op().i32_add();
            }
        }
        if begun {
            p.local = Some(self.keep(ValType::I32));
        }
        self.scope.sums.insert(sum.clone(), p);
        p
    }

    /// An address that later goes down, or up by less than its constant takes away, starts with the constant: an
    /// access may only add to it what keeps it inside the memory.
    fn start(&mut self, sum: &Sum, scale: i64) -> Partial {
        let Some(arg) = sum.arg else { return Partial { local: None, add: sum.lin.c, done: 0 } };
        let base = self.base(arg);
        let add = sum.lin.c * scale;
        if add >= 0 && rises(&sum.lin) || add == 0 {
            return Partial { local: Some(base), add, done: 0 };
        }
        self.op().local_get(base).i32_const(add as i32).i32_add();
        Partial { local: Some(self.keep(ValType::I32)), add: 0, done: 0 }
    }

    /// Pushes what a sum has so far, as i32.
    fn push(&mut self, p: Partial) {
        match p.local {
            Some(local) if p.add == 0 => {
                self.op().local_get(local);
            }
            Some(local) => {
                self.op().local_get(local).i32_const(p.add as i32).i32_add();
            }
            None => {
                self.op().i32_const(p.add as i32);
            }
        }
    }

    /// Multiplies the i32 on the stack.
    fn times(&mut self, k: i64) {
        match k {
            1 => {}
            k if k > 0 && k.count_ones() == 1 => {
                self.op().i32_const(k.trailing_zeros() as i32).i32_shl();
            }
            k => {
                self.op().i32_const(k as i32).i32_mul();
            }
        }
    }

    /// Pushes the i32 value of a form that all lanes share.
    pub(super) fn scalar(&mut self, lin: &Lin) {
        let p = self.advance(&Sum { arg: None, lin: lin.clone() });
        self.push(p);
    }

    fn atom(&mut self, atom: &Atom) {
        match atom {
            Atom::Range(r) => match self.scope.coords[r] {
                Coord::Scalar(local) => {
                    self.op().local_get(local);
                }
                Coord::Fixed(at) => {
                    self.op().i32_const(at as i32);
                }
                Coord::Even(_) | Coord::Lanes(_) => unreachable!("a scalar form has no lanes"),
            },
            Atom::Value(e) => {
                let value = self.value(*e, 0);
                self.op().local_get(value).i32x4_extract_lane(0);
            }
            Atom::Div(l, d) | Atom::Mod(l, d) => {
                if let Some(local) = self.scope.atoms.get(atom) {
                    let local = *local;
                    self.op().local_get(local);
                    return;
                }
                let (lo, _) = l.bounds(&self.kernel.ranges);
                self.scalar(l);
                let quotient = matches!(atom, Atom::Div(..));
                self.divide_scalar(*d as i32, lo, quotient);
                let local = self.keep(ValType::I32);
                self.op().local_get(local);
                self.scope.atoms.insert(atom.clone(), local);
            }
        }
    }

    /// Floor division of the i32 on the stack, or its remainder; `lo` is the least value it can have.
    fn divide_scalar(&mut self, d: i32, lo: i64, quotient: bool) {
        let shift = d.trailing_zeros() as i32;
        match (quotient, d.count_ones() == 1) {
            (true, true) => {
                self.op().i32_const(shift).i32_shr_s();
            }
            (false, true) => {
                self.op().i32_const(d - 1).i32_and();
            }
            (true, false) if lo >= 0 => {
                self.op().i32_const(d).i32_div_u();
            }
            (false, false) if lo >= 0 => {
                self.op().i32_const(d).i32_rem_u();
            }
            (quotient, false) => {
                let x = self.keep(ValType::I32);
                let mut op = self.op();
                if quotient {
                    op.local_get(x).i32_const(d).i32_div_s();
                    op.local_get(x).i32_const(d).i32_rem_s().i32_const(31).i32_shr_s().i32_add();
                } else {
                    op.local_get(x).i32_const(d).i32_rem_s().local_tee(x);
                    op.local_get(x).i32_const(31).i32_shr_s().i32_const(d).i32_and().i32_add();
                }
            }
        }
    }

    /// Pushes a sum's value at each lane of a group, as i32x4.
    pub(super) fn vector(&mut self, sum: &Sum, group: u32) {
        let scale = self.scale(sum);
        let p = self.advance(sum);
        self.push(p);
        self.op().i32x4_splat();
        let mut even = 0;
        for (i, (atom, k)) in sum.lin.terms.iter().enumerate() {
            let m = k * scale;
            if p.done >> i & 1 == 1 {
                let stands = if let Atom::Range(r) = atom { self.scope.coords.get(r) } else { None };
                even += if matches!(stands, Some(Coord::Even(_))) { m } else { 0 };
                continue;
            }
            let lanes = self.atom_lanes(atom, group);
            self.op().local_get(lanes);
            self.times_lanes(m);
            self.op().i32x4_add();
        }
        if even != 0 {
            let first = 4 * i64::from(group);
            let steps = self.constant([0, 1, 2, 3].map(|l| (even * (first + l)) as u32));
            self.op().local_get(steps).i32x4_add();
        }
    }

    pub(super) fn times_lanes(&mut self, k: i64) {
        match k {
            1 => {}
            k if k > 0 && k.count_ones() == 1 => {
                self.op().i32_const(k.trailing_zeros() as i32).i32x4_shl();
            }
            k => {
                let by = self.splat(k as u32);
                self.op().local_get(by).i32x4_mul();
            }
        }
    }

    fn atom_lanes(&mut self, atom: &Atom, group: u32) -> Local {
        let (l, d) = match atom {
            Atom::Range(r) => match self.scope.coords[r] {
                Coord::Lanes(first) => return first + group,
                Coord::Scalar(_) | Coord::Fixed(_) | Coord::Even(_) => {
                    unreachable!("a range that steps evenly is part of the scalar sum")
                }
            },
            Atom::Value(e) => return self.value(*e, group),
            Atom::Div(l, d) | Atom::Mod(l, d) => (l, *d),
        };
        let key = (atom.clone(), group);
        if let Some(local) = self.scope.atom_lanes.get(&key) {
            return *local;
        }
        self.vector(&Sum { arg: None, lin: (**l).clone() }, group);
        let x = self.keep(ValType::V128);
        let bounds = l.bounds(&self.kernel.ranges);
        self.divide_lanes(x, d, bounds, matches!(atom, Atom::Div(..)));
        let local = self.keep(ValType::V128);
        self.scope.atom_lanes.insert(key, local);
        local
    }

    /// The i32 local that is 1 where a condition on scalars holds.
    pub(super) fn test(&mut self, cond: &Cond) -> Local {
        if let Some(local) = self.scope.tests.get(cond) {
            return *local;
        }
        self.scalar(&cond.lin);
        let (lo, hi) = limits(cond);
        self.op().i32_const(lo).i32_sub().i32_const(hi.wrapping_sub(lo)).i32_lt_u();
        let local = self.keep(ValType::I32);
        self.scope.tests.insert(cond.clone(), local);
        local
    }

    /// The lanes for which a condition holds.
    pub(super) fn mask(&mut self, cond: &Cond, group: u32) -> Local {
        let key = (cond.clone(), group);
        if let Some(local) = self.scope.masks.get(&key) {
            return *local;
        }
        self.vector(&Sum { arg: None, lin: cond.lin.clone() }, group);
        let (least, most) = cond.lin.bounds(&self.kernel.ranges);
        let (lo, hi) = limits(cond);
        if least >= cond.lo {
            let hi = self.splat(hi as u32);
            self.op().local_get(hi).i32x4_lt_s();
        } else if most < cond.hi {
            let lo = self.splat(lo as u32);
            self.op().local_get(lo).i32x4_ge_s();
        } else {
            let (from, width) = (self.splat(lo as u32), self.splat(hi.wrapping_sub(lo) as u32));
            self.op().local_get(from).i32x4_sub().local_get(width).i32x4_lt_u();
        }
        let local = self.keep(ValType::V128);
        self.scope.masks.insert(key, local);
        local
    }
}

/// Whether no term takes away.
fn rises(lin: &Lin) -> bool {
    lin.terms.iter().all(|(atom, k)| *k > 0 && !matches!(atom, Atom::Value(_)))
}

/// The condition's limits as int32; nothing lies between equal ones.
fn limits(cond: &Cond) -> (i32, i32) {
    let clamp = |x: i64| x.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    (clamp(cond.lo), clamp(cond.hi.max(cond.lo)))
}
