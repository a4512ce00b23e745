//! A kernel of the user's as a shader: declarations of its arguments before its text, an entry point around it.
//!
//! In WGSL all tensors lie in few buffers, so `x[e]` becomes the place of element `e` of the argument `x`. Nothing in
//! the text moves to another line.

#[cfg(feature = "cuda")]
use super::cuda;
use super::{Bindings, MAX_GROUPS, Shader, Target, grid, wgsl};
use crate::{
    error::{Error, Kind, Place, Result},
    graph::{Custom, Grid, Source},
};
#[cfg(feature = "cuda")]
use std::fmt::Write;

/// Invocations of a workgroup where the text has no say.
pub const THREADS: usize = 64;

/// What the output is called.
const OUT: &str = "out";

/// Whether a target that spells as `target` does can run the kernel.
///
/// # Errors
/// `Device` where the kernel has no text for it, `DType` for elements that are not 32 bits wide.
pub fn check(custom: &Custom, target: Target, device: &str) -> Result<()> {
    let (text, what) = if target.lang.words.is_some() {
        (&custom.source.wgsl, "wgsl")
    } else {
        (&custom.source.cuda, "cuda")
    };
    if text.is_none() {
        return Err(custom.source.missing(what, device));
    }
    match custom.args.iter().find(|(_, dtype)| dtype.size() != 4) {
        None => Ok(()),
        Some((_, dtype)) => Err(Error::dtype(
            "custom_kernel",
            format!("{dtype} in {} on {device}", custom.source.name),
            "float32, int32 or uint32",
            "cast it, or compute on the cpu device",
        )),
    }
}

/// The error of a compiler that refuses the text `what` at byte `at` of it, if it says where.
pub fn refused(custom: &Custom, what: &str, text: &str, at: Option<usize>, why: &str) -> Error {
    let place = at.and_then(|at| {
        let before = text.get(..at)?;
        let line = before.matches('\n').count() as u32 + 1;
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        let column = before[start..].chars().count() as u32 + 1;
        Some(Box::new(Place { text: text.into(), line, column }))
    });
    let at = place.as_ref().map_or(String::new(), |p| format!("line {}, column {}: ", p.line, p.column));
    let mut error = Error::new(
        Kind::Kernel,
        "custom_kernel",
        format!("{}, whose {what} does not compile: {at}{}", custom.source.name, why.trim()),
        format!("{what} that compiles"),
        "correct it; what it can name is its inputs, out, their sizes and shapes",
    );
    error.place = place;
    error
}

/// `refused` by NVRTC or a C++ compiler: it counts the lines of the text and names it like the kernel.
#[cfg(feature = "cuda")]
pub fn refused_cuda(custom: &Custom, log: &str) -> Error {
    let text = custom.source.cuda.as_deref().unwrap_or_default();
    let told =
        log.lines().find_map(|l| l.strip_prefix(&custom.source.name)?.strip_prefix('(')?.split_once("): "));
    let Some((line, why)) = told else { return refused(custom, "cuda", text, None, log) };
    let before = text.split_inclusive('\n').take(line.parse::<usize>().unwrap_or(1) - 1).map(str::len).sum();
    refused(custom, "cuda", text, Some(before), why)
}

pub fn shader(custom: &Custom, bindings: Bindings, target: Target) -> Shader {
    let (groups, threads) = match custom.grid {
        Grid::Threads(n) => (n.div_ceil(THREADS), THREADS),
        Grid::Groups(groups, threads) => (groups, threads),
    };
    let (grid, threads) = (grid(groups), threads as u32);
    let source = match target.lang.words {
        #[cfg(feature = "cuda")]
        None => cuda(custom, grid, threads),
        _ => wgsl_text(custom, bindings).0,
    };
    Shader { source, grid, threads, shared: 0 }
}

