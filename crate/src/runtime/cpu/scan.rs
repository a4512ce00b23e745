//! Recurrences: step by step with rows side by side, or block by block with one row in order through its lanes.

use super::{
    math::{self, LANES},
    rows::place,
    tape::{Frame, Tape, bits_of},
};
use crate::{
    graph::{self, DType},
    kernel::{Kernel, RangeId, Scan},
};

pub struct Scanner {
    tape: Tape,
    start: u32,
}

impl Scanner {
    pub fn new(kernel: &Kernel, scan: &Scan, lanes: &[RangeId]) -> Scanner {
        let tape = Tape::new(kernel, &scan.sources, lanes, &kernel.inner);
        Scanner { tape, start: bits_of(scan.start(), scan.dtype) }
    }

    /// Calls `store` wherever the scan's next values stand; `inside` says that lanes run along the row.
    ///
    /// # Safety
    /// As for `Rows::run`.
    pub unsafe fn run(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        inside: bool,
        store: &mut dyn FnMut(&mut Frame),
    ) {
        let scan = kernel.scan.as_ref().expect("the kernel scans");
        let (at, n) = (kernel.accs.len(), kernel.ranges[scan.range]);
        // SAFETY: passed on from the caller.
        unsafe { self.tape.hoist(kernel, frame) };
        let steps = if inside { n.div_ceil(LANES) } else { n };
        let mut last = self.start;
        frame.accs[at].0[..frame.len].fill(last);
        for step in 0..steps {
            let step = if scan.backwards { steps - 1 - step } else { step };
            if inside {
                frame.len = LANES.min(n - step * LANES);
                place(kernel, &kernel.inner, step * LANES, frame);
            } else {
                frame.point[scan.range] = step;
            }
            // SAFETY: passed on from the caller.
            unsafe { self.tape.run(kernel, frame) };
            for i in 0..frame.len {
                let lane = if scan.backwards { frame.len - 1 - i } else { i };
                let source = |i: usize| frame.reg(scan.sources[i]).0[lane];
                let before = if inside { last } else { frame.accs[at].0[lane] };
                last = match scan.op {
                    graph::Scan::Linear => linear(scan.dtype, source(0), before, source(1)),
                    graph::Scan::Max => largest(scan.dtype, before, source(0)),
                };
                frame.accs[at].0[lane] = last;
            }
            store(frame);
        }
    }
}

fn linear(dtype: DType, a: u32, h: u32, b: u32) -> u32 {
    if dtype == DType::F32 {
        (f32::from_bits(a) * f32::from_bits(h) + f32::from_bits(b)).to_bits()
    } else {
        a.wrapping_mul(h).wrapping_add(b)
    }
}

fn largest(dtype: DType, h: u32, b: u32) -> u32 {
    match dtype {
        DType::F32 => math::max(f32::from_bits(h), f32::from_bits(b)).to_bits(),
        DType::I32 => (h as i32).max(b as i32) as u32,
        _ => h.max(b),
    }
}
