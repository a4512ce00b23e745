//! Maps, reductions and row kernels: blocks of lanes along the outer or along the reduced ranges, whichever reads
//! memory in order.

use super::{
    lanes,
    math::{LANES, Reg},
    scan::Scanner,
    tape::{self, Frame, Lanes, StoreWalk, Tape, block},
};
use crate::kernel::{Expr, Kernel, RangeId};
#[cfg(not(target_arch = "wasm32"))]
use crate::{graph::Unary, kernel::ExprId};
use std::ops::Range;

pub struct Rows {
    /// Lanes run along these outer ranges; none means they run along the ranges inside a row.
    lanes: Vec<RangeId>,
    /// The other outer ranges.
    loops: Vec<RangeId>,
    stages: Vec<Stage>,
    per_row: Stores,
    per_element: Option<(Vec<RangeId>, Vec<RangeId>, Stores)>,
    scanner: Option<Scanner>,
    /// Whether anything reads the coordinates of lanes.
    coords: bool,
}

struct Stage {
    accs: Vec<usize>,
    lanes: Vec<RangeId>,
    loops: Vec<RangeId>,
    tape: Tape,
    /// A slow value that each element's stores need too, left in the place of one of them until that overwrites it.
    #[cfg(not(target_arch = "wasm32"))]
    kept: Option<StoreWalk>,
}

struct Stores {
    tape: Tape,
    walks: Vec<StoreWalk>,
}

/// Enough lanes to pay for the instruction dispatch.
const ENOUGH: usize = LANES / 2;
/// Points of a row that are worth folding by themselves.
const FEW: usize = 8;

impl Rows {
    pub fn new(kernel: &Kernel) -> Rows {
        let is_map = kernel.accs.is_empty() && kernel.scan.is_none();
        let along_outer = is_map || prefers_outer(kernel);
        let (lanes, loops) = if along_outer {
            trailing(kernel, &kernel.outer, ENOUGH)
        } else {
            (vec![], kernel.outer.to_vec())
        };
        #[cfg_attr(target_arch = "wasm32", expect(unused_mut))]
        let mut stages: Vec<Stage> = kernel
            .stages()
            .into_iter()
            .map(|accs| {
                let ranges = &kernel.accs[accs[0]].ranges;
                let roots: Vec<usize> = accs.iter().map(|a| kernel.accs[*a].value).collect();
                let (own, loops) =
                    if along_outer { (vec![], ranges.to_vec()) } else { trailing(kernel, ranges, ENOUGH) };
                let tape = Tape::new(
                    kernel,
                    &roots,
                    Lanes::blocks(kernel, if along_outer { &lanes } else { &own }),
                    ranges,
                );
                Stage {
                    accs,
                    lanes: own,
                    loops,
                    tape,
                    #[cfg(not(target_arch = "wasm32"))]
                    kept: None,
                }
            })
            .collect();
        let stores = |per_element: bool, lanes: &[RangeId], moving: &[RangeId]| {
            let own = || kernel.stores.iter().filter(|s| s.per_element == per_element);
            let roots: Vec<usize> = own().map(|s| s.value).collect();
            let walks = own().map(|s| StoreWalk::new(kernel, s, Lanes::blocks(kernel, lanes))).collect();
            Stores { tape: Tape::new(kernel, &roots, Lanes::blocks(kernel, lanes), moving), walks }
        };
        #[cfg_attr(target_arch = "wasm32", expect(unused_mut))]
        let mut per_element = kernel.stores.iter().any(|s| s.per_element).then(|| {
            let (own, inner) = if along_outer {
                (vec![], kernel.inner.to_vec())
            } else {
                trailing(kernel, &kernel.inner, ENOUGH)
            };
            let stores = stores(true, if along_outer { &lanes } else { &own }, &kernel.inner);
            (own, inner, stores)
        });
        #[cfg(not(target_arch = "wasm32"))]
        if let (false, None, Some((own, _, stores))) = (along_outer, &kernel.scan, &mut per_element) {
            keep(kernel, &mut stages, stores, own);
        }
        let moving: &[RangeId] = if is_map { &kernel.outer } else { &[] };
        let scanner = kernel.scan.as_ref().map(|scan| {
            let own = std::slice::from_ref(&scan.range);
            Scanner::new(kernel, scan, if along_outer { &lanes } else { own })
        });
        let per_row = stores(false, &lanes, moving);
        let stores = [Some(&per_row), per_element.as_ref().map(|p: &(_, _, Stores)| &p.2)];
        let mut tapes: Vec<&Tape> = stages.iter().map(|s| &s.tape).collect();
        tapes.extend(scanner.as_ref().map(Scanner::tape));
        tapes.extend(stores.iter().flatten().map(|s| &s.tape));
        let coords = tapes.iter().any(|t| t.reads_coords())
            || stores.iter().flatten().any(|s| s.walks.iter().any(StoreWalk::reads_coords));
        Rows { per_row, per_element, scanner, coords, lanes, loops, stages }
    }

