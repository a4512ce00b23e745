//! Kernel expressions as a list of block instructions, each one SIMD loop over the lanes.

use super::{
    lanes::{self, bits_of},
    math::{self, LANES, Reg},
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
    /// As far from the first lane as the table says, which is at coordinate 0.
    Table {
        lin: Lin,
        offsets: Vec<i32>,
    },
    Free(Lin),
}

impl Walk {
    fn reads_coords(&self) -> bool {
        matches!(self, Walk::Free(_))
    }
}

/// What varies along a block.
#[derive(Clone, Copy)]
pub struct Lanes<'a> {
    pub ranges: &'a [RangeId],
    /// Lanes of a block, where every block starts at coordinate 0 of all ranges but the first.
    block: Option<usize>,
}

impl<'a> Lanes<'a> {
    /// Blocks start anywhere.
    pub fn anywhere(ranges: &'a [RangeId]) -> Lanes<'a> {
        Lanes { ranges, block: None }
    }

    /// Blocks start at multiples of `block`.
    pub fn blocks(kernel: &Kernel, ranges: &'a [RangeId]) -> Lanes<'a> {
        let block = block(kernel, ranges);
        Lanes { ranges, block: block.is_multiple_of(run(kernel, ranges)).then_some(block) }
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
    Load { arg: usize, walk: Walk, checks: Vec<Check> },
    Masked(Vec<Check>, ExprId),
    Unary(Unary, ExprId),
    Binary(Binary, ExprId, ExprId),
    Where(ExprId, ExprId, ExprId),
    Cast(ExprId),
    Bitcast(ExprId),
    Acc(usize),
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
}

/// What instructions read: the scalar point, the coordinates of each lane, the arguments, finished accumulators.
pub struct Frame<'a> {
    pub point: &'a mut Vec<usize>,
    /// Coordinates of the lanes, for each lane range, where something reads them.
    pub coords: &'a mut Vec<(RangeId, Box<Reg>)>,
    pub args: &'a [*mut u8],
    /// One register per expression; empty while it is written.
    pub regs: &'a mut [Option<Box<Reg>>],
    /// Finished accumulators, and after them the scan's value.
    pub accs: &'a mut [Reg],
    pub len: usize,
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
                Expr::Load { arg, index, mask } => Kind::Load {
                    arg: *arg,
                    walk: walk(kernel, index, lanes),
                    checks: checks(kernel, mask, lanes),
                },
                Expr::Masked(mask, e) => Kind::Masked(checks(kernel, mask, lanes), *e),
                Expr::Unary(op, a) => Kind::Unary(*op, *a),
                Expr::Binary(op, a, b) => Kind::Binary(*op, *a, *b),
                Expr::Where(c, a, b) => Kind::Where(*c, *a, *b),
                Expr::Cast(a) => Kind::Cast(*a),
                Expr::Bitcast(a) => Kind::Bitcast(*a),
                Expr::Acc(i) => Kind::Acc(*i),
                Expr::Scan => Kind::Acc(kernel.accs.len()),
            };
            let list = if varies[id] { &mut tape.body } else { &mut tape.hoisted };
            list.push(Instr { id, dtype: typed.dtype, kind });
        }
        tape
    }

    /// Whether instructions read the coordinates of lanes.
    pub fn reads_coords(&self) -> bool {
        let free = |checks: &[Check]| checks.iter().any(|c| c.walk.reads_coords());
        self.hoisted.iter().chain(&self.body).any(|i| match &i.kind {
            Kind::Index(walk) => walk.reads_coords(),
            Kind::Load { walk, checks, .. } => walk.reads_coords() || free(checks),
            Kind::Masked(checks, _) => free(checks),
            Kind::Const(_) | Kind::Unary(..) | Kind::Binary(..) | Kind::Where(..) => false,
            Kind::Cast(_) | Kind::Bitcast(_) | Kind::Acc(_) => false,
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
    let irregular = lin.any_value(&mut |_| true) || lanes.ranges.iter().any(|r| lin.nested(*r));
    match lanes.ranges {
        _ if irregular => Walk::Free(lin.clone()),
        [r] => Walk::Even { lin: lin.clone(), stride: lin.coefficient(*r) },
        all if all.iter().all(|r| lin.coefficient(*r) == 0) => Walk::Even { lin: lin.clone(), stride: 0 },
        all => match lanes.block {
            Some(block) => Walk::Table { lin: lin.clone(), offsets: offsets(kernel, lin, all, block) },
            None => Walk::Free(lin.clone()),
        },
    }
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
    pub fn reg(&self, e: ExprId) -> &Reg {
        self.regs[e].as_deref().expect("an expression names earlier ones")
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

    fn allowed(&self, checks: &[Check]) -> [bool; LANES] {
        let mut ok = [true; LANES];
        let mut at = [0; LANES];
        for check in checks {
            self.walk(&check.walk, &mut at);
            for i in 0..self.len {
                ok[i] &= at[i] as i64 >= check.lo && (at[i] as i64) < check.hi;
            }
        }
        ok
    }

    fn walk(&self, walk: &Walk, out: &mut [i32; LANES]) {
        match walk {
            Walk::Even { lin, stride } => {
                let (base, stride) = (self.base(lin) as i32, *stride as i32);
                (0..self.len).for_each(|i| out[i] = base + i as i32 * stride);
            }
            Walk::Table { lin, offsets } => {
                let base = self.base(lin) as i32;
                out[..self.len].iter_mut().zip(offsets).for_each(|(out, offset)| *out = base + offset);
            }
            Walk::Free(lin) => self.free(lin, out),
        }
    }
}

impl Instr {
    /// # Safety
    /// As for `Tape::run`.
    unsafe fn run(&self, kernel: &Kernel, f: &mut Frame) {
        let n = f.len;
        let mut boxed = f.regs[self.id].take().unwrap_or_else(|| Box::new(Reg::ZERO));
        let out = &mut *boxed;
        match &self.kind {
            Kind::Const(bits) => out.fill(*bits, self.dtype, n),
            Kind::Index(walk) => f.walk(walk, out.i32_mut()),
            // SAFETY: the caller vouches for the arguments.
            Kind::Load { arg, walk, checks } => unsafe {
                load(f, f.args[*arg], kernel.args[*arg].dtype, walk, checks, out);
            },
            Kind::Masked(checks, e) => {
                let (ok, v) = (f.allowed(checks), f.reg(*e));
                if self.dtype.size() == 8 {
                    let (v, out) = (v.wide::<u64>(), out.wide_mut::<u64>());
                    (0..n).for_each(|i| out[i] = if ok[i] { v[i] } else { 0 });
                } else {
                    (0..n).for_each(|i| out.0[i] = if ok[i] { v.0[i] } else { 0 });
                }
            }
            Kind::Unary(op, a) => lanes::unary(*op, self.dtype, f.reg(*a), out, n),
            Kind::Binary(op, a, b) => {
                lanes::binary(*op, kernel.exprs[*a].dtype, f.reg(*a), f.reg(*b), out, n);
                lanes::narrow(self.dtype, out, n);
            }
            Kind::Where(c, a, b) => {
                let (c, a, b) = (&f.reg(*c).0, f.reg(*a), f.reg(*b));
                if self.dtype.size() == 8 {
                    let (a, b, out) = (a.wide::<u64>(), b.wide::<u64>(), out.wide_mut::<u64>());
                    (0..n).for_each(|i| out[i] = if c[i] != 0 { a[i] } else { b[i] });
                } else {
                    (0..n).for_each(|i| out.0[i] = if c[i] != 0 { a.0[i] } else { b.0[i] });
                }
            }
            Kind::Cast(a) => lanes::cast(kernel.exprs[*a].dtype, self.dtype, f.reg(*a), out, n),
            Kind::Bitcast(a) => lanes::bitcast(kernel.exprs[*a].dtype, self.dtype, f.reg(*a), out, n),
            Kind::Acc(i) => *out = f.accs[*i],
        }
        f.regs[self.id] = Some(boxed);
    }
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
        return out.iter_mut().enumerate().for_each(|(i, o)| *o = if ok[i] { at(index[i]) } else { 0 });
    }
    let interval = f.interval(checks);
    match (walk, interval) {
        (Walk::Even { lin, stride }, Some((a, b))) => {
            let base = f.base(lin);
            out.0[..f.len].fill(0);
            match stride {
                // SAFETY: lanes a..b read b − a elements that follow each other.
                1 if wide && a < b => unsafe {
                    let src = from.cast::<u32>().offset((base + a as i64) as isize);
                    std::ptr::copy_nonoverlapping(src, out.0[a..b].as_mut_ptr(), b - a);
                },
                0 if a < b => out.0[a..b].fill(at(base)),
                _ => (a..b).for_each(|i| out.0[i] = at(base + i as i64 * stride)),
            }
        }
        (_, Some((a, b))) => {
            let mut index = [0; LANES];
            f.walk(walk, &mut index);
            out.0[..f.len].fill(0);
            if wide {
                for (out, i) in out.0[a..b].iter_mut().zip(&index[a..b]) {
                    // SAFETY: the caller vouches for the index.
                    *out = unsafe { from.cast::<u32>().offset(*i as isize).read() };
                }
                return;
            }
            (a..b).for_each(|i| out.0[i] = at(index[i] as i64));
        }
        (_, None) => {
            let ok = f.allowed(checks);
            let mut index = [0; LANES];
            f.walk(walk, &mut index);
            (0..f.len).for_each(|i| out.0[i] = if ok[i] { at(index[i] as i64) } else { 0 });
        }
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
        let (Walk::Even { lin, .. } | Walk::Table { lin, .. } | Walk::Free(lin)) = &self.walk;
        // SAFETY: store indices lie inside their argument.
        unsafe { f.args[self.arg].cast::<u32>().offset(f.base(lin) as isize) }
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
