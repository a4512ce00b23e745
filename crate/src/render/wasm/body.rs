//! A function body under construction: locals, which ranges stand where, what is already computed.

use crate::{
    graph::Unary,
    kernel::{ArgId, Atom, Cond, Expr, ExprId, Kernel, Lin, RangeId, Store},
};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

pub type Local = u32;

/// Where a range stands, in locals.
#[derive(Clone, Copy, Debug)]
pub enum Coord {
    /// The same i32 for all lanes.
    Scalar(Local),
    /// Known while emitting.
    Fixed(i64),
    /// Lane `l` of group `g` stands at `start + 4g + l`; the i32 local holds `4 · start`.
    Even(Local),
    /// An i32x4 per group in consecutive locals.
    Lanes(Local),
}

/// A linear form on its way to a local: an address (of an argument, in bytes) or a plain number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sum {
    pub arg: Option<ArgId>,
    pub lin: Lin,
}

/// `local + add` holds the terms of a sum whose bits are set in `done`.
#[derive(Clone, Copy, Debug)]
pub struct Partial {
    pub local: Option<Local>,
    pub add: i64,
    pub done: u64,
}

/// What code at one place in the loops may use.
#[derive(Clone, Default)]
pub(super) struct Scope {
    pub coords: FxHashMap<RangeId, Coord>,
    /// Bits of the ranges and accumulators that have a value, and of those that differ between lanes.
    pub bound: u128,
    pub varying: u128,
    /// Vectors of four lanes computed side by side, and the lanes that count in each.
    pub groups: u32,
    pub active: u8,
    pub values: FxHashMap<(ExprId, u32), Local>,
    pub truths: FxHashMap<(ExprId, u32), Local>,
    pub sums: FxHashMap<Sum, Partial>,
    pub atoms: FxHashMap<Atom, Local>,
    pub atom_lanes: FxHashMap<(Atom, u32), Local>,
    pub tests: FxHashMap<Cond, Local>,
    pub masks: FxHashMap<(Cond, u32), Local>,
    pub accs: FxHashMap<(usize, u32), Local>,
    pub scan: SmallVec<[Local; 4]>,
}

/// What the code inside a loop will need, so that each part is computed as far outside as possible.
#[derive(Clone, Default)]
pub struct Work {
    exprs: Vec<ExprId>,
    sums: Vec<Sum>,
    /// About how many instructions it takes.
    pub weight: usize,
}

impl Work {
    pub fn new(kernel: &Kernel, roots: &[ExprId], stores: &[&Store]) -> Work {
        let mut all = roots.to_vec();
        all.extend(stores.iter().map(|s| s.value));
        let exprs = kernel.needed(&all);
        let weight = exprs.iter().map(|e| if slow(kernel, *e) { 12 } else { 1 }).sum();
        let mut work = Work { exprs, sums: Vec::new(), weight };
        stores.iter().for_each(|s| work.place(s));
        work
    }

    /// The address of a store too.
    pub fn place(&mut self, store: &Store) {
        self.sums.push(Sum { arg: Some(store.arg), lin: store.index.clone() });
    }
}

/// Whether an expression is a function of many instructions.
pub fn slow(kernel: &Kernel, e: ExprId) -> bool {
    matches!(kernel.exprs[e].expr, Expr::Unary(Unary::Exp2 | Unary::Log2 | Unary::Sin, _))
}

pub struct Body<'k> {
    pub kernel: &'k Kernel,
    params: u32,
    deps: Vec<u128>,
    locals: Vec<ValType>,
    /// Runs before `code`: constants and the addresses of arguments.
    prelude: Vec<u8>,
    code: Vec<u8>,
    constants: FxHashMap<u128, Local>,
    bases: FxHashMap<ArgId, Local>,
    pub(super) scope: Scope,
}

const ACCS: u32 = 96;
const SCAN: u32 = 127;
/// Loops of so few points and instructions in all become straight code, as those over a pooling window.
const UNROLL: usize = 16;
const UNROLLED: usize = 160;

