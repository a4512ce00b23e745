//! The epilogue of a contraction, run over a finished tile.

use crate::{
    kernel::{Cond, Expr, ExprId, Kernel, Lin, RangeId},
    render::wasm::epilogue,
    runtime::cpu::{
        math::LANES,
        rows::{place, set_point},
        tape::{self, Frame, Lanes, StoreWalk, Tape},
    },
};
use std::sync::OnceLock;
use wasm_encoder::Function;

/// Points of the last ranges from which lanes run along them alone, so that all steps in memory are even.
const LONG: usize = 32;

pub struct Finish {
    rows: Vec<RangeId>,
    columns: Vec<RangeId>,
    /// Lanes run along the columns, or along the rows: along all ranges, or those from `split` on, of so many points.
    along_columns: bool,
    split: usize,
    run: Option<usize>,
    #[cfg(not(target_arch = "wasm32"))]
    whole: Option<Whole>,
    tape: Tape,
    walks: Vec<StoreWalk>,
    coords: bool,
    /// What is stored is the sums.
    bare: bool,
    emitted: OnceLock<Emitted>,
}

/// `fn(args, sums, wide, batch, r0, rows, c0, columns)`, as `render::wasm::epilogue` says.
type Emitted = extern "C" fn(*const *mut u8, *const f32, usize, usize, usize, usize, usize, usize);

/// For tiles of whole rows that are short: a block holds several.
#[cfg(not(target_arch = "wasm32"))]
struct Whole {
    ranges: Vec<RangeId>,
    rows: usize,
    each: usize,
    tape: Tape,
    walks: Vec<StoreWalk>,
    coords: bool,
}

#[cfg(not(target_arch = "wasm32"))]
impl Whole {
    fn new(kernel: &Kernel, roots: &[ExprId], rows: &[RangeId], columns: &[RangeId]) -> Option<Whole> {
        let each = kernel.size(columns);
        let ([_], 2..) = (rows, LANES / each.max(1)) else { return None };
        let (ranges, rows) = ([rows, columns].concat(), LANES / each);
        let lanes = Lanes::whole(&ranges, rows * each);
        let tape = Tape::new(kernel, roots, lanes, &kernel.outer);
        let walks: Vec<StoreWalk> = kernel.stores.iter().map(|s| StoreWalk::new(kernel, s, lanes)).collect();
        let coords = tape.reads_coords() || walks.iter().any(StoreWalk::reads_coords);
        Some(Whole { ranges, rows, each, tape, walks, coords })
    }

    /// # Safety
    /// As for `Finish::run`.
    unsafe fn run(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        sums: &[f32],
        wide: usize,
        (r0, rows): (usize, usize),
    ) {
        let each = self.each;
        frame.len = self.rows.min(rows) * each;
        // SAFETY: passed on from the caller.
        unsafe { self.tape.hoist(kernel, frame) };
        for first in (0..rows).step_by(self.rows) {
            let n = self.rows.min(rows - first);
            frame.len = n * each;
            let acc = frame.accs[0].f32_mut().chunks_exact_mut(each).zip(sums[first * wide..].chunks(wide));
            acc.take(n).for_each(|(acc, sums)| acc.copy_from_slice(&sums[..each]));
            place(kernel, &self.ranges, (r0 + first) * each, self.coords, frame);
            // SAFETY: passed on from the caller.
            unsafe {
                self.tape.run(kernel, frame);
                self.walks.iter().for_each(|w| w.run(kernel, frame));
            }
        }
    }
}