    /// In how many independent pieces the kernel can run: blocks of lanes, or rows.
    pub fn units(&self, kernel: &Kernel) -> usize {
        kernel.size(&self.loops) * kernel.size(&self.lanes).div_ceil(block(kernel, &self.lanes))
    }

    /// # Safety
    /// `frame.args` point to the kernel's buffers, of the sizes the kernel declares.
    pub unsafe fn run(&self, kernel: &Kernel, frame: &mut Frame, units: Range<usize>) {
        if units.is_empty() {
            return;
        }
        let is_map = self.stages.is_empty() && self.per_element.is_none();
        let (total, block) = (kernel.size(&self.lanes), block(kernel, &self.lanes));
        if is_map {
            frame.len = block.min(total);
            // SAFETY: passed on from the caller.
            unsafe { self.per_row.tape.hoist(kernel, frame) };
        }
        let each = total.div_ceil(block);
        for unit in units {
            set_point(kernel, &self.loops, unit / each, frame.point);
            let start = unit % each * block;
            frame.len = block.min(total - start);
            place(kernel, &self.lanes, start, self.coords, frame);
            let rows = frame.len;
            for stage in &self.stages {
                // SAFETY: passed on from the caller.
                unsafe { stage.run(kernel, frame, !self.lanes.is_empty(), self.coords) };
                frame.len = rows;
            }
            // SAFETY: passed on from the caller.
            unsafe {
                if !is_map {
                    self.per_row.tape.hoist(kernel, frame);
                }
                self.per_row.tape.run(kernel, frame);
                self.per_row.walks.iter().for_each(|w| w.run(kernel, frame));
            }
            if let Some((lanes, loops, stores)) = &self.per_element {
                let body = Body { stores, scanner: self.scanner.as_ref(), coords: self.coords };
                // SAFETY: passed on from the caller.
                unsafe { body.run(kernel, frame, lanes, loops) };
                frame.len = rows;
            }
        }
    }
}

/// What happens at each element of a row.
struct Body<'a> {
    stores: &'a Stores,
    scanner: Option<&'a Scanner>,
    coords: bool,
}

impl Body<'_> {
    /// # Safety
    /// As for `Rows::run`.
    unsafe fn run(&self, kernel: &Kernel, frame: &mut Frame, lanes: &[RangeId], loops: &[RangeId]) {
        if !lanes.is_empty() {
            frame.len = block(kernel, lanes).min(kernel.size(lanes));
        }
        // SAFETY: passed on from the caller.
        unsafe {
            if lanes.is_empty() {
                self.stores.tape.hoist(kernel, frame);
            } else {
                self.stores.tape.hoist_once(kernel, frame);
            }
        }
        let mut store = |frame: &mut Frame| {
            // SAFETY: passed on from the caller.
            unsafe {
                self.stores.tape.run(kernel, frame);
                self.stores.walks.iter().for_each(|w| w.run(kernel, frame));
            }
        };
        if let Some(scanner) = self.scanner {
            // SAFETY: passed on from the caller.
            return unsafe { scanner.run(kernel, frame, !lanes.is_empty(), &mut store) };
        }
        points(kernel, loops, frame, &mut |frame| {
            if lanes.is_empty() {
                store(frame);
            } else {
                blocks(kernel, lanes, self.coords, frame, &mut store);
            }
        });
    }
}

