//! Kernel expressions as a list of block instructions, each one SIMD loop over the lanes.

use super::{
    lanes::{self, bits_of},
    math::{self, LANES, Reg, View},
};
use crate::{
    graph::{Binary, DType, Unary, half},
    kernel::{Atom, Cond, Expr, ExprId, Kernel, Lin, RangeId, Store},
};

/// An index expression against the lanes: most step evenly from lane to lane.
#[derive(Clone, Debug)]
enum Walk {
    Even {
        lin: Lin,
        stride: i64,
    },
    /// As far from the first lane as the table says, which is at coordinate 0; lanes follow each other by `run`.
    Table {
        lin: Lin,
        offsets: Vec<i32>,
        run: usize,
    },
    Free(Lin),
}

impl Walk {
    fn reads_coords(&self) -> bool {
        matches!(self, Walk::Free(_))
    }
}

/// Lanes that follow each other in memory from which on they are copied together.
const RUN: usize = 4;

/// What varies along a block.
#[derive(Clone, Copy)]
pub struct Lanes<'a> {
    pub ranges: &'a [RangeId],
    /// Lanes of a block, where every block starts at coordinate 0 of all ranges but the first.
    block: Option<usize>,
    /// Lanes of a row, where a block holds several.
    each: usize,
}

impl<'a> Lanes<'a> {
    /// Blocks of so many rows of `each` lanes, which start at coordinate 0 of all ranges but the first.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn rows(ranges: &'a [RangeId], rows: usize, each: usize) -> Lanes<'a> {
        Lanes { ranges, block: Some(rows * each), each }
    }

    /// Blocks of so many lanes, which start at coordinate 0 of all ranges but the first.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn whole(ranges: &'a [RangeId], lanes: usize) -> Lanes<'a> {
        Lanes { ranges, block: Some(lanes), each: 1 }
    }

    /// Blocks start anywhere.
    pub fn anywhere(ranges: &'a [RangeId]) -> Lanes<'a> {
        Lanes { ranges, block: None, each: 1 }
    }

    /// Blocks start at multiples of `block`.
    pub fn blocks(kernel: &Kernel, ranges: &'a [RangeId]) -> Lanes<'a> {
        let block = block(kernel, ranges);
        let aligned = block.is_multiple_of(run(kernel, ranges));
        Lanes { ranges, block: aligned.then_some(block), each: 1 }
    }
}

/// How many lanes a block has: as many points of the first range as fit with all points of the others.
pub fn block(kernel: &Kernel, ranges: &[RangeId]) -> usize {
    let (most, run) = (math::lanes(kernel), run(kernel, ranges));
    if run <= most { most / run * run } else { most }
}

/// Points of all ranges but the first.
fn run(kernel: &Kernel, ranges: &[RangeId]) -> usize {
    kernel.size(ranges.get(1..).unwrap_or_default()).max(1)
}

#[derive(Clone, Debug)]
struct Check {
    walk: Walk,
    lo: i64,
    hi: i64,
}

#[derive(Clone, Debug)]
enum Kind {
    Const(u64),
    Index(Walk),
    Load {
        arg: usize,
        walk: Walk,
        checks: Vec<Check>,
        lend: bool,
    },
    Masked(Vec<Check>, ExprId),
    Unary(Unary, ExprId),
    Binary(Binary, ExprId, ExprId),
    Where(ExprId, ExprId, ExprId),
    Cast(ExprId),
    Bitcast(ExprId),
    /// Of each row, so many lanes.
    Acc(usize, usize),
}

#[derive(Clone, Debug)]
struct Instr {
    id: ExprId,
    dtype: DType,
    kind: Kind,
}

/// The instructions for some expressions, split by what changes: `hoisted` only needs to run when the scalar point
/// outside the loops moves.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    hoisted: Vec<Instr>,
    body: Vec<Instr>,
    /// What is hoisted and read by the rest, or asked for.
    spread: Vec<ExprId>,
}

/// What instructions read: the scalar point, the coordinates of each lane, the arguments, finished accumulators.
pub struct Frame<'a> {
    pub point: &'a mut Vec<usize>,
    /// Coordinates of the lanes, for each lane range, where something reads them.
    pub coords: &'a mut Vec<(RangeId, Box<Reg>)>,
    pub args: &'a [*mut u8],
    /// The value of each expression.
    pub slots: &'a mut [Slot],
    /// Finished accumulators, and after them the scan's value.
    pub accs: &'a mut [Reg],
    pub len: usize,
}