impl Finish {
    pub fn new(kernel: &Kernel, rows: &[RangeId], columns: &[RangeId]) -> Finish {
        let stride =
            |ranges: &[RangeId]| match kernel.stores[0].index.coefficient(ranges[ranges.len() - 1]).abs() {
                0 => i64::MAX,
                stride => stride,
            };
        let along_columns = match (kernel.size(rows), kernel.size(columns)) {
            (r, c) if c < 32 && r > c => false,
            (r, c) if r < 32 && c > r => true,
            _ => stride(columns) <= stride(rows),
        };
        let lanes = if along_columns { columns } else { rows };
        let roots: Vec<ExprId> = kernel.stores.iter().map(|s| s.value).collect();
        let needed = kernel.needed(&roots);
        let is_even = |from: usize| {
            let even = |lin: &Lin| tape::even(kernel, lin, &lanes[from..]).is_some();
            let all = |mask: &[Cond]| mask.iter().all(|c| even(&c.lin));
            kernel.stores.iter().all(|s| even(&s.index))
                && needed.iter().all(|e| match &kernel.exprs[*e].expr {
                    Expr::Index(lin) => even(lin),
                    Expr::Load { index, mask, .. } => even(index) && all(mask),
                    Expr::Masked(mask, _) => all(mask),
                    _ => true,
                })
        };
        let longest = (0..lanes.len()).find(|from| is_even(*from)).unwrap_or(0);
        let split = if kernel.size(&lanes[longest..]) >= LONG { longest } else { 0 };
        let run = (split > 0).then(|| kernel.size(&lanes[split..]));
        let lanes = Lanes::anywhere(&lanes[split..]);
        let tape = Tape::new(kernel, &roots, lanes, &kernel.outer);
        let walks: Vec<StoreWalk> = kernel.stores.iter().map(|s| StoreWalk::new(kernel, s, lanes)).collect();
        let bare = roots.len() == 1 && matches!(kernel.exprs[roots[0]].expr, Expr::Acc(0));
        Finish {
            #[cfg(not(target_arch = "wasm32"))]
            whole: if along_columns && !bare { Whole::new(kernel, &roots, rows, columns) } else { None },
            rows: rows.to_vec(),
            columns: columns.to_vec(),
            along_columns,
            split,
            run,
            coords: tape.reads_coords() || walks.iter().any(StoreWalk::reads_coords),
            tape,
            walks,
            bare,
            emitted: OnceLock::new(),
        }
    }

    pub fn emit(&self, kernel: &Kernel, batch: &[RangeId]) -> Option<Function> {
        epilogue(kernel, batch, &self.rows, &self.columns)
    }

    /// `place` is the address of what `emit` gave.
    pub fn loaded(&self, place: usize) {
        // SAFETY: the host's address of a function that was emitted with this type.
        self.emitted.get_or_init(|| unsafe { std::mem::transmute::<usize, Emitted>(place) });
    }

    /// `sums` holds `rows` from `r0` of `columns` from `c0`, `wide` elements apart.
    ///
    /// # Safety
    /// As for `Gemm::run`.
    pub unsafe fn run(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        batch: usize,
        sums: &[f32],
        wide: usize,
        (r0, rows): (usize, usize),
        (c0, columns): (usize, usize),
    ) {
        if let Some(emitted) = self.emitted.get() {
            return emitted(frame.args.as_ptr(), sums.as_ptr(), wide, batch, r0, rows, c0, columns);
        }
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(whole) = self.whole.as_ref().filter(|w| w.each == columns) {
            // SAFETY: passed on from the caller.
            return unsafe { whole.run(kernel, frame, sums, wide, (r0, rows)) };
        }
        let (outer, outer0, outers, lanes, lane0, count) = if self.along_columns {
            (&self.rows, r0, rows, &self.columns, c0, columns)
        } else {
            (&self.columns, c0, columns, &self.rows, r0, rows)
        };
        let (before, own) = lanes.split_at(self.split);
        let run = self.run.unwrap_or(usize::MAX);
        let bare = self.bare && self.along_columns && self.walks[0].in_order(kernel);
        frame.len = LANES.min(count);
        // SAFETY: passed on from the caller.
        unsafe { self.tape.hoist(kernel, frame) };
        let mut start = 0;
        while start < count {
            let n = (if bare { usize::MAX } else { LANES }).min(count - start);
            let n = n.min(run - (lane0 + start) % run);
            set_point(kernel, before, (lane0 + start) / run, frame.point);
            frame.len = if bare { 1 } else { n };
            place(kernel, own, (lane0 + start) % run, self.coords, frame);
            for o in 0..outers {
                set_point(kernel, outer, outer0 + o, frame.point);
                if bare {
                    // SAFETY: the caller's buffers; the lanes are elements that follow each other.
                    unsafe {
                        let to = self.walks[0].first(frame).cast::<f32>();
                        std::ptr::copy_nonoverlapping(sums[o * wide + start..][..n].as_ptr(), to, n);
                    }
                    continue;
                }
                let acc = &mut frame.accs[0].f32_mut()[..n];
                if self.along_columns {
                    acc.copy_from_slice(&sums[o * wide + start..][..n]);
                } else {
                    acc.iter_mut().enumerate().for_each(|(i, a)| *a = sums[(start + i) * wide + o]);
                }
                // SAFETY: passed on from the caller.
                unsafe {
                    self.tape.run(kernel, frame);
                    self.walks.iter().for_each(|w| w.run(kernel, frame));
                }
            }
            start += n;
        }
    }
}
