//! One invocation computes one row, or four neighbours where an output holds bytes.

use super::{Part, Site, fill, printer::Printer};
use crate::{graph::DType, kernel::Kernel};

/// Invocations of a workgroup where the shader has no reason for another number.
pub fn threads(kernel: &Kernel) -> usize {
    if invocations(kernel) >= 1 << 16 { 256 } else { 64 }
}

fn invocations(kernel: &Kernel) -> usize {
    kernel.rows().div_ceil(if bytes(kernel) { 4 } else { 1 })
}

fn bytes(kernel: &Kernel) -> bool {
    kernel.stores.iter().any(|s| kernel.args[s.arg].dtype.size() == 1)
}

pub fn part(site: Site, threads: usize) -> Part {
    let kernel = site.kernel;
    let mut p = Printer::new(site);
    if bytes(kernel) {
        four(&mut p);
    } else {
        p.split("row", &kernel.outer);
        kernel.stores.iter().for_each(|s| p.store(s));
    }
    let invocations = invocations(kernel);
    let holes = [
        ("prefix", site.prefix.into()),
        ("threads", threads.to_string()),
        ("rows", invocations.to_string()),
        ("body", p.out),
    ];
    Part { text: fill(site.target.lang.map, &holes), groups: invocations.div_ceil(threads), threads }
}

/// Byte outputs are written a word at a time, so no two invocations share a word.
fn four(p: &mut Printer) {
    let (kernel, lang) = (p.kernel, p.lang);
    let is_byte = |arg: usize| kernel.args[arg].dtype.size() == 1;
    let words = || kernel.stores.iter().enumerate().filter(|(_, s)| is_byte(s.arg));
    for (i, _) in words() {
        p.line((lang.variable)(&format!("word{i}"), DType::U32, &(lang.constant)(0.0, DType::U32)));
    }
    let head = (lang.for_loop)("j", "0", 4, 1);
    p.block(&head, |p| {
        p.name("i", DType::I32, "row * 4 + j");
        p.block(&format!("if (i < {})", kernel.rows()), |p| {
            p.split("i", &kernel.outer);
            for (i, s) in kernel.stores.iter().enumerate() {
                if is_byte(s.arg) {
                    let value = p.value(s.value);
                    let byte = (lang.to_byte)(&value, "j", kernel.args[s.arg].dtype);
                    p.line(format!("word{i} |= {byte};"));
                } else {
                    p.store(s);
                }
            }
        });
    });
    for (i, s) in words() {
        p.store_word(s.arg, "row", &format!("word{i}"));
    }
}
