//! Recurrences: an invocation walks along its row.

use super::{printer::Printer, spelling::Operand};
use crate::{
    graph::{self, Binary, Reduce},
    kernel::{Scan, Store},
};

/// The scan of the row and the stores that follow it, in at most `turns` turns of a loop.
pub fn steps(p: &mut Printer, scan: &Scan, stores: &[&Store], turns: usize) {
    let roots: Vec<_> = scan.sources.iter().copied().chain(stores.iter().map(|s| s.value)).collect();
    p.hoist(&[scan.range], &roots);
    p.line((p.lang.variable)("scan", scan.dtype, &(p.lang.constant)(scan.start(), scan.dtype)));
    p.one_by_one(scan.range, scan.backwards, turns, &mut |p| {
        let sources: Vec<String> = scan.sources.iter().map(|e| p.value(*e)).collect();
        let operand = |text: &str| Operand { text: text.into(), constant: None };
        let next = match scan.op {
            graph::Scan::Max => p.joined(Reduce::Max, scan.dtype, "scan", &sources[0]),
            graph::Scan::Linear => {
                let scaled =
                    (p.lang.binary)(Binary::Mul, scan.dtype, &operand(&sources[0]), &operand("scan"));
                (p.lang.binary)(Binary::Add, scan.dtype, &operand(&scaled), &operand(&sources[1]))
            }
        };
        p.line(format!("scan = {next};"));
        stores.iter().for_each(|s| p.store(s));
    });
}