/// The byte of the user's WGSL that byte `at` of the shader comes from.
pub fn origin(custom: &Custom, bindings: Bindings, at: usize) -> usize {
    let (_, moved) = wgsl_text(custom, bindings);
    let known = moved.iter().rev().find(|(to, _)| *to <= at).copied().unwrap_or_default();
    let last = custom.source.wgsl.as_ref().map_or(0, |t| t.trim_end().len().saturating_sub(1));
    (known.1 + at.saturating_sub(known.0)).min(last)
}

fn names(custom: &Custom) -> Vec<&str> {
    let mut all: Vec<&str> = custom.source.inputs.iter().map(String::as_str).collect();
    all.push(OUT);
    all
}

#[inline(never)]
fn put(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
}

fn joined(parts: &[&str]) -> String {
    let mut out = String::new();
    put(&mut out, parts);
    out
}

/// `x_size` and `x_shape` of each argument; what stands before either, and around the numbers of a shape.
fn sizes(custom: &Custom, [size, shape, open, close]: [&str; 4]) -> String {
    let mut out = String::new();
    for (name, (sizes, _)) in names(custom).into_iter().zip(&custom.args) {
        put(&mut out, &[size, name, "_size = ", &count(sizes).to_string(), "u;\n"]);
        if !sizes.is_empty() {
            put(&mut out, &[shape, name, "_shape", open]);
            for n in sizes {
                put(&mut out, &[&*n.to_string(), "u, "]);
            }
            out.truncate(out.len() - 2);
            out += close;
        }
    }
    out
}

fn count(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |n, size| n.saturating_mul(*size))
}

/// The shader; and for places in it from which on the user's text is as it was, the bytes it has there.
fn wgsl_text(custom: &Custom, bindings: Bindings) -> (String, Vec<(usize, usize)>) {
    let text = custom.source.wgsl.as_deref().unwrap_or_default();
    let mut out = wgsl_head(custom, bindings);
    let whole = is_whole(text);
    if let (Grid::Threads(n), false) = (custom.grid, whole) {
        let across = grid(n.div_ceil(THREADS))[0];
        put(
            &mut out,
            &[
                "@compute @workgroup_size(64)\nfn main(@builtin(workgroup_id) pg_group: vec3u, \
             @builtin(local_invocation_index) pg_thread: u32) {\n  let i = (pg_group.y * ",
                &across.to_string(),
                "u + pg_group.x) * 64u + pg_thread;\n  if (i >= ",
                &n.to_string(),
                "u) {\n    return;\n  }\n",
            ],
        );
    }
    let mut moved = vec![(out.len(), 0)];
    rewrite(text, &names(custom), bindings, &mut out, &mut moved);
    if !whole {
        out += "\n}\n";
    }
    (out, moved)
}

/// Declarations: where arguments start, the buffers, the sizes, and how an element of an argument is found.
fn wgsl_head(custom: &Custom, bindings: Bindings) -> String {
    let last = custom.args.len() - 1;
    let own = bindings.slots[last];
    let offsets = bindings.offsets();
    let at = "}\n@group(0) @binding(0) var<uniform> pg_at: PgOffsets;\n";
    let mut out = joined(&["struct PgOffsets {\n", &offsets, at]);
    for slot in 0..=bindings.slots.iter().copied().max().unwrap_or(0) {
        // Texts assign to the output's buffer, so it has the output's elements.
        let (access, element) =
            if slot == own { ("read_write", custom.args[last].1) } else { ("read", bindings.element(slot)) };
        let (binding, slot) = ((slot + 1).to_string(), slot.to_string());
        let (head, element) = ("@group(0) @binding(", wgsl::ty(element));
        put(
            &mut out,
            &[head, &binding, ") var<storage, ", access, "> pg_b", &slot, ": array<", element, ">;\n"],
        );
    }
    out += &sizes(custom, ["const ", "const ", " = array(", ");\n"]);
    for (i, name) in names(custom).into_iter().enumerate() {
        let (shape, dtype) = &custom.args[i];
        let (n, ty) = (count(shape), wgsl::ty(*dtype));
        let (number, slot) = (i.to_string(), bindings.slots[i].to_string());
        let head = joined(&["fn pg_", name, "(i: u32) -> "]);
        // What lies outside is the last element, or the guard behind it.
        let inside = if i == last && custom.guard > 0 {
            let (n, guard) = (n.to_string(), custom.guard.to_string());
            joined(&["select(i, ", &n, "u + i % ", &guard, "u, i >= ", &n, "u)"])
        } else {
            joined(&["min(i, ", &(n.max(1) - 1).to_string(), "u)"])
        };
        let at = joined(&["pg_at.a", &number, " + i32(", &inside, ")"]);
        out += &if i == last {
            joined(&[&head, "i32 { return ", &at, "; }\n"])
        } else {
            joined(&[&head, ty, " { return bitcast<", ty, ">(pg_b", &slot, "[", &at, "]); }\n"])
        };
    }
    out
}