/// The value of an expression: a register, which is away while it is written, or elements of an argument.
#[derive(Default)]
pub struct Slot {
    own: Option<Box<Reg>>,
    lent: Option<(*const u32, usize)>,
}

pub fn value(slots: &[Slot], e: ExprId) -> View<'_> {
    match slots[e].lent {
        // SAFETY: elements of an argument, which lives as long as the frame.
        Some((first, n)) => View(unsafe { std::slice::from_raw_parts(first, n) }),
        None => View(&slots[e].own.as_deref().expect("an expression names earlier ones").0),
    }
}

impl Tape {
    /// Instructions for `roots`. `lanes` vary along a block (one range means its values follow each other);
    /// what depends on none of `moving` is hoisted.
    pub fn new(kernel: &Kernel, roots: &[ExprId], lanes: Lanes, moving: &[RangeId]) -> Tape {
        let varies = kernel.depends(moving);
        let mut tape = Tape::default();
        for id in kernel.needed(roots) {
            let typed = &kernel.exprs[id];
            let kind = match &typed.expr {
                Expr::Const(bits) => Kind::Const(bits_of(f64::from_bits(*bits), typed.dtype)),
                Expr::Index(lin) => Kind::Index(walk(kernel, lin, lanes)),
                Expr::Load { arg, index, mask } => {
                    let walk = walk(kernel, index, lanes);
                    let in_order = matches!(walk, Walk::Even { stride: 1, .. }) && mask.is_empty();
                    // An argument may be written where it was read, before another store takes what it held.
                    let stored = kernel.stores.iter().any(|s| s.value == id);
                    let lend = in_order && !stored && kernel.args[*arg].dtype.size() == 4;
                    Kind::Load { arg: *arg, walk, checks: checks(kernel, mask, lanes), lend }
                }
                Expr::Masked(mask, e) => Kind::Masked(checks(kernel, mask, lanes), *e),
                Expr::Unary(op, a) => Kind::Unary(*op, *a),
                Expr::Binary(op, a, b) => Kind::Binary(*op, *a, *b),
                Expr::Where(c, a, b) => Kind::Where(*c, *a, *b),
                Expr::Cast(a) => Kind::Cast(*a),
                Expr::Bitcast(a) => Kind::Bitcast(*a),
                Expr::Acc(i) => Kind::Acc(*i, lanes.each),
                Expr::Scan => Kind::Acc(kernel.accs.len(), 1),
            };
            let list = if varies[id] { &mut tape.body } else { &mut tape.hoisted };
            list.push(Instr { id, dtype: typed.dtype, kind });
        }
        tape.spread = tape.read(roots, &|id| !varies[id]);
        tape
    }

    /// Which expressions of that kind the body reads, and which of the roots are of that kind.
    fn read(&self, roots: &[ExprId], kind: &dyn Fn(ExprId) -> bool) -> Vec<ExprId> {
        let mut read: Vec<ExprId> = roots.to_vec();
        self.body.iter().for_each(|i| i.reads(&mut read));
        read.retain(|id| kind(*id));
        read.sort_unstable();
        read.dedup();
        read
    }

