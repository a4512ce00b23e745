//! One invocation computes one row, or as many neighbours as fill a word where an output is packed.

use super::{Part, Site, Spelling, fill, printer::Printer, spelling::Words};
use crate::{graph::DType, kernel::Kernel};

/// Fewer rows than this gain nothing by wide accesses.
#[cfg(feature = "cuda")]
const MIN_WIDE: usize = 1024;

/// Invocations of a workgroup where the shader has no reason for another number.
pub fn threads(kernel: &Kernel, lang: &Spelling) -> usize {
    if kernel.rows().div_ceil(packed(kernel, lang)) >= 1 << 16 { 256 } else { 64 }
}

/// Most elements of an output that a word holds, where buffers hold words.
fn packed(kernel: &Kernel, lang: &Spelling) -> usize {
    if lang.words.is_none() {
        return 1;
    }
    kernel.stores.iter().map(|s| 4 / kernel.args[s.arg].dtype.size()).max().unwrap_or(1)
}

pub fn part(site: Site, threads: usize) -> Part {
    let (kernel, lang) = (site.kernel, site.target.lang);
    let mut p = Printer::new(site);
    let mut rows = packed(kernel, lang);
    match &lang.words {
        Some(spelled) if packed(kernel, lang) > 1 => words(&mut p, spelled),
        _ => rows = neighbours(&mut p),
    }
    let invocations = kernel.rows().div_ceil(rows);
    let holes = [
        ("prefix", site.prefix.into()),
        ("threads", threads.to_string()),
        ("rows", invocations.to_string()),
        ("body", p.out),
    ];
    Part {
        text: fill(lang.map, &holes),
        groups: invocations.div_ceil(threads),
        threads,
        shared: 0,
        blocks: 0,
    }
}

/// One row, or several where their elements lie together; how many.
fn neighbours(p: &mut Printer) -> usize {
    let kernel = p.kernel;
    #[cfg(feature = "cuda")]
    {
        let stores: Vec<_> = kernel.stores.iter().collect();
        let roots: Vec<_> = stores.iter().map(|s| s.value).collect();
        let found = p.widest(&kernel.outer, &roots, &stores).filter(|_| kernel.rows() >= MIN_WIDE);
        if let Some((last, width)) = found {
            p.name("first", DType::I32, &format!("row * {width}"));
            p.split_but_last("first", &kernel.outer[..=last]);
            p.wide(kernel.outer[last], width, &roots, &stores, &mut |p| {
                stores.iter().for_each(|s| p.store(s))
            });
            return width;
        }
    }
    p.split("row", &kernel.outer);
    kernel.stores.iter().for_each(|s| p.store(s));
    1
}

/// Packed outputs are written a word at a time, so no two invocations share a word.
fn words(p: &mut Printer, spelled: &Words) {
    let (kernel, lang, rows) = (p.kernel, p.lang, packed(p.kernel, p.lang));
    let size = |arg: usize| kernel.args[arg].dtype.size();
    let packed = || kernel.stores.iter().enumerate().filter(|(_, s)| size(s.arg) < 4);
    let words = |arg: usize| rows * size(arg) / 4;
    let word = |i: usize, w: usize, count: usize| {
        if count == 1 { format!("word{i}") } else { format!("word{i}_{w}") }
    };
    for (i, s) in packed() {
        for w in 0..words(s.arg) {
            let zero = (lang.constant)(0.0, DType::U32);
            p.line((lang.variable)(&word(i, w, words(s.arg)), DType::U32, &zero));
        }
    }
    let head = (lang.for_loop)("j", &0, &rows, 1);
    p.block(&head, |p| {
        p.name("i", DType::I32, &format!("row * {rows} + j"));
        p.block(&format!("if (i < {})", kernel.rows()), |p| {
            p.split("i", &kernel.outer);
            for (i, s) in kernel.stores.iter().enumerate() {
                if size(s.arg) == 4 {
                    p.store(s);
                    continue;
                }
                let value = p.value(s.value);
                let part = (spelled.to_part)(&value, "j", kernel.args[s.arg].dtype);
                for w in 0..words(s.arg) {
                    let add = format!("{} |= {part};", word(i, w, words(s.arg)));
                    match words(s.arg) {
                        1 => p.line(add),
                        _ => p.block(&format!("if (j / 2 == {w})"), |p| p.line(add)),
                    }
                }
            }
        });
    });
    for (i, s) in packed() {
        let count = words(s.arg);
        for w in 0..count {
            let at = if count == 1 { "row".into() } else { format!("row * {count} + {w}") };
            p.store_word(s.arg, &at, &word(i, w, count));
        }
    }
}