impl Stage {
    /// # Safety
    /// As for `Rows::run`.
    unsafe fn run(&self, kernel: &Kernel, frame: &mut Frame, along_outer: bool, coords: bool) {
        let most = block(kernel, &self.lanes).min(kernel.size(&self.lanes));
        let width = if along_outer { frame.len } else { most };
        frame.len = width;
        for a in &self.accs {
            let acc = &kernel.accs[*a];
            let filled = if along_outer { width } else { lanes::folded(acc.dtype, width) };
            frame.accs[*a].fill(lanes::identity(acc.op, acc.dtype), acc.dtype, filled);
        }
        // SAFETY: passed on from the caller.
        unsafe {
            if along_outer {
                self.tape.hoist(kernel, frame);
            } else {
                self.tape.hoist_once(kernel, frame);
            }
        }
        let combine = if along_outer { lanes::combine } else { lanes::combine_block };
        let mut body = |frame: &mut Frame| {
            // SAFETY: passed on from the caller.
            unsafe { self.tape.run(kernel, frame) };
            for a in &self.accs {
                let acc = &kernel.accs[*a];
                let n = frame.len;
                let (slots, accs) = (&frame.slots, &mut *frame.accs);
                combine(acc.op, acc.dtype, &mut accs[*a], tape::value(slots, acc.value), n);
            }
            #[cfg(not(target_arch = "wasm32"))]
            if let Some(kept) = &self.kept {
                // SAFETY: passed on from the caller.
                unsafe { kept.run(kernel, frame) };
            }
        };
        points(kernel, &self.loops, frame, &mut |frame| {
            if along_outer {
                body(frame);
            } else {
                blocks(kernel, &self.lanes, coords, frame, &mut body);
            }
        });
        if !along_outer {
            for a in &self.accs {
                let acc = &kernel.accs[*a];
                lanes::fold(acc.op, acc.dtype, &mut frame.accs[*a], lanes::folded(acc.dtype, width));
            }
        }
    }
}

/// Has the last stage that computes a slow value which the stores need again leave it where one of them writes.
#[cfg(not(target_arch = "wasm32"))]
fn keep(kernel: &Kernel, stages: &mut [Stage], stores: &mut Stores, lanes: &[RangeId]) {
    let wanted: Vec<ExprId> = stores.tape.computes().collect();
    for stage in stages.iter_mut().rev().filter(|s| kernel.accs[s.accs[0]].ranges == kernel.inner) {
        let here: Vec<ExprId> = stage.tape.computes().filter(|e| wanted.contains(e)).collect();
        let is_slow = |e: &ExprId| {
            let expr = &kernel.exprs[*e].expr;
            here.contains(e) && matches!(expr, Expr::Unary(Unary::Exp2 | Unary::Log2 | Unary::Sin, _))
        };
        let Some(value) = here.iter().rev().find(|e| kernel.needed(&[**e]).iter().any(is_slow)) else {
            continue;
        };
        let own = kernel.stores.iter().filter(|s| s.per_element);
        let mut places = own.map(|s| StoreWalk::new(kernel, s, Lanes::blocks(kernel, lanes)));
        let Some(place) = places.find(|p| p.in_order(kernel)) else { return };
        stage.kept = Some(stores.tape.recall(kernel, *value, place));
        return;
    }
}

/// The last ranges, at least `enough` points where there are so many, and those before.
pub fn trailing(kernel: &Kernel, ranges: &[RangeId], enough: usize) -> (Vec<RangeId>, Vec<RangeId>) {
    let mut at = ranges.len();
    let mut size = 1;
    while at > 0 && size < enough {
        at -= 1;
        size *= kernel.ranges[ranges[at]];
    }
    (ranges[at..].to_vec(), ranges[..at].to_vec())
}

