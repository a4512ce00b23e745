//! Packs an operand as panels of some lanes: `[panel][k][lane]`, so that the micro-kernel reads it in order.
//! Lanes past the last hold anything.

use super::table::Table;
use crate::{
    graph::DType,
    kernel::{Cond, Contract, Expr, ExprId, Kernel, RangeId},
    render::wasm::pack::{Side, pack},
    runtime::cpu::{
        math::LANES,
        rows::{place, set_point},
        tape::{Frame, Lanes, Tape},
    },
};
use std::{ops::Range, sync::OnceLock};
use wasm_encoder::Function;

pub struct Operand {
    value: ExprId,
    lanes: Vec<RangeId>,
    depth: Vec<RangeId>,
    plain: Option<Plain>,
    tape: Tape,
    emitted: OnceLock<Emitted>,
}

/// `fn(args, out, batch, k0, deep, from, count)`, as `render::wasm::pack` says.
type Emitted = extern "C" fn(*const *mut u8, *mut f32, usize, usize, usize, usize, usize);

/// A single load, by tables.
struct Plain {
    arg: usize,
    numel: usize,
    index: Table,
    mask: Vec<Check>,
    /// Where in the depth the run of equal conditions ends.
    same: Vec<usize>,
    /// Whether this and the next three of the depth follow each other in memory.
    four: Vec<bool>,
}

struct Check {
    at: Table,
    lo: i64,
    hi: i64,
}

/// The depth's ranges: those that conditions depend on come first, so that conditions seldom change.
pub fn depth(kernel: &Kernel, c: &Contract) -> Vec<RangeId> {
    let checked = |r: RangeId| {
        [c.a, c.b].iter().any(|e| match &kernel.exprs[*e].expr {
            Expr::Load { mask, .. } => mask.iter().any(|m| m.lin.any_range(&mut |x| x == r)),
            _ => false,
        })
    };
    let (mut first, rest): (Vec<RangeId>, Vec<RangeId>) = c.k.iter().partition(|r| checked(**r));
    first.extend(rest);
    first
}

impl Operand {
    pub fn new(kernel: &Kernel, value: ExprId, lanes: &[RangeId], depth: &[RangeId]) -> Operand {
        let moving: Vec<RangeId> = kernel.outer.iter().chain(depth).copied().collect();
        Operand {
            value,
            lanes: lanes.to_vec(),
            depth: depth.to_vec(),
            plain: Plain::new(kernel, value, lanes, depth),
            tape: Tape::new(kernel, &[value], Lanes::anywhere(lanes), &moving),
            emitted: OnceLock::new(),
        }
    }

    /// The function that packs panels of `width`, where one is of use.
    pub fn emit(&self, kernel: &Kernel, batch: &[RangeId], width: usize) -> Option<Function> {
        let side = Side { value: self.value, lanes: &self.lanes, depth: &self.depth, width };
        if self.plain.is_some() { None } else { pack(kernel, batch, side) }
    }

    /// `place` is the address of what `emit` gave.
    pub fn loaded(&self, place: usize) {
        // SAFETY: the host's address of a function that was emitted with this type.
        self.emitted.get_or_init(|| unsafe { std::mem::transmute::<usize, Emitted>(place) });
    }

    /// Packs `count` lanes from `from` of the depth from `k0`, in panels of `width`.
    ///
    /// # Safety
    /// As for `Gemm::run`; `out` has room for the panels and a vector more.
    pub unsafe fn pack(
        &self,
        width: usize,
        kernel: &Kernel,
        frame: &mut Frame,
        batch: usize,
        (k0, deep): (usize, usize),
        (from, count): (usize, usize),
        out: *mut f32,
    ) {
        // SAFETY: passed on from the caller.
        unsafe {
            match (&self.plain, self.emitted.get()) {
                (Some(plain), _) => plain.pack(width, frame, (k0, deep), (from, count), out),
                (None, Some(emitted)) => emitted(frame.args.as_ptr(), out, batch, k0, deep, from, count),
                (None, None) => self.pack_any(width, kernel, frame, (k0, deep), (from, count), out),
            }
        }
    }

    /// # Safety
    /// As for `pack`.
    unsafe fn pack_any(
        &self,
        width: usize,
        kernel: &Kernel,
        frame: &mut Frame,
        (k0, deep): (usize, usize),
        (from, count): (usize, usize),
        out: *mut f32,
    ) {
        for done in (0..count).step_by(LANES / width * width) {
            frame.len = (LANES / width * width).min(count - done);
            place(kernel, &self.lanes, from + done, true, frame);
            // SAFETY: passed on from the caller.
            unsafe { self.tape.hoist(kernel, frame) };
            for k in 0..deep {
                set_point(kernel, &self.depth, k0 + k, frame.point);
                // SAFETY: passed on from the caller.
                unsafe { self.tape.run(kernel, frame) };
                let values = &frame.reg(self.value).f32()[..frame.len];
                for (panel, lanes) in values.chunks(width).enumerate() {
                    let at = (done + panel * width) * deep + k * width;
                    // SAFETY: inside the panels.
                    unsafe { std::ptr::copy_nonoverlapping(lanes.as_ptr(), out.add(at), lanes.len()) };
                }
            }
        }
    }
}

