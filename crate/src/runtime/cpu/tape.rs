//! Kernel expressions as a list of block instructions, each one SIMD loop over the lanes.

use super::math::{self, LANES, Reg};
use crate::{
    graph::{Binary, DType, Unary},
    kernel::{Atom, Cond, Expr, ExprId, Kernel, Lin, RangeId},
};

/// An index expression against the lanes: most step evenly from lane to lane.
#[derive(Clone, Debug)]
enum Walk {
    Even { lin: Lin, stride: i64 },
    Free(Lin),
}

#[derive(Clone, Debug)]
struct Check {
    walk: Walk,
    lo: i64,
    hi: i64,
}

#[derive(Clone, Debug)]
enum Kind {
    Const(u32),
    Index(Walk),
    Load { arg: usize, walk: Walk, checks: Vec<Check> },
    Masked(Vec<Check>, ExprId),
    Unary(Unary, ExprId),
    Binary(Binary, ExprId, ExprId),
    Where(ExprId, ExprId, ExprId),
    Cast(ExprId),
    Copy(ExprId),
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
    /// Coordinates of the lanes, for each lane range.
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
    pub fn new(kernel: &Kernel, roots: &[ExprId], lanes: &[RangeId], moving: &[RangeId]) -> Tape {
        let varies = kernel.depends(moving);
        let mut tape = Tape::default();
        for id in kernel.needed(roots) {
            let typed = &kernel.exprs[id];
            let kind = match &typed.expr {
                Expr::Const(bits) => Kind::Const(bits_of(f64::from_bits(*bits), typed.dtype)),
                Expr::Index(lin) => Kind::Index(walk(lin, lanes)),
                Expr::Load { arg, index, mask } => {
                    Kind::Load { arg: *arg, walk: walk(index, lanes), checks: checks(mask, lanes) }
                }
                Expr::Masked(mask, e) => Kind::Masked(checks(mask, lanes), *e),
                Expr::Unary(op, a) => Kind::Unary(*op, *a),
                Expr::Binary(op, a, b) => Kind::Binary(*op, *a, *b),
                Expr::Where(c, a, b) => Kind::Where(*c, *a, *b),
                Expr::Cast(a) => Kind::Cast(*a),
                Expr::Bitcast(a) => Kind::Copy(*a),
                Expr::Acc(i) => Kind::Acc(*i),
                Expr::Scan => Kind::Acc(kernel.accs.len()),
            };
            let list = if varies[id] { &mut tape.body } else { &mut tape.hoisted };
            list.push(Instr { id, dtype: typed.dtype, kind });
        }
        tape
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

/// The 32 bits a lane holds for a value of that dtype.
pub fn bits_of(x: f64, dtype: DType) -> u32 {
    match dtype {
        DType::F32 => (x as f32).to_bits(),
        DType::I32 => x as i32 as u32,
        DType::U32 => x as u32,
        DType::U8 => x as u8 as u32,
        DType::Bool => (x != 0.0) as u32,
    }
}

fn walk(lin: &Lin, lanes: &[RangeId]) -> Walk {
    let irregular = lin.any_value(&mut |_| true) || lanes.iter().any(|r| lin.nested(*r));
    match lanes {
        [r] if !irregular => Walk::Even { lin: lin.clone(), stride: lin.coefficient(*r) },
        _ if !irregular && lanes.iter().all(|r| lin.coefficient(*r) == 0) => {
            Walk::Even { lin: lin.clone(), stride: 0 }
        }
        _ => Walk::Free(lin.clone()),
    }
}

fn checks(mask: &[Cond], lanes: &[RangeId]) -> Vec<Check> {
    mask.iter().map(|c| Check { walk: walk(&c.lin, lanes), lo: c.lo, hi: c.hi }).collect()
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
            Kind::Const(bits) => out.0[..n].fill(*bits),
            Kind::Index(walk) => f.walk(walk, out.i32_mut()),
            // SAFETY: the caller vouches for the arguments.
            Kind::Load { arg, walk, checks } => unsafe {
                load(f, f.args[*arg], kernel.args[*arg].dtype, walk, checks, out);
            },
            Kind::Masked(checks, e) => {
                let ok = f.allowed(checks);
                let v = &f.reg(*e).0;
                (0..n).for_each(|i| out.0[i] = if ok[i] { v[i] } else { 0 });
            }
            Kind::Unary(op, a) => unary(*op, self.dtype, f.reg(*a), out, n),
            Kind::Binary(op, a, b) => {
                binary(*op, kernel.exprs[*a].dtype, f.reg(*a), f.reg(*b), out, n);
                if self.dtype == DType::U8 {
                    out.0[..n].iter_mut().for_each(|x| *x &= 0xff);
                }
            }
            Kind::Where(c, a, b) => {
                let (c, a, b) = (&f.reg(*c).0, &f.reg(*a).0, &f.reg(*b).0);
                (0..n).for_each(|i| out.0[i] = if c[i] != 0 { a[i] } else { b[i] });
            }
            Kind::Cast(a) => cast(kernel.exprs[*a].dtype, self.dtype, f.reg(*a), out, n),
            Kind::Copy(a) => out.0[..n].copy_from_slice(&f.reg(*a).0[..n]),
            Kind::Acc(i) => out.0[..n].copy_from_slice(&f.accs[*i].0[..n]),
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
        if wide {
            from.cast::<u32>().offset(i as isize).read()
        } else {
            u32::from(from.offset(i as isize).read())
        }
    };
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
    pub fn new(store: &crate::kernel::Store, lanes: &[RangeId]) -> StoreWalk {
        StoreWalk { arg: store.arg, value: store.value, walk: walk(&store.index, lanes) }
    }

    /// # Safety
    /// As for `Tape::run`.
    pub unsafe fn run(&self, kernel: &Kernel, f: &Frame) {
        let (to, value) = (f.args[self.arg], f.reg(self.value));
        let wide = kernel.args[self.arg].dtype.size() == 4;
        if let (Walk::Even { lin, stride: 1 }, true) = (&self.walk, wide) {
            // SAFETY: the lanes are elements of the argument that follow each other.
            unsafe {
                let to = to.cast::<u32>().offset(f.base(lin) as isize);
                std::ptr::copy_nonoverlapping(value.0.as_ptr(), to, f.len);
            }
            return;
        }
        let mut index = [0; LANES];
        f.walk(&self.walk, &mut index);
        for i in 0..f.len {
            // SAFETY: store indices lie inside their argument.
            unsafe {
                if wide {
                    to.cast::<u32>().offset(index[i] as isize).write(value.0[i]);
                } else {
                    to.offset(index[i] as isize).write(value.0[i] as u8);
                }
            }
        }
    }
}

fn map1(a: &Reg, out: &mut Reg, n: usize, f: impl Fn(f32) -> f32) {
    let (a, out) = (&a.f32()[..n], &mut out.f32_mut()[..n]);
    out.iter_mut().zip(a).for_each(|(o, x)| *o = f(*x));
}

fn unary(op: Unary, dtype: DType, a: &Reg, out: &mut Reg, n: usize) {
    let int = |out: &mut Reg, f: fn(u32) -> u32| {
        out.0[..n].iter_mut().zip(&a.0[..n]).for_each(|(o, x)| *o = f(*x));
    };
    match (op, dtype) {
        (Unary::Neg, DType::F32) => map1(a, out, n, |x| -x),
        (Unary::Neg, DType::U8) => int(out, |x| x.wrapping_neg() & 0xff),
        (Unary::Neg, _) => int(out, u32::wrapping_neg),
        (Unary::Not, DType::Bool) => int(out, |x| x ^ 1),
        (Unary::Not, DType::U8) => int(out, |x| !x & 0xff),
        (Unary::Not, _) => int(out, |x| !x),
        (Unary::Trunc, DType::F32) => map1(a, out, n, f32::trunc),
        (Unary::Trunc, _) => int(out, |x| x),
        (Unary::Recip, _) => map1(a, out, n, |x| 1.0 / x),
        (Unary::Sqrt, _) => map1(a, out, n, f32::sqrt),
        (Unary::Exp2, _) => map1(a, out, n, math::exp2),
        (Unary::Log2, _) => map1(a, out, n, math::log2),
        (Unary::Sin, _) => map1(a, out, n, math::sin),
    }
}

fn binary(op: Binary, dtype: DType, a: &Reg, b: &Reg, out: &mut Reg, n: usize) {
    match dtype {
        DType::F32 => float_binary(op, a, b, out, n),
        DType::I32 => {
            let (a, b, out) = (&a.i32()[..n], &b.i32()[..n], &mut out.0[..n]);
            let f = int_op(op);
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (x, y))| *o = f(*x, *y));
        }
        DType::U32 | DType::U8 | DType::Bool => {
            let (a, b, out) = (&a.0[..n], &b.0[..n], &mut out.0[..n]);
            let f = uint_op(op);
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (x, y))| *o = f(*x, *y));
        }
    }
}