    /// Takes away the instructions for what is known; gives what the others read of it.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn without(&mut self, roots: &[ExprId], known: &dyn Fn(ExprId) -> bool) -> Vec<ExprId> {
        self.body.retain(|i| !known(i.id));
        self.read(roots, known)
    }

    /// What it computes at every block.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn computes(&self) -> impl Iterator<Item = ExprId> + '_ {
        self.body.iter().map(|i| i.id)
    }

    /// Whether instructions read the coordinates of lanes.
    pub fn reads_coords(&self) -> bool {
        let free = |checks: &[Check]| checks.iter().any(|c| c.walk.reads_coords());
        self.hoisted.iter().chain(&self.body).any(|i| match &i.kind {
            Kind::Index(walk) => walk.reads_coords(),
            Kind::Load { walk, checks, .. } => walk.reads_coords() || free(checks),
            Kind::Masked(checks, _) => free(checks),
            Kind::Const(_) | Kind::Unary(..) | Kind::Binary(..) | Kind::Where(..) => false,
            Kind::Cast(_) | Kind::Bitcast(_) | Kind::Acc(..) => false,
        })
    }

    /// Runs what does not change inside the loops, for lanes up to `frame.len`.
    ///
    /// # Safety
    /// `frame.args` point to the kernel's buffers, of the sizes the kernel declares.
    pub unsafe fn hoist(&self, kernel: &Kernel, frame: &mut Frame) {
        // SAFETY: passed on from the caller.
        self.hoisted.iter().for_each(|i| unsafe { i.run(kernel, frame) });
    }

    /// Has the value read where a store will write; gives what leaves it there.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn recall(&mut self, kernel: &Kernel, value: ExprId, place: StoreWalk) -> StoreWalk {
        let own = || kernel.stores.iter().filter(|s| s.per_element);
        let mut read: Vec<ExprId> = own().map(|s| s.value).collect();
        let mut live = Vec::new();
        for mut instr in self.body.drain(..).rev() {
            if !read.contains(&instr.id) {
                continue;
            }
            if instr.id == value {
                // As for any load, it may be written over before another store takes it.
                let lend = !own().any(|s| s.value == value);
                let (arg, walk) = (place.arg, place.walk.clone());
                instr.kind = Kind::Load { arg, walk, checks: vec![], lend };
            }
            instr.reads(&mut read);
            live.push(instr);
        }
        live.reverse();
        self.body = live;
        StoreWalk { value, ..place }
    }

    /// As `hoist`, where lanes run along the row: it is the same for all of them, so it is computed once.
    ///
    /// # Safety
    /// As for `hoist`.
    pub unsafe fn hoist_once(&self, kernel: &Kernel, frame: &mut Frame) {
        let width = std::mem::replace(&mut frame.len, 1);
        // SAFETY: passed on from the caller.
        unsafe { self.hoist(kernel, frame) };
        frame.len = width;
        for id in &self.spread {
            let own = frame.slots[*id].own.as_mut().expect("lanes that are the same are not lent");
            let dtype = kernel.exprs[*id].dtype;
            own.fill(own.get(dtype, 0), dtype, width);
        }
    }

    /// Runs the rest for the current block.
    ///
    /// # Safety
    /// As for `hoist`.
    pub unsafe fn run(&self, kernel: &Kernel, frame: &mut Frame) {
        // SAFETY: passed on from the caller.
        self.body.iter().for_each(|i| unsafe { i.run(kernel, frame) });
    }
}

fn walk(kernel: &Kernel, lin: &Lin, lanes: Lanes) -> Walk {
    if let Some(stride) = even(kernel, lin, lanes.ranges) {
        return Walk::Even { lin: lin.clone(), stride };
    }
    let irregular = lin.any_value(&mut |_| true) || lanes.ranges.iter().any(|r| lin.nested(*r));
    let Some(block) = lanes.block.filter(|_| !irregular) else { return Walk::Free(lin.clone()) };
    let offsets = offsets(kernel, lin, lanes.ranges, block);
    let follow = |run: usize| offsets.chunks(run).all(|c| c.iter().zip(c[0]..).all(|(a, b)| *a == b));
    let breaks = (1..offsets.len()).find(|i| offsets[*i] != offsets[0] + *i as i32);
    let run = breaks.unwrap_or(offsets.len());
    Walk::Table { lin: lin.clone(), run: if follow(run) { run } else { 1 }, offsets }
}

/// The step from lane to lane, where it is the same everywhere.
pub fn even(kernel: &Kernel, lin: &Lin, ranges: &[RangeId]) -> Option<i64> {
    if lin.any_value(&mut |_| true) || ranges.iter().any(|r| lin.nested(*r)) {
        return None;
    }
    let mut steps = ranges.iter().rev().filter(|r| kernel.ranges[**r] > 1);
    let Some(last) = steps.next() else { return Some(0) };
    let stride = lin.coefficient(*last);
    let mut step = stride * kernel.ranges[*last] as i64;
    for r in steps {
        if lin.coefficient(*r) != step {
            return None;
        }
        step *= kernel.ranges[*r] as i64;
    }
    Some(stride)
}

/// What the ranges add to the form, at the points of a block.
fn offsets(kernel: &Kernel, lin: &Lin, ranges: &[RangeId], block: usize) -> Vec<i32> {
    let mut all = vec![0];
    for (i, r) in ranges.iter().enumerate() {
        let most = if i == 0 { block / run(kernel, ranges) } else { usize::MAX };
        let step = lin.coefficient(*r) as i32;
        let along = |start: i32| (0..kernel.ranges[*r].min(most) as i32).map(move |i| start + i * step);
        all = all.into_iter().flat_map(along).collect();
    }
    all
}