/// The text with `x[e]` as the place of element `e`: an input can only be read.
fn rewrite(
    text: &str,
    names: &[&str],
    bindings: Bindings,
    out: &mut String,
    moved: &mut Vec<(usize, usize)>,
) {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c >= 128;
    let bytes = text.as_bytes();
    // What ends each bracket that is open.
    let mut open: Vec<&str> = Vec::new();
    let (mut at, mut member) = (0, false);
    while at < bytes.len() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |n| n + 2)
        } else if word(bytes[at]) {
            rest.bytes().position(|c| !word(c)).unwrap_or(rest.len())
        } else {
            1
        };
        let (token, after) = rest.split_at(length);
        let space = after.len() - after.trim_start().len();
        let arg = names.iter().position(|n| *n == token && !member && after[space..].starts_with('['));
        member = if token.trim().is_empty() { member } else { token == "." };
        at += length;
        match (arg, token) {
            (Some(arg), _) => {
                let (buffer, close) = if arg + 1 == names.len() {
                    (joined(&["pg_b", &bindings.slots[arg].to_string(), "["]), "))]")
                } else {
                    (String::new(), "))")
                };
                put(out, &[&buffer, "pg_", token, "(u32(", &after[..space]]);
                open.push(close);
                at += space + 1;
                moved.push((out.len(), at));
            }
            (None, "]") => {
                *out += open.pop().unwrap_or("]");
                moved.push((out.len(), at));
            }
            (None, _) => {
                if token == "[" {
                    open.push("]");
                }
                *out += token;
            }
        }
    }
}

/// The text is the body of a function of `i`, or of `group` and `thread`, and the arguments as pointers.
#[cfg(feature = "cuda")]
fn cuda(custom: &Custom, grid: [u32; 2], threads: u32) -> String {
    let last = custom.args.len() - 1;
    let pointer = |i: usize| {
        let access = if i == last { "" } else { "const " };
        format!("{access}{}*", cuda::ty(custom.args[i].1))
    };
    let mut out = String::from("struct Launch {\n");
    for i in 0..=last {
        let _ = writeln!(out, "  {} a{i};", pointer(i));
    }
    out += "};\n\n";
    let shape = "__device__ static const unsigned ";
    out += &sizes(custom, ["static constexpr unsigned ", shape, "[] = {", "};\n"]);
    let args: Vec<String> =
        names(custom).into_iter().enumerate().map(|(i, n)| format!("{} {n}", pointer(i))).collect();
    let given: Vec<String> = (0..=last).map(|i| format!("at.a{i}")).collect();
    let (index, call) = match custom.grid {
        Grid::Threads(n) => (
            "unsigned i",
            format!(
                "  unsigned i = (blockIdx.y * {} + blockIdx.x) * {threads} + threadIdx.x;\n  if (i < {n}) {{\n    \
                 kernel(i, {});\n  }}\n",
                grid[0],
                given.join(", ")
            ),
        ),
        Grid::Groups(..) => (
            "unsigned group, unsigned thread",
            format!("  kernel(blockIdx.x, threadIdx.x, {});\n", given.join(", ")),
        ),
    };
    let text = custom.source.cuda.as_deref().unwrap_or_default();
    let _ = write!(
        out,
        "__device__ static void kernel({index}, {}) {{\n#line 1 \"{}\"\n{text}\n}}\n\nextern \"C\" __global__ void \
         __launch_bounds__({threads}) launch(const __grid_constant__ Launch at) {{\n{call}}}\n",
        args.join(", "),
        custom.source.name
    );
    out
}