fn float_binary(op: Binary, a: &Reg, b: &Reg, out: &mut Reg, n: usize) {
    fn map2(a: &Reg, b: &Reg, out: &mut Reg, n: usize, f: impl Fn(f32, f32) -> f32) {
        let (a, b, out) = (&a.f32()[..n], &b.f32()[..n], &mut out.f32_mut()[..n]);
        out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (x, y))| *o = f(*x, *y));
    }
    let mut test = |f: fn(f32, f32) -> bool| {
        let (a, b) = (&a.f32()[..n], &b.f32()[..n]);
        out.0[..n].iter_mut().zip(a.iter().zip(b)).for_each(|(o, (x, y))| *o = f(*x, *y) as u32);
    };
    match op {
        Binary::Lt => test(|x, y| x < y),
        Binary::Eq => test(|x, y| x == y),
        Binary::Add => map2(a, b, out, n, |x, y| x + y),
        Binary::Sub => map2(a, b, out, n, |x, y| x - y),
        Binary::Mul => map2(a, b, out, n, |x, y| x * y),
        Binary::Div => map2(a, b, out, n, |x, y| x / y),
        Binary::Max => map2(a, b, out, n, math::max),
        Binary::IDiv => map2(a, b, out, n, |x, y| (x / y).trunc()),
        Binary::Mod => map2(a, b, out, n, |x, y| x % y),
        Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => {
            unreachable!("the verifier keeps bit operations to integers")
        }
    }
}

