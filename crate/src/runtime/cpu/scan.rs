//! Recurrences: step by step with rows side by side, or block by block with one row in order through its lanes.

use super::{
    lanes::{bits_of, operate},
    math,
    rows::place,
    tape::{Frame, Lanes, Tape},
};
use crate::{
    graph::{self, Binary},
    kernel::{Kernel, RangeId, Scan},
};

pub struct Scanner {
    tape: Tape,
    start: u64,
}

impl Scanner {
    pub fn new(kernel: &Kernel, scan: &Scan, lanes: &[RangeId]) -> Scanner {
        let tape = Tape::new(kernel, &scan.sources, Lanes::anywhere(lanes), &kernel.inner);
        Scanner { tape, start: bits_of(scan.start(), scan.dtype) }
    }

    pub fn tape(&self) -> &Tape {
        &self.tape
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
        unsafe {
            if inside {
                self.tape.hoist_once(kernel, frame);
            } else {
                self.tape.hoist(kernel, frame);
            }
        }
        let block = math::lanes(kernel);
        let steps = if inside { n.div_ceil(block) } else { n };
        let mut last = self.start;
        frame.accs[at].fill(last, scan.dtype, frame.len);
        for step in 0..steps {
            let step = if scan.backwards { steps - 1 - step } else { step };
            if inside {
                frame.len = block.min(n - step * block);
                place(kernel, &kernel.inner, step * block, true, frame);
            } else {
                frame.point[scan.range] = step;
            }
            // SAFETY: passed on from the caller.
            unsafe { self.tape.run(kernel, frame) };
            for i in 0..frame.len {
                let lane = if scan.backwards { frame.len - 1 - i } else { i };
                let dtype = scan.dtype;
                let source = |i: usize| frame.reg(scan.sources[i]).get(dtype, lane);
                let before = if inside { last } else { frame.accs[at].get(dtype, lane) };
                last = match scan.op {
                    graph::Scan::Linear => {
                        let product = operate(Binary::Mul, dtype, source(0), before);
                        operate(Binary::Add, dtype, product, source(1))
                    }
                    graph::Scan::Max => operate(Binary::Max, dtype, before, source(0)),
                };
                frame.accs[at].put(dtype, lane, last);
            }
            store(frame);
        }
    }
}