/// Lanes along the outer ranges cost `reduced` blocks per 256 rows, lanes inside a row cost blocks per row; loads
/// that jump cost several times a load that steps.
pub fn prefers_outer(kernel: &Kernel) -> bool {
    if kernel.outer.is_empty() {
        return false;
    }
    let reduced = kernel.accs.first().map_or(&kernel.inner, |a| &a.ranges);
    let (inside, _) = trailing(kernel, reduced, ENOUGH);
    let (along, _) = trailing(kernel, &kernel.outer, ENOUGH);
    let (rows, points) = (kernel.rows(), kernel.size(reduced).max(1));
    let (wide_in, wide_out) = (kernel.size(&inside).max(1), kernel.size(&along).max(1));
    let blocks_in = match LANES / points {
        // `Short` puts as many rows in a block.
        most if most > 1 && points >= FEW && cfg!(not(target_arch = "wasm32")) => rows.div_ceil(most),
        _ => rows * (points / wide_in) * wide_in.div_ceil(LANES),
    };
    let blocks_out = (rows / wide_out) * wide_out.div_ceil(LANES) * points;
    let jumps = |ranges: &[RangeId]| {
        let Some(last) = ranges.last() else { return 0 };
        let jump = |e: &&crate::kernel::Typed| match &e.expr {
            Expr::Load { index, .. } => index.coefficient(*last).abs() > 1 || index.nested(*last),
            _ => false,
        };
        kernel.exprs.iter().filter(jump).count()
    };
    let cost = |blocks: usize, jumps: usize| blocks * kernel.exprs.len() * 20 + rows * points * jumps;
    cost(blocks_out, jumps(&along)) < cost(blocks_in, jumps(&inside))
}

/// Into how many parts sums of few long rows are cut, so that threads can share them and blocks are full. The same
/// for any number of threads.
#[cfg(not(target_arch = "wasm32"))]
pub fn parts(kernel: &Kernel) -> usize {
    let longest = kernel.accs.iter().map(|a| kernel.size(&a.ranges)).max().unwrap_or(1);
    let rows = kernel.rows().max(1);
    if kernel.contract.is_some() || rows.saturating_mul(longest) < 1 << 15 {
        return 1;
    }
    let (busy, least) = if prefers_outer(kernel) { (2048, 32) } else { (32, 1024) };
    (busy / rows).min(longest / least).max(1)
}

/// Calls `f` at every point of `ranges`, last range fastest.
fn points(kernel: &Kernel, ranges: &[RangeId], frame: &mut Frame, f: &mut dyn FnMut(&mut Frame)) {
    ranges.iter().for_each(|r| frame.point[*r] = 0);
    if ranges.iter().any(|r| kernel.ranges[*r] == 0) {
        return;
    }
    loop {
        f(frame);
        let mut at = ranges.len();
        loop {
            if at == 0 {
                return;
            }
            at -= 1;
            let r = ranges[at];
            frame.point[r] += 1;
            if frame.point[r] < kernel.ranges[r] {
                break;
            }
            frame.point[r] = 0;
        }
    }
}

/// Calls `f` for each block of lanes along the flattened `lanes`.
fn blocks(
    kernel: &Kernel,
    lanes: &[RangeId],
    coords: bool,
    frame: &mut Frame,
    f: &mut dyn FnMut(&mut Frame),
) {
    let (total, block) = (kernel.size(lanes), block(kernel, lanes));
    for start in (0..total).step_by(block) {
        frame.len = block.min(total - start);
        place(kernel, lanes, start, coords, frame);
        f(frame);
    }
}

/// Sets `ranges` to their flat position `at`.
pub fn set_point(kernel: &Kernel, ranges: &[RangeId], mut at: usize, point: &mut [usize]) {
    for r in ranges.iter().rev() {
        point[*r] = at % kernel.ranges[*r];
        at /= kernel.ranges[*r];
    }
}

/// Goes to flat position `start`; with `coords` sets the coordinates of `frame.len` lanes from there.
pub fn place(kernel: &Kernel, lanes: &[RangeId], start: usize, coords: bool, frame: &mut Frame) {
    let mut at = start;
    for r in lanes.iter().rev() {
        frame.point[*r] = at % kernel.ranges[*r];
        at /= kernel.ranges[*r];
    }
    if !coords {
        return;
    }
    while frame.coords.len() < lanes.len() {
        frame.coords.push((usize::MAX, Box::new(Reg::ZERO)));
    }
    frame.coords.iter_mut().skip(lanes.len()).for_each(|c| c.0 = usize::MAX);
    let mut every = 1;
    for (slot, r) in lanes.iter().rev().enumerate() {
        let size = kernel.ranges[*r];
        let (mut value, mut left) = (frame.point[*r] as i32, every - (start % every));
        let (id, coord) = &mut frame.coords[slot];
        *id = *r;
        for c in &mut coord.i32_mut()[..frame.len] {
            *c = value;
            left -= 1;
            if left == 0 {
                left = every;
                value += 1;
                if value as usize == size {
                    value = 0;
                }
            }
        }
        every *= size;
    }
}
