//! Kernels of short rows: a block holds several whole rows.

use super::{
    lanes,
    math::LANES,
    rows::{place, set_point, trailing},
    tape::{self, Frame, Lanes, StoreWalk, Tape},
};
use crate::kernel::{ExprId, Kernel, RangeId};
use std::ops::Range;

pub struct Short {
    /// The last outer ranges, of which a block holds `rows` points, and the others.
    lanes: Vec<RangeId>,
    loops: Vec<RangeId>,
    rows: usize,
    stages: Vec<(Vec<usize>, Part)>,
    stores: Vec<Part>,
}

/// Instructions for `each` lanes of a row, which `ranges` walk along: the rows of a block, then their elements.
struct Part {
    each: usize,
    ranges: Vec<RangeId>,
    /// What is the same along a row, computed for each row once and then for all of its lanes those of `spread`.
    rows: Tape,
    spread: Vec<ExprId>,
    tape: Tape,
    walks: Vec<StoreWalk>,
    coords: bool,
}

impl Short {
    /// None where no two rows fit in a block, or lanes have 64 bits.
    pub fn new<'k>(kernel: &'k Kernel) -> Option<Short> {
        let stages = kernel.stages();
        let along = stages.iter().map(|accs| &kernel.accs[accs[0]].ranges).chain([&kernel.inner]);
        let longest = along.map(|ranges| kernel.size(ranges)).max()?;
        let wide = super::math::is_wide(kernel);
        if wide || kernel.scan.is_some() || kernel.accs.is_empty() || !(1..=LANES / 2).contains(&longest) {
            return None;
        }
        let most = LANES / longest;
        let (lanes, loops) = trailing(kernel, &kernel.outer, most);
        let run = kernel.size(lanes.get(1..)?);
        let rows = most / run * run;
        // The ranges inside a row that the lanes of a value walk along, once a part has computed it.
        let mut left: Vec<Option<&[RangeId]>> = vec![None; kernel.exprs.len()];
        let mut part = |roots: &[usize], own: &'k [RangeId], stored: Option<bool>| {
            let ranges = [&lanes[..], own].concat();
            let moving = [&kernel.outer[..], own].concat();
            let each = kernel.size(own);
            let along = Lanes::rows(&ranges, rows, each);
            let stores = kernel.stores.iter().filter(|s| Some(s.per_element) == stored);
            let walks: Vec<StoreWalk> = stores.map(|s| StoreWalk::new(kernel, s, along)).collect();
            let mut tape = Tape::new(kernel, roots, along, &moving);
            let (outer, inner) = (kernel.depends(&kernel.outer), kernel.depends(own));
            tape.without(roots, &|id| inner[id] && left[id] == Some(own));
            let spread = match own {
                [] => vec![],
                _ => tape.without(roots, &|id| outer[id] && !inner[id]),
            };
            let of_rows = Tape::new(kernel, &spread, Lanes::rows(&lanes, rows, 1), &kernel.outer);
            tape.computes().for_each(|id| left[id] = Some(own));
            let coords = [&tape, &of_rows].iter().any(|t| t.reads_coords())
                || walks.iter().any(StoreWalk::reads_coords);
            Part { each, ranges, rows: of_rows, spread, tape, walks, coords }
        };
        let stages = stages.into_iter().map(|accs| {
            let roots: Vec<usize> = accs.iter().map(|a| kernel.accs[*a].value).collect();
            let ranges = &kernel.accs[accs[0]].ranges;
            (accs, part(&roots, ranges, None))
        });
        let stages = stages.collect();
        let stores = [false, true].map(|per_element| {
            let own = kernel.stores.iter().filter(|s| s.per_element == per_element);
            let roots: Vec<usize> = own.map(|s| s.value).collect();
            part(&roots, if per_element { &kernel.inner } else { &[] }, Some(per_element))
        });
        let stores = stores.into_iter().filter(|p| !p.walks.is_empty()).collect();
        Some(Short { rows, stages, stores, lanes, loops })
    }

    /// In how many independent pieces the kernel can run.
    pub fn units(&self, kernel: &Kernel) -> usize {
        kernel.size(&self.loops) * kernel.size(&self.lanes).div_ceil(self.rows)
    }

    /// # Safety
    /// `frame.args` point to the kernel's buffers, of the sizes the kernel declares.
    pub unsafe fn run(&self, kernel: &Kernel, frame: &mut Frame, units: Range<usize>) {
        let total = kernel.size(&self.lanes);
        let each = total.div_ceil(self.rows);
        frame.len = LANES;
        for part in self.stages.iter().map(|(_, part)| part).chain(&self.stores) {
            // SAFETY: passed on from the caller.
            unsafe {
                part.rows.hoist(kernel, frame);
                part.tape.hoist(kernel, frame);
            }
        }
        for unit in units {
            let start = unit % each * self.rows;
            let rows = self.rows.min(total - start);
            set_point(kernel, &self.loops, unit / each, frame.point);
            for (accs, part) in &self.stages {
                // SAFETY: passed on from the caller.
                unsafe { part.run(kernel, frame, &self.lanes, start, rows) };
                for a in accs {
                    let acc = &kernel.accs[*a];
                    let (value, out) = (tape::value(frame.slots, acc.value), &mut frame.accs[*a].0[..rows]);
                    lanes::fold_rows(acc.op, acc.dtype, value, part.each, out);
                }
            }
            for part in &self.stores {
                // SAFETY: passed on from the caller.
                unsafe { part.run(kernel, frame, &self.lanes, start, rows) };
                part.walks.iter().for_each(|w| {
                    // SAFETY: passed on from the caller.
                    unsafe { w.run(kernel, frame) }
                });
            }
        }
    }
}

impl Part {
    /// # Safety
    /// As for `Short::run`.
    unsafe fn run(&self, kernel: &Kernel, frame: &mut Frame, lanes: &[RangeId], start: usize, rows: usize) {
        if !self.spread.is_empty() {
            frame.len = rows;
            place(kernel, lanes, start, self.coords, frame);
            // SAFETY: passed on from the caller.
            unsafe { self.rows.run(kernel, frame) };
            self.spread.iter().for_each(|e| tape::spread(frame.slots, *e, rows, self.each));
        }
        frame.len = rows * self.each;
        place(kernel, &self.ranges, start * self.each, self.coords, frame);
        // SAFETY: passed on from the caller.
        unsafe { self.tape.run(kernel, frame) };
    }
}