fn checks(kernel: &Kernel, mask: &[Cond], lanes: Lanes) -> Vec<Check> {
    mask.iter().map(|c| Check { walk: walk(kernel, &c.lin, lanes), lo: c.lo, hi: c.hi }).collect()
}

impl Frame<'_> {
    pub fn reg(&self, e: ExprId) -> View<'_> {
        value(self.slots, e)
    }

    /// The value at the first lane; lane ranges stand at their first coordinate in `point`.
    fn base(&self, lin: &Lin) -> i64 {
        lin.eval(self.point, &|_| unreachable!("gathered indices are free walks"))
    }

    /// The value at every lane.
    pub fn free(&self, lin: &Lin, out: &mut [i32; LANES]) {
        let n = self.len;
        out[..n].fill(lin.c as i32);
        for (atom, k) in &lin.terms {
            let k = *k as i32;
            match atom {
                Atom::Range(r) => match self.coords.iter().find(|c| c.0 == *r) {
                    Some((_, coord)) => {
                        let coord = coord.i32();
                        for i in 0..n {
                            out[i] = out[i].wrapping_add(k.wrapping_mul(coord[i]));
                        }
                    }
                    None => {
                        let add = k.wrapping_mul(self.point[*r] as i32);
                        out[..n].iter_mut().for_each(|o| *o = o.wrapping_add(add));
                    }
                },
                Atom::Value(e) => {
                    let v = self.reg(*e).i32();
                    for i in 0..n {
                        out[i] = out[i].wrapping_add(k.wrapping_mul(v[i]));
                    }
                }
                Atom::Div(l, d) => self.nested(l, out, |v| k.wrapping_mul(v.div_euclid(*d as i32))),
                Atom::Mod(l, d) => self.nested(l, out, |v| k.wrapping_mul(v.rem_euclid(*d as i32))),
            }
        }
    }

    fn nested(&self, lin: &Lin, out: &mut [i32; LANES], f: impl Fn(i32) -> i32) {
        let mut inner = [0; LANES];
        self.free(lin, &mut inner);
        for i in 0..self.len {
            out[i] = out[i].wrapping_add(f(inner[i]));
        }
    }

    /// The lanes a list of evenly walking checks allows, which follow each other.
    fn interval(&self, checks: &[Check]) -> Option<(usize, usize)> {
        let (mut from, mut to) = (0i64, self.len as i64);
        for check in checks {
            let Walk::Even { lin, stride } = &check.walk else { return None };
            let base = self.base(lin);
            let (lo, hi) = (check.lo - base, check.hi - base);
            match *stride {
                0 => {
                    if lo > 0 || hi <= 0 {
                        to = from;
                    }
                }
                s if s > 0 => {
                    from = from.max(lo.div_euclid(s) + i64::from(lo.rem_euclid(s) != 0));
                    to = to.min(hi.div_euclid(s) + i64::from(hi.rem_euclid(s) != 0));
                }
                s => {
                    let t = -s;
                    from = from.max((-hi).div_euclid(t) + 1);
                    to = to.min((-lo).div_euclid(t) + 1);
                }
            }
        }
        let from = from.clamp(0, self.len as i64);
        Some((from as usize, to.clamp(from, self.len as i64) as usize))
    }

    /// All bits of the lanes the checks allow, none of the others.
    fn allowed(&self, checks: &[Check]) -> [u32; LANES] {
        let mut ok = [u32::MAX; LANES];
        let mut at = [0; LANES];
        for check in checks {
            self.walk(&check.walk, &mut at);
            lanes::within(&at[..self.len], check.lo, check.hi, &mut ok);
        }
        ok
    }

    fn walk(&self, walk: &Walk, out: &mut [i32; LANES]) {
        match walk {
            Walk::Even { lin, stride } => {
                let (base, stride) = (self.base(lin) as i32, *stride as i32);
                (0..self.len).for_each(|i| out[i] = base + i as i32 * stride);
            }
            Walk::Table { lin, offsets, .. } => {
                let base = self.base(lin) as i32;
                out[..self.len].iter_mut().zip(offsets).for_each(|(out, offset)| *out = base + offset);
            }
            Walk::Free(lin) => self.free(lin, out),
        }
    }
}

