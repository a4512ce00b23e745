//! Picks from a prelude, a text of blocks between empty lines, what a shader uses.

/// The declarations that `source` uses, and those that these use; `declared` gives the name of a block's.
pub fn used(prelude: &str, source: &str, declared: fn(&str) -> &str) -> String {
    let blocks: Vec<&str> = prelude.split("\n\n").map(str::trim_end).collect();
    let mut used = vec![false; blocks.len()];
    let mut queue = vec![source];
    while let Some(text) = queue.pop() {
        for (i, block) in blocks.iter().enumerate() {
            if !used[i] && mentions(text, declared(block)) {
                used[i] = true;
                queue.push(block);
            }
        }
    }
    blocks.iter().zip(used).filter(|(_, used)| *used).map(|(block, _)| format!("{block}\n\n")).collect()
}

fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(word) && !text[at + name.len()..].starts_with(word))
}