impl Plain {
    fn new(kernel: &Kernel, value: ExprId, lanes: &[RangeId], depth: &[RangeId]) -> Option<Plain> {
        let Expr::Load { arg, index, mask } = &kernel.exprs[value].expr else { return None };
        if kernel.args[*arg].dtype != DType::F32 {
            return None;
        }
        let index = Table::new(kernel, index, lanes, depth)?;
        let check =
            |c: &Cond| Some(Check { at: Table::new(kernel, &c.lin, lanes, depth)?, lo: c.lo, hi: c.hi });
        let mask = mask.iter().map(check).collect::<Option<Vec<Check>>>()?;
        let k = index.depth.len();
        let mut same = vec![k; k];
        for i in (1..k).rev() {
            let changes = mask.iter().any(|c| c.at.depth[i - 1] != c.at.depth[i]);
            same[i - 1] = if changes { i } else { same[i] };
        }
        let follows = |i: usize| (1..4).all(|j| index.depth.get(i + j) == Some(&(index.depth[i] + j as i32)));
        let four = (0..k).map(follows).collect();
        Some(Plain { arg: *arg, numel: kernel.args[*arg].numel, index, mask, same, four })
    }

    /// # Safety
    /// As for `Operand::pack`.
    unsafe fn pack(
        &self,
        width: usize,
        frame: &Frame,
        (k0, deep): (usize, usize),
        (from, count): (usize, usize),
        out: *mut f32,
    ) {
        let base = self.index.base(frame.point) as isize;
        let checks: Vec<(i64, &Check)> = self.mask.iter().map(|c| (c.at.base(frame.point), c)).collect();
        for panel in (0..count).step_by(width) {
            let filled = width.min(count - panel);
            let lane = |i: usize| base + self.index.lanes[from + panel + i] as isize;
            let follow = |all: Range<usize>| {
                checks.is_empty()
                    && all.clone().all(|i| lane(i) == lane(all.start) + (i - all.start) as isize)
            };
            // SAFETY: elements of the argument that follow each other, for each of the depth.
            let copy = |first: usize| unsafe {
                (frame.args[self.arg].cast::<f32>().offset(lane(first)), out.add(panel * deep + first))
            };
            let depth = &self.index.depth[k0..k0 + deep];
            if filled == 32 && width == 32 && follow(0..32) {
                let (source, out) = copy(0);
                // SAFETY: as above.
                unsafe { copied::<32>(source, depth, out, width) };
                continue;
            }
            // Backwards, because a vector may reach into the next row of the panel.
            for first in (0..filled).step_by(8).rev() {
                if first + 8 <= filled && follow(first..first + 8) {
                    let (source, out) = copy(first);
                    // SAFETY: as above.
                    unsafe { copied::<8>(source, depth, out, width) };
                    continue;
                }
                for first in [first + 4, first].into_iter().filter(|first| *first < filled) {
                    // SAFETY: passed on from the caller.
                    unsafe {
                        self.strip(
                            width,
                            frame,
                            base,
                            &checks,
                            (k0, deep),
                            (from, count),
                            panel + first,
                            out,
                        );
                    }
                }
            }
        }
    }

    /// Packs the four lanes from `lane` on.
    ///
    /// # Safety
    /// As for `Operand::pack`.
    unsafe fn strip(
        &self,
        width: usize,
        frame: &Frame,
        base: isize,
        checks: &[(i64, &Check)],
        (k0, deep): (usize, usize),
        (from, count): (usize, usize),
        lane: usize,
        out: *mut f32,
    ) {
        let lanes = [0, 1, 2, 3].map(|i| from + (lane + i).min(count - 1));
        let strip = Strip {
            // SAFETY: an argument's element, once lane and depth are added.
            from: frame.args[self.arg].cast::<f32>(),
            at: lanes.map(|l| base + self.index.lanes[l] as isize),
            numel: self.numel,
            depth: &self.index.depth[k0..k0 + deep],
            four: &self.four[k0..k0 + deep],
            // SAFETY: inside the panels.
            out: unsafe { out.add(lane / width * width * deep + lane % width) },
            width,
        };
        if checks.is_empty() {
            // SAFETY: passed on from the caller.
            return unsafe { strip.all(0, deep) };
        }
        let mut k = 0;
        while k < deep {
            let end = deep.min(self.same[k0 + k] - k0);
            let ok = lanes.map(|l| {
                checks.iter().all(|(base, c)| {
                    let at = base + i64::from(c.at.lanes[l]) + i64::from(c.at.depth[k0 + k]);
                    c.lo <= at && at < c.hi
                })
            });
            // SAFETY: passed on from the caller; only lanes that are allowed are read.
            unsafe {
                match ok {
                    [true, true, true, true] => strip.all(k, end),
                    [false, false, false, false] => strip.none(k, end),
                    _ => strip.some(k, end, ok),
                }
            }
            k = end;
        }
    }
}

