//! The epilogue of a contraction, run over a finished tile.

use crate::{
    kernel::{Expr, ExprId, Kernel, RangeId},
    render::wasm::epilogue,
    runtime::cpu::{
        math::LANES,
        rows::{place, set_point},
        tape::{Frame, Lanes, StoreWalk, Tape},
    },
};
use std::sync::OnceLock;
use wasm_encoder::Function;

/// A last range from which lanes run along it alone, so that they are stored in order.
const LONG: usize = 64;

pub struct Finish {
    rows: Vec<RangeId>,
    columns: Vec<RangeId>,
    /// Lanes run along the columns, or along the rows: along the last range alone where that is long, which then
    /// has this size.
    along_columns: bool,
    run: Option<usize>,
    tape: Tape,
    walks: Vec<StoreWalk>,
    coords: bool,
    /// What is stored is the sums.
    bare: bool,
    emitted: OnceLock<Emitted>,
}

/// `fn(args, sums, wide, batch, r0, rows, c0, columns)`, as `render::wasm::epilogue` says.
type Emitted = extern "C" fn(*const *mut u8, *const f32, usize, usize, usize, usize, usize, usize);

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
        let mut lanes = if along_columns { columns } else { rows };
        let run = lanes.last().map(|r| kernel.ranges[*r]).filter(|size| lanes.len() > 1 && *size >= LONG);
        if run.is_some() {
            lanes = &lanes[lanes.len() - 1..];
        }
        let lanes = Lanes::anywhere(lanes);
        let roots: Vec<ExprId> = kernel.stores.iter().map(|s| s.value).collect();
        let tape = Tape::new(kernel, &roots, lanes, &kernel.outer);
        let walks: Vec<StoreWalk> = kernel.stores.iter().map(|s| StoreWalk::new(kernel, s, lanes)).collect();
        Finish {
            rows: rows.to_vec(),
            columns: columns.to_vec(),
            along_columns,
            run,
            coords: tape.reads_coords() || walks.iter().any(StoreWalk::reads_coords),
            tape,
            walks,
            bare: roots.len() == 1 && matches!(kernel.exprs[roots[0]].expr, Expr::Acc(0)),
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
        let (outer, outer0, outers, lanes, lane0, count) = if self.along_columns {
            (&self.rows, r0, rows, &self.columns, c0, columns)
        } else {
            (&self.columns, c0, columns, &self.rows, r0, rows)
        };
        let (before, own) = lanes.split_at(if self.run.is_some() { lanes.len() - 1 } else { 0 });
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