fn int_op(op: Binary) -> fn(i32, i32) -> u32 {
    match op {
        Binary::Add => |x, y| x.wrapping_add(y) as u32,
        Binary::Sub => |x, y| x.wrapping_sub(y) as u32,
        Binary::Mul => |x, y| x.wrapping_mul(y) as u32,
        Binary::Div | Binary::IDiv => |x, y| if y == 0 { 0 } else { x.wrapping_div(y) as u32 },
        Binary::Mod => |x, y| if y == 0 { 0 } else { x.wrapping_rem(y) as u32 },
        Binary::Max => |x, y| x.max(y) as u32,
        Binary::Lt => |x, y| (x < y) as u32,
        Binary::Eq => |x, y| (x == y) as u32,
        Binary::And => |x, y| (x & y) as u32,
        Binary::Or => |x, y| (x | y) as u32,
        Binary::Xor => |x, y| (x ^ y) as u32,
        Binary::Shl => |x, y| x.checked_shl(y as u32).unwrap_or(0) as u32,
        Binary::Shr => |x, y| (x >> (y as u32).min(31)) as u32,
    }
}

fn uint_op(op: Binary) -> fn(u32, u32) -> u32 {
    match op {
        Binary::Add => u32::wrapping_add,
        Binary::Sub => u32::wrapping_sub,
        Binary::Mul => u32::wrapping_mul,
        Binary::Div | Binary::IDiv => |x, y| x.checked_div(y).unwrap_or(0),
        Binary::Mod => |x, y| x.checked_rem(y).unwrap_or(0),
        Binary::Max => |x, y| x.max(y),
        Binary::Lt => |x, y| (x < y) as u32,
        Binary::Eq => |x, y| (x == y) as u32,
        Binary::And => |x, y| x & y,
        Binary::Or => |x, y| x | y,
        Binary::Xor => |x, y| x ^ y,
        Binary::Shl => |x, y| x.checked_shl(y).unwrap_or(0),
        Binary::Shr => |x, y| x.checked_shr(y).unwrap_or(0),
    }
}

fn cast(from: DType, to: DType, a: &Reg, out: &mut Reg, n: usize) {
    let lanes = |out: &mut Reg, f: fn(u32) -> u32| {
        out.0[..n].iter_mut().zip(&a.0[..n]).for_each(|(o, x)| *o = f(*x));
    };
    match (from, to) {
        (DType::F32, DType::F32) => lanes(out, |x| x),
        (DType::F32, DType::Bool) => lanes(out, |x| (f32::from_bits(x) != 0.0) as u32),
        (DType::F32, DType::I32) => lanes(out, |x| f32::from_bits(x) as i32 as u32),
        (DType::F32, DType::U32) => lanes(out, |x| f32::from_bits(x) as u32),
        (DType::F32, DType::U8) => lanes(out, |x| f32::from_bits(x) as u8 as u32),
        (DType::I32, DType::F32) => lanes(out, |x| (x as i32 as f32).to_bits()),
        (_, DType::F32) => lanes(out, |x| (x as f32).to_bits()),
        (_, DType::Bool) => lanes(out, |x| (x != 0) as u32),
        (_, DType::U8) => lanes(out, |x| x & 0xff),
        (_, DType::I32 | DType::U32) => lanes(out, |x| x),
    }
}