impl Instr {
    /// Adds the expressions it reads.
    fn reads(&self, read: &mut Vec<ExprId>) {
        let mut values = |walk: &Walk| {
            let (Walk::Even { lin, .. } | Walk::Table { lin, .. } | Walk::Free(lin)) = walk;
            lin.any_value(&mut |e| {
                read.push(e);
                false
            });
        };
        match &self.kind {
            Kind::Const(_) | Kind::Acc(..) => {}
            Kind::Index(walk) => values(walk),
            Kind::Load { walk, checks, .. } => {
                values(walk);
                checks.iter().for_each(|c| values(&c.walk));
            }
            Kind::Masked(checks, e) => {
                checks.iter().for_each(|c| values(&c.walk));
                read.push(*e);
            }
            Kind::Unary(_, a) | Kind::Cast(a) | Kind::Bitcast(a) => read.push(*a),
            Kind::Binary(_, a, b) => read.extend([*a, *b]),
            Kind::Where(a, b, c) => read.extend([*a, *b, *c]),
        }
    }

    /// # Safety
    /// As for `Tape::run`.
    unsafe fn run(&self, kernel: &Kernel, f: &mut Frame) {
        let n = f.len;
        if let Kind::Load { arg, walk: Walk::Even { lin, .. }, lend: true, .. } = &self.kind {
            // SAFETY: the caller vouches for the arguments.
            let first = unsafe { f.args[*arg].cast::<u32>().offset(f.base(lin) as isize) };
            f.slots[self.id].lent = Some((first, n));
            return;
        }
        let mut boxed = f.slots[self.id].own.take().unwrap_or_else(|| Box::new(Reg::ZERO));
        let out = &mut *boxed;
        match &self.kind {
            Kind::Const(bits) => out.fill(*bits, self.dtype, n),
            Kind::Index(walk) => f.walk(walk, out.i32_mut()),
            // SAFETY: the caller vouches for the arguments.
            Kind::Load { arg, walk, checks, .. } => unsafe {
                load(f, f.args[*arg], kernel.args[*arg].dtype, walk, checks, out);
            },
            Kind::Masked(checks, e) => {
                let (ok, v) = (f.allowed(checks), f.reg(*e));
                if self.dtype.size() == 8 {
                    let (v, out) = (v.wide::<u64>(), out.wide_mut::<u64>());
                    (0..n).for_each(|i| out[i] = if ok[i] != 0 { v[i] } else { 0 });
                } else {
                    out.0[..n].iter_mut().zip(&v.0[..n]).zip(&ok).for_each(|((o, v), ok)| *o = v & ok);
                }
            }
            Kind::Unary(op, a) => lanes::unary(*op, self.dtype, f.reg(*a), out, n),
            Kind::Binary(op, a, b) => {
                lanes::binary(*op, kernel.exprs[*a].dtype, f.reg(*a), f.reg(*b), out, n);
                lanes::narrow(self.dtype, out, n);
            }
            Kind::Where(c, a, b) => lanes::choose(self.dtype, f.reg(*c), f.reg(*a), f.reg(*b), out, n),
            Kind::Cast(a) => lanes::cast(kernel.exprs[*a].dtype, self.dtype, f.reg(*a), out, n),
            Kind::Bitcast(a) => lanes::bitcast(kernel.exprs[*a].dtype, self.dtype, f.reg(*a), out, n),
            Kind::Acc(i, each) if *each > 1 => {
                let rows = out.0[..n].chunks_mut(*each).zip(&f.accs[*i].0);
                rows.for_each(|(out, acc)| out.fill(*acc));
            }
            Kind::Acc(i, _) => {
                let words = n * self.dtype.size().div_ceil(4);
                out.0[..words].copy_from_slice(&f.accs[*i].0[..words]);
            }
        }
        f.slots[self.id] = Slot { own: Some(boxed), lent: None };
    }
}