impl<'k> Body<'k> {
    /// A function whose first parameter is the address of the argument addresses. None where a kernel has more
    /// ranges or accumulators than the bookkeeping has bits, a range too long for positions times four, or values
    /// of 64 bits.
    pub fn new(kernel: &'k Kernel, params: u32) -> Option<Body<'k>> {
        let long = kernel.ranges.iter().any(|n| *n >= 1 << 28);
        let wide = kernel.exprs.iter().any(|e| e.dtype.size() == 8);
        if long || wide || kernel.ranges.len() > ACCS as usize || kernel.accs.len() as u32 > SCAN - ACCS {
            return None;
        }
        let mut body = Body {
            kernel,
            params,
            deps: Vec::new(),
            locals: Vec::new(),
            prelude: Vec::new(),
            code: Vec::new(),
            constants: FxHashMap::default(),
            bases: FxHashMap::default(),
            scope: Scope { groups: 1, active: 4, ..Scope::default() },
        };
        for typed in &kernel.exprs {
            let conds = |m: &[Cond]| m.iter().fold(0, |d, c| d | body.lin_deps(&c.lin));
            let deps = match &typed.expr {
                Expr::Const(_) => 0,
                Expr::Index(l) => body.lin_deps(l),
                Expr::Load { index, mask, .. } => body.lin_deps(index) | conds(mask),
                Expr::Masked(mask, e) => conds(mask) | body.deps[*e],
                Expr::Unary(_, a) | Expr::Cast(a) | Expr::Bitcast(a) => body.deps[*a],
                Expr::Binary(_, a, b) => body.deps[*a] | body.deps[*b],
                Expr::Where(a, b, c) => body.deps[*a] | body.deps[*b] | body.deps[*c],
                Expr::Acc(i) => 1 << (ACCS + *i as u32),
                Expr::Scan => 1 << SCAN,
            };
            body.deps.push(deps);
        }
        for r in (0..kernel.ranges.len()).filter(|r| kernel.ranges[*r] == 1) {
            body.bind(r, Coord::Fixed(0));
        }
        Some(body)
    }

    pub fn finish(mut self) -> Function {
        self.op().end();
        let mut function = Function::new_with_locals_types(self.locals);
        function.raw(self.prelude).raw(self.code);
        function
    }

    pub fn op(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    pub fn local(&mut self, ty: ValType) -> Local {
        self.locals.push(ty);
        self.params + self.locals.len() as u32 - 1
    }

    /// Moves the value on the stack into a new local.
    pub fn keep(&mut self, ty: ValType) -> Local {
        let local = self.local(ty);
        self.op().local_set(local);
        local
    }

    /// A local that holds these four lanes from the start of the function.
    pub fn constant(&mut self, lanes: [u32; 4]) -> Local {
        let bits = lanes.iter().rev().fold(0u128, |all, lane| all << 32 | u128::from(*lane));
        if let Some(local) = self.constants.get(&bits) {
            return *local;
        }
        let local = self.local(ValType::V128);
        InstructionSink::new(&mut self.prelude).v128_const(bits as i128).local_set(local);
        self.constants.insert(bits, local);
        local
    }

    pub fn splat(&mut self, bits: u32) -> Local {
        self.constant([bits; 4])
    }

    pub fn float(&mut self, x: f32) -> Local {
        self.splat(x.to_bits())
    }

    /// The local with the address of an argument.
    pub(super) fn base(&mut self, arg: ArgId) -> Local {
        if let Some(local) = self.bases.get(&arg) {
            return *local;
        }
        let local = self.local(ValType::I32);
        let at = super::memory::at(4 * arg as i64, 2);
        InstructionSink::new(&mut self.prelude).local_get(0).i32_load(at).local_set(local);
        self.bases.insert(arg, local);
        local
    }

    pub(super) fn lin_deps(&self, lin: &Lin) -> u128 {
        lin.terms.iter().fold(0, |d, (atom, _)| d | self.atom_deps(atom))
    }

    pub(super) fn atom_deps(&self, atom: &Atom) -> u128 {
        match atom {
            Atom::Range(r) => 1 << r,
            Atom::Div(l, _) | Atom::Mod(l, _) => self.lin_deps(l),
            Atom::Value(e) => self.deps[*e],
        }
    }

    /// Whether all that it depends on has a value here.
    pub(super) fn known(&self, deps: u128) -> bool {
        deps & !self.scope.bound == 0
    }

    /// Whether it can differ between lanes.
    pub(super) fn varies(&self, deps: u128) -> bool {
        deps & self.scope.varying != 0
    }

    pub(super) fn expr_varies(&self, e: ExprId) -> bool {
        self.varies(self.deps[e])
    }

    /// From here on `range` stands at `coord`; ends with the enclosing `scoped`.
    pub fn bind(&mut self, range: RangeId, coord: Coord) {
        self.scope.coords.insert(range, coord);
        self.scope.bound |= 1 << range;
        if matches!(coord, Coord::Even(_) | Coord::Lanes(_)) {
            self.scope.varying |= 1 << range;
        }
    }

    /// From here on accumulator `acc` is finished: a v128 per group, or one that holds for all lanes and groups.
    pub fn bind_acc(&mut self, acc: usize, groups: &[Local], varying: bool) {
        let bit = 1 << (ACCS + acc as u32);
        self.scope.bound |= bit;
        if varying {
            self.scope.varying |= bit;
        }
        for (group, local) in groups.iter().enumerate() {
            self.scope.accs.insert((acc, group as u32), *local);
        }
    }

    /// From here on the scan's value is a v128 per group.
    pub fn bind_scan(&mut self, groups: &[Local]) {
        self.scope.bound |= 1 << SCAN;
        self.scope.varying |= 1 << SCAN;
        self.scope.scan = groups.into();
    }

    /// Vectors side by side and how many lanes of each count, until the enclosing `scoped` ends.
    pub fn lanes(&mut self, groups: u32, active: u8) {
        self.scope.groups = groups;
        self.scope.active = active;
    }

    pub fn groups(&self) -> u32 {
        self.scope.groups
    }

    /// What `f` binds and computes is forgotten after it. Code that may be skipped must be inside one.
    pub fn scoped(&mut self, f: &mut dyn FnMut(&mut Self)) {
        let saved = self.scope.clone();
        f(self);
        self.scope = saved;
    }

    /// Computes of `work` what the bound ranges allow.
    pub fn settle(&mut self, work: &Work) {
        for e in &work.exprs {
            let deps = self.deps[*e];
            if self.known(deps) {
                let groups = if self.varies(deps) { self.scope.groups } else { 1 };
                for group in 0..groups {
                    self.value(*e, group);
                }
                continue;
            }
            match &self.kernel.exprs[*e].expr {
                Expr::Index(lin) => self.begin(None, lin),
                Expr::Load { arg, index, mask } => {
                    self.begin(Some(*arg), index);
                    self.begin_conds(mask);
                }
                Expr::Masked(mask, _) => self.begin_conds(mask),
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
        for sum in &work.sums {
            self.advance(sum);
        }
    }

    fn begin(&mut self, arg: Option<ArgId>, lin: &Lin) {
        self.advance(&Sum { arg, lin: lin.clone() });
    }

    fn begin_conds(&mut self, conds: &[Cond]) {
        for cond in conds {
            let deps = self.lin_deps(&cond.lin);
            if self.known(deps) && !self.varies(deps) {
                self.test(cond);
            } else {
                self.begin(None, &cond.lin);
            }
        }
    }

    /// Binds `ranges` to their flat position, which a local holds.
    pub fn place(&mut self, ranges: &[RangeId], position: Local) {
        let mut left = position;
        let ranges: Vec<RangeId> = ranges.iter().copied().filter(|r| self.kernel.ranges[*r] > 1).collect();
        for (i, r) in ranges.iter().enumerate().rev() {
            if i == 0 {
                return self.bind(*r, Coord::Scalar(left));
            }
            let size = self.kernel.ranges[*r] as i32;
            self.op().local_get(left).i32_const(size).i32_rem_u();
            let at = self.keep(ValType::I32);
            self.bind(*r, Coord::Scalar(at));
            self.op().local_get(left).i32_const(size).i32_div_u();
            left = self.keep(ValType::I32);
        }
    }

    /// A loop over each of `ranges`, the last fastest, with `f` inside.
    pub fn nest(&mut self, ranges: &[RangeId], work: &Work, f: &mut dyn FnMut(&mut Self)) {
        let Some((first, rest)) = ranges.split_first() else { return f(self) };
        if self.kernel.ranges[*first] == 1 {
            return self.nest(rest, work, f);
        }
        let points = self.kernel.size(ranges);
        if points <= UNROLL && points * work.weight <= UNROLLED {
            for at in 0..self.kernel.ranges[*first] {
                self.scoped(&mut |body| {
                    body.bind(*first, Coord::Fixed(at as i64));
                    body.settle(work);
                    body.nest(rest, work, f);
                });
            }
            return;
        }
        let at = self.local(ValType::I32);
        self.op().i32_const(0).local_set(at).loop_(BlockType::Empty);
        self.scoped(&mut |body| {
            body.bind(*first, Coord::Scalar(at));
            body.settle(work);
            body.nest(rest, work, f);
        });
        let size = self.kernel.ranges[*first] as i32;
        self.op().local_get(at).i32_const(1).i32_add().local_tee(at);
        self.op().i32_const(size).i32_lt_u().br_if(0).end();
    }
}
