use super::{Node, topo};
use std::fmt::Write;

/// The graph below `roots`, one line a node: `%7 Binary(Mul) [2, 3] float32 ← %5 %6`.
pub fn dump(roots: &[Node]) -> String {
    let mut out = String::new();
    for node in topo(roots) {
        let sources: Vec<String> = node.src.iter().map(|s| format!("%{}", s.id)).collect();
        let _ = writeln!(out, "{node:?} ← {}", sources.join(" "));
    }
    out
}