/// # Errors
/// `Argument` for a grid that does not go with the kernel's texts, or is too large.
pub fn check_grid(source: &Source, threads: Option<usize>, groups: Option<usize>) -> Result<()> {
    let whole = source.wgsl.as_ref().map_or(groups.is_some(), |text| is_whole(text));
    let most = if groups.is_some() { 1024 } else { u32::MAX as usize };
    if whole == groups.is_some() && groups.unwrap_or(0) <= MAX_GROUPS && threads.unwrap_or(1) <= most {
        return Ok(());
    }
    Err(Error::argument(
        "custom_kernel",
        format!("{}: threads {threads:?}, groups {groups:?}", source.name),
        "threads for the body of a function; for a whole @compute function groups, at most 65535, of at most 1024 \
         threads",
        "give groups where the wgsl has @compute, and there alone",
    ))
}

fn is_whole(text: &str) -> bool {
    text.contains("@compute")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{graph::DType, kernel::Arg, render::WGSL};
    use std::rc::Rc;

    fn rendered(text: &str, slots: &[usize]) -> (Rc<Custom>, Vec<Arg>, String) {
        let mut source = Source::new("test".into(), vec!["a".into(), "n".into()]);
        source.wgsl = Some(text.into());
        let shape = crate::graph::Shape::from_slice(&[4]);
        let dtypes = [DType::F32, DType::I32, DType::F32];
        let args = dtypes.iter().map(|d| (shape.clone(), *d)).collect();
        let custom = Rc::new(source).call(args, Grid::Threads(4), 0);
        let arg = |(i, dtype): (usize, &DType)| Arg { dtype: *dtype, numel: 4, written: i == 2 };
        let args: Vec<Arg> = dtypes.iter().enumerate().map(arg).collect();
        let target = Target { lang: &WGSL, emulated: false, lanes: 1, matrices: None };
        let text = shader(&custom, Bindings { args: &args, slots }, target).source;
        (custom, args, text)
    }

    #[test]
    fn arguments_become_places_and_nothing_else_changes() {
        let text = "// a[i] here\nlet b = s.a [0] + a[n[i] + x[1]]; /* n[0] */\nout [i] += aa[0] + a_size;";
        let (_, _, whole) = rendered(text, &[0, 1, 2]);
        let at = whole.find("// a[i]").unwrap();
        assert_eq!(
            &whole[at..],
            "// a[i] here\nlet b = s.a [0] + pg_a(u32(pg_n(u32(i)) + x[1])); /* n[0] \
             */\npg_b2[pg_out(u32( i))] += aa[0] + a_size;\n}\n"
        );
    }

    #[test]
    fn bytes_of_a_shader_are_found_in_the_text() {
        let text = "let x = a[0];\nout[i] = wrong;";
        for slots in [[0, 1, 2], [0, 0, 0]] {
            let (custom, args, whole) = rendered(text, &slots);
            let found = |word: &str| {
                origin(&custom, Bindings { args: &args, slots: &slots }, whole.find(word).unwrap())
            };
            assert_eq!(found("wrong"), text.find("wrong").unwrap());
            assert_eq!(found("let x"), 0);
            let end = origin(&custom, Bindings { args: &args, slots: &slots }, whole.len());
            assert_eq!(end, text.len() - 1);
        }
    }
}
