//! One invocation computes one row, or four neighbours where an output holds bytes.

use super::{Shader, Slots, Spelling, fill, grid, printer::Printer};
use crate::{graph::DType, kernel::Kernel};

pub fn render(kernel: &Kernel, slots: &Slots, lang: &Spelling) -> Shader {
    let mut p = Printer::new(kernel, slots, lang);
    let bytes = kernel.stores.iter().any(|s| kernel.args[s.arg].dtype.size() == 1);
    let invocations = kernel.rows().div_ceil(if bytes { 4 } else { 1 });
    let threads = if invocations >= 1 << 16 { 256 } else { 64 };
    if bytes {
        four(&mut p);
    } else {
        p.split("row", &kernel.outer);
        kernel.stores.iter().for_each(|s| p.store(s));
    }
    let groups = grid(invocations.div_ceil(threads));
    let parts = [
        ("buffers", p.buffers()),
        ("offsets", p.offsets()),
        ("threads", threads.to_string()),
        ("groups_x", groups[0].to_string()),
        ("rows", invocations.to_string()),
        ("body", p.out),
    ];
    let parts = parts.each_ref().map(|(name, text)| (*name, text.as_str()));
    let main = fill(lang.map, &parts);
    Shader { source: format!("{}{main}", (lang.helpers)(&main)), grid: groups }
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