/// Copies `N` elements that follow each other, for each of the depth.
///
/// # Safety
/// They lie in the argument and in the panel.
unsafe fn copied<const N: usize>(from: *const f32, depth: &[i32], out: *mut f32, width: usize) {
    for (k, at) in depth.iter().enumerate() {
        // SAFETY: passed on from the caller.
        unsafe {
            let some = from.offset(*at as isize).cast::<[f32; N]>().read_unaligned();
            out.add(k * width).cast::<[f32; N]>().write_unaligned(some);
        }
    }
}

/// Four lanes of a panel.
struct Strip<'a> {
    from: *const f32,
    at: [isize; 4],
    numel: usize,
    depth: &'a [i32],
    four: &'a [bool],
    out: *mut f32,
    width: usize,
}

impl Strip<'_> {
    fn in_order(&self) -> bool {
        self.at == [0, 1, 2, 3].map(|i| self.at[0] + i)
    }

    /// # Safety
    /// `k` lies in the depth.
    unsafe fn put(&self, k: usize, four: [f32; 4]) {
        // SAFETY: inside the panel, or a vector past it.
        unsafe { self.out.add(k * self.width).cast::<[f32; 4]>().write_unaligned(four) }
    }

    /// # Safety
    /// All lanes may be read from `k` to `end`.
    unsafe fn all(&self, k: usize, end: usize) {
        // SAFETY: the caller allows the lanes.
        unsafe {
            if self.in_order() {
                let from = self.from.offset(self.at[0]);
                for i in k..end {
                    self.put(i, from.offset(self.depth[i] as isize).cast::<[f32; 4]>().read_unaligned());
                }
                return;
            }
            let lanes = self.at.map(|at| self.from.offset(at));
            let mut i = k;
            while i < end {
                let at = self.depth[i] as isize;
                if self.four[i] && i + 4 <= end {
                    let turned = turned(lanes.map(|l| l.offset(at).cast::<[f32; 4]>().read_unaligned()));
                    (0..4).for_each(|j| self.put(i + j, turned[j]));
                    i += 4;
                } else {
                    self.put(i, lanes.map(|l| l.offset(at).read()));
                    i += 1;
                }
            }
        }
    }

    /// # Safety
    /// As for `put`.
    unsafe fn none(&self, k: usize, end: usize) {
        // SAFETY: passed on from the caller.
        (k..end).for_each(|i| unsafe { self.put(i, [0.0; 4]) });
    }

    /// # Safety
    /// The lanes that are `ok` may be read from `k` to `end`.
    unsafe fn some(&self, k: usize, end: usize, ok: [bool; 4]) {
        let keep = ok.map(|ok| if ok { u32::MAX } else { 0 });
        let in_order = self.in_order();
        for i in k..end {
            let at = self.depth[i] as isize;
            let first = self.at[0] + at;
            // SAFETY: a whole vector lies in the argument, or only the allowed lanes are read.
            unsafe {
                let four = if in_order && first >= 0 && first as usize + 4 <= self.numel {
                    let bits = self.from.offset(first).cast::<[u32; 4]>().read_unaligned();
                    [0, 1, 2, 3].map(|j| f32::from_bits(bits[j] & keep[j]))
                } else {
                    [0, 1, 2, 3].map(|j| if ok[j] { self.from.offset(self.at[j] + at).read() } else { 0.0 })
                };
                self.put(i, four);
            }
        }
    }
}

/// Rows as columns.
#[cfg(target_arch = "x86_64")]
fn turned(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    use std::arch::x86_64::*;
    // SAFETY: x86-64 has SSE; both are 64 bytes without padding.
    unsafe {
        let mut all = std::mem::transmute::<[[f32; 4]; 4], [__m128; 4]>(rows);
        let [a, b, c, d] = &mut all;
        _MM_TRANSPOSE4_PS(a, b, c, d);
        std::mem::transmute::<[__m128; 4], [[f32; 4]; 4]>(all)
    }
}

#[cfg(not(any(target_arch = "wasm32", target_arch = "x86_64")))]
fn turned([a, b, c, d]: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    [0, 1, 2, 3].map(|j| [a[j], b[j], c[j], d[j]])
}

// The compiler does not find the shuffles by itself.
#[cfg(target_arch = "wasm32")]
fn turned(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    use core::arch::wasm32::{f32x4, i32x4_shuffle as pick, v128};
    let [a, b, c, d] = rows.map(|r| f32x4(r[0], r[1], r[2], r[3]));
    let (ab, cd) = (pick::<0, 4, 1, 5>(a, b), pick::<0, 4, 1, 5>(c, d));
    let (ef, gh) = (pick::<2, 6, 3, 7>(a, b), pick::<2, 6, 3, 7>(c, d));
    let columns: [v128; 4] = [
        pick::<0, 1, 4, 5>(ab, cd),
        pick::<2, 3, 6, 7>(ab, cd),
        pick::<0, 1, 4, 5>(ef, gh),
        pick::<2, 3, 6, 7>(ef, gh),
    ];
    // SAFETY: both are 64 bytes without padding.
    unsafe { std::mem::transmute::<[v128; 4], [[f32; 4]; 4]>(columns) }
}