/// Repeats the value of each of `rows` lanes, for `each` lanes of a row.
#[cfg(not(target_arch = "wasm32"))]
pub fn spread(slots: &mut [Slot], e: ExprId, rows: usize, each: usize) {
    let slot = &mut slots[e];
    let mut own = slot.own.take().unwrap_or_else(|| Box::new(Reg::ZERO));
    if let Some((first, _)) = slot.lent.take() {
        // SAFETY: elements of an argument, which lives as long as the frame.
        own.0[..rows].copy_from_slice(unsafe { std::slice::from_raw_parts(first, rows) });
    }
    for row in (0..rows).rev() {
        let value = own.0[row];
        own.0[row * each..][..each].fill(value);
    }
    slot.own = Some(own);
}

/// # Safety
/// `from` points to a buffer in which every index the checks allow lies.
unsafe fn load(f: &Frame, from: *mut u8, dtype: DType, walk: &Walk, checks: &[Check], out: &mut Reg) {
    let wide = dtype.size() == 4;
    // SAFETY: the caller vouches for the index.
    let at = |i: i64| unsafe {
        let i = i as isize;
        match dtype {
            DType::Bool | DType::U8 => from.offset(i).read().into(),
            DType::I8 => from.offset(i).read() as i8 as u32,
            DType::F16 => half::from_f16(from.cast::<u16>().offset(i).read()).to_bits(),
            DType::BF16 => u32::from(from.cast::<u16>().offset(i).read()) << 16,
            _ => from.cast::<u32>().offset(i).read(),
        }
    };
    if dtype.size() == 8 {
        let (ok, mut index) = (f.allowed(checks), [0; LANES]);
        f.walk(walk, &mut index);
        // SAFETY: the caller vouches for the index.
        let at = |i: i32| unsafe { from.cast::<u64>().offset(i as isize).read() };
        let out = &mut out.wide_mut::<u64>()[..f.len];
        return out.iter_mut().enumerate().for_each(|(i, o)| *o = if ok[i] != 0 { at(index[i]) } else { 0 });
    }
    let Some((a, b)) = f.interval(checks) else {
        let ok = f.allowed(checks);
        let mut index = [0; LANES];
        f.walk(walk, &mut index);
        return (0..f.len).for_each(|i| out.0[i] = if ok[i] != 0 { at(index[i] as i64) } else { 0 });
    };
    out.0[..a].fill(0);
    out.0[b..f.len].fill(0);
    let out = &mut out.0[a..b];
    if out.is_empty() {
        return;
    }
    match walk {
        Walk::Even { lin, stride } => {
            let base = f.base(lin) + a as i64 * stride;
            match stride {
                // SAFETY: the elements follow each other.
                1 if dtype.size() > 1 => unsafe { load_run(from, base, dtype, out) },
                0 => out.fill(at(base)),
                _ if wide => {
                    // SAFETY: the caller vouches for the index.
                    let first = unsafe { from.cast::<u32>().offset(base as isize) };
                    for (i, out) in out.iter_mut().enumerate() {
                        // SAFETY: as above.
                        *out = unsafe { first.offset(i as isize * *stride as isize).read() };
                    }
                }
                _ => out.iter_mut().enumerate().for_each(|(i, o)| *o = at(base + i as i64 * stride)),
            }
        }
        Walk::Table { lin, offsets, run } if *run >= RUN && a == 0 && dtype.size() > 1 => {
            let base = f.base(lin);
            for (out, offset) in out.chunks_mut(*run).zip(offsets.iter().step_by(*run)) {
                // SAFETY: the elements of a run follow each other.
                unsafe { load_run(from, base + i64::from(*offset), dtype, out) };
            }
        }
        Walk::Table { lin, offsets, .. } if wide => {
            // SAFETY: the caller vouches for the index.
            let first = unsafe { from.cast::<u32>().offset(f.base(lin) as isize) };
            for (out, offset) in out.iter_mut().zip(&offsets[a..]) {
                // SAFETY: as above.
                *out = unsafe { first.offset(*offset as isize).read() };
            }
        }
        Walk::Table { .. } | Walk::Free(_) => {
            let mut index = [0; LANES];
            f.walk(walk, &mut index);
            if wide {
                for (out, i) in out.iter_mut().zip(&index[a..b]) {
                    // SAFETY: the caller vouches for the index.
                    *out = unsafe { from.cast::<u32>().offset(*i as isize).read() };
                }
                return;
            }
            out.iter_mut().zip(&index[a..b]).for_each(|(o, i)| *o = at((*i).into()));
        }
    }
}

/// Elements that follow each other from `first` on, of two or four bytes.
///
/// # Safety
/// They lie in the buffer.
unsafe fn load_run(from: *mut u8, first: i64, dtype: DType, out: &mut [u32]) {
    // SAFETY: the caller vouches for the elements.
    unsafe {
        if dtype.size() == 4 {
            let from = from.cast::<u32>().offset(first as isize);
            return std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len());
        }
        let from = from.cast::<u16>().offset(first as isize);
        lanes::widen(dtype, std::slice::from_raw_parts(from, out.len()), out);
    }
}

/// Writes lanes to consecutive or scattered elements of an argument.
pub struct StoreWalk {
    arg: usize,
    value: ExprId,
    walk: Walk,
}

impl StoreWalk {
    pub fn new(kernel: &Kernel, store: &Store, lanes: Lanes) -> StoreWalk {
        StoreWalk { arg: store.arg, value: store.value, walk: walk(kernel, &store.index, lanes) }
    }

    pub fn reads_coords(&self) -> bool {
        self.walk.reads_coords()
    }

    /// Whether lanes are elements of 32 bits that follow each other.
    pub fn in_order(&self, kernel: &Kernel) -> bool {
        matches!(self.walk, Walk::Even { stride: 1, .. }) && kernel.args[self.arg].dtype.size() == 4
    }

    /// Where the first lane is stored, of lanes that are `in_order`.
    ///
    /// # Safety
    /// As for `Tape::run`.
    pub unsafe fn first(&self, f: &Frame) -> *mut u32 {
        // SAFETY: store indices lie inside their argument.
        unsafe { f.args[self.arg].cast::<u32>().offset(self.first_at(f)) }
    }

    fn first_at(&self, f: &Frame) -> isize {
        let (Walk::Even { lin, .. } | Walk::Table { lin, .. } | Walk::Free(lin)) = &self.walk;
        f.base(lin) as isize
    }

    /// # Safety
    /// As for `Tape::run`.
    pub unsafe fn run(&self, kernel: &Kernel, f: &Frame) {
        let (to, value) = (f.args[self.arg], f.reg(self.value));
        let dtype = kernel.args[self.arg].dtype;
        if self.in_order(kernel) {
            // SAFETY: passed on from the caller.
            unsafe { std::ptr::copy_nonoverlapping(value.0.as_ptr(), self.first(f), f.len) };
            return;
        }
        if dtype.size() == 2 && matches!(self.walk, Walk::Even { stride: 1, .. }) {
            // SAFETY: elements of the argument that follow each other, which nobody else writes.
            let out = unsafe {
                let first = self.first_at(f);
                std::slice::from_raw_parts_mut(to.cast::<u16>().offset(first), f.len)
            };
            return lanes::shorten(dtype, &value.0[..f.len], out);
        }
        if let (4, Walk::Table { offsets, run, .. }) = (dtype.size(), &self.walk) {
            // SAFETY: store indices lie inside their argument.
            let first = unsafe { to.cast::<u32>().offset(self.first_at(f)) };
            if *run >= RUN {
                for (value, offset) in value.0[..f.len].chunks(*run).zip(offsets.iter().step_by(*run)) {
                    // SAFETY: as above, and the elements of a run follow each other.
                    unsafe {
                        let to = first.offset(*offset as isize);
                        std::ptr::copy_nonoverlapping(value.as_ptr(), to, value.len());
                    }
                }
                return;
            }
        }
        let mut index = [0; LANES];
        f.walk(&self.walk, &mut index);
        if dtype.size() == 4 {
            for (value, at) in value.0.iter().zip(&index[..f.len]) {
                // SAFETY: store indices lie inside their argument.
                unsafe { to.cast::<u32>().offset(*at as isize).write(*value) }
            }
            return;
        }
        for i in 0..f.len {
            let at = index[i] as isize;
            // SAFETY: store indices lie inside their argument.
            unsafe {
                match dtype {
                    DType::Bool | DType::I8 | DType::U8 => to.offset(at).write(value.0[i] as u8),
                    DType::F16 => to.cast::<u16>().offset(at).write(half::to_f16(value.f32()[i])),
                    DType::BF16 => to.cast::<u16>().offset(at).write((value.0[i] >> 16) as u16),
                    DType::I32 | DType::U32 | DType::F32 => unreachable!("written above"),
                    DType::I64 | DType::F64 => to.cast::<u64>().offset(at).write(value.wide()[i]),
                }
            }
        }
    }
}
