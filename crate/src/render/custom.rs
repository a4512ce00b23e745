//! A kernel of the user's as a shader: declarations of its arguments before its text, an entry point around it.
//!
//! In WGSL all tensors lie in few buffers, so `x[e]` becomes the place of element `e` of the argument `x`. Nothing in
//! the text moves to another line.

use super::{Bindings, MAX_GROUPS, Shader, Target, cuda, grid, wgsl};
use crate::{
    error::{Error, Kind, Place, Result},
    graph::{Custom, Grid, Source},
};
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

/// The error of a compiler that refuses the text named `what` at byte `at` of it, if it says where.
pub fn refused(custom: &Custom, what: &str, text: &str, at: Option<usize>, why: &str) -> Error {
    let mut error = Error::new(
        Kind::Kernel,
        "custom_kernel",
        format!("{}, whose {what} does not compile: {}", custom.source.name, why.trim()),
        format!("{what} that compiles"),
        format!("correct it; its inputs are {}, its output is out", custom.source.inputs.join(", ")),
    );
    if let Some(at) = at {
        let before = &text[..text.floor_char_boundary(at)];
        let line = before.matches('\n').count() as u32 + 1;
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        let column = before[start..].chars().count() as u32 + 1;
        let said = format!("does not compile at line {line}, column {column}");
        error.got = error.got.replacen("does not compile", &said, 1);
        error.place = Some(Box::new(Place { text: text.into(), line, column }));
    }
    error
}

/// `refused` by NVRTC or a C++ compiler: it counts the lines of the text and names it like the kernel.
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
        Some(_) => Wgsl::of(custom, bindings).out,
        None => cuda(custom, grid, threads),
    };
    Shader { source, grid, threads }
}

/// The byte of the user's WGSL that byte `at` of the shader comes from.
pub fn origin(custom: &Custom, bindings: Bindings, at: usize) -> usize {
    let wgsl = Wgsl::of(custom, bindings);
    let last = custom.source.wgsl.as_ref().map_or(0, |t| t.trim_end().len().saturating_sub(1));
    at.checked_sub(wgsl.start).map_or(0, |i| wgsl.origin.get(i).copied().unwrap_or(last))
}

fn names(custom: &Custom) -> impl Iterator<Item = &str> {
    custom.source.inputs.iter().map(String::as_str).chain([OUT])
}

/// `x_size` and `x_shape` of each argument.
fn sizes(
    custom: &Custom,
    scalar: impl Fn(&str, usize) -> String,
    list: impl Fn(&str, &[usize]) -> String,
) -> String {
    let mut out = String::new();
    for (name, (shape, _)) in names(custom).zip(&custom.args) {
        out += &scalar(name, shape.iter().product());
        if !shape.is_empty() {
            out += &list(name, shape);
        }
    }
    out
}

fn numbers(shape: &[usize]) -> String {
    shape.iter().map(|n| format!("{n}u")).collect::<Vec<_>>().join(", ")
}

struct Wgsl<'a> {
    custom: &'a Custom,
    bindings: Bindings<'a>,
    out: String,
    /// Where the user's text starts, and for each byte from there on the byte of the text it comes from.
    start: usize,
    origin: Vec<usize>,
}

impl<'a> Wgsl<'a> {
    fn of(custom: &'a Custom, bindings: Bindings<'a>) -> Wgsl<'a> {
        let text = custom.source.wgsl.as_deref().unwrap_or_default();
        let mut w = Wgsl { custom, bindings, out: String::new(), start: 0, origin: Vec::new() };
        w.declare();
        let whole = is_whole(text);
        if let (Grid::Threads(n), false) = (custom.grid, whole) {
            let across = grid(n.div_ceil(THREADS))[0];
            let _ = write!(
                w.out,
                "@compute @workgroup_size({THREADS})\nfn main(@builtin(workgroup_id) pg_group: vec3u, \
                 @builtin(local_invocation_index) pg_thread: u32) {{\n  let i = (pg_group.y * {across}u + \
                 pg_group.x) * {THREADS}u + pg_thread;\n  if (i >= {n}u) {{\n    return;\n  }}\n"
            );
        }
        w.start = w.out.len();
        w.rewrite(text);
        if !whole {
            w.out += "\n}\n";
        }
        w
    }

    fn slot(&self, arg: usize) -> usize {
        self.bindings.slots[arg]
    }

    /// Texts assign to the output's buffer, so it has the output's elements.
    fn element(&self, slot: usize) -> &'static str {
        let last = self.custom.args.len() - 1;
        let own = (slot == self.slot(last)).then_some(self.custom.args[last].1);
        wgsl::ty(own.unwrap_or_else(|| self.bindings.element(slot)))
    }

    fn declare(&mut self) {
        let last = self.custom.args.len() - 1;
        self.out += "struct PgOffsets {\n";
        self.out += &self.bindings.offsets();
        self.out += "}\n@group(0) @binding(0) var<uniform> pg_at: PgOffsets;\n";
        for slot in 0..self.bindings.slots.iter().max().map_or(0, |s| s + 1) {
            let access = if slot == self.slot(last) { "read_write" } else { "read" };
            let _ = writeln!(
                self.out,
                "@group(0) @binding({}) var<storage, {access}> pg_b{slot}: array<{}>;",
                slot + 1,
                self.element(slot)
            );
        }
        self.out += &sizes(
            self.custom,
            |name, n| format!("const {name}_size = {n}u;\n"),
            |name, s| format!("const {name}_shape = array<u32, {}>({});\n", s.len(), numbers(s)),
        );
        for (i, name) in names(self.custom).enumerate() {
            let n = self.custom.args[i].0.iter().product::<usize>();
            // What lies outside is the last element, or the guard behind it.
            let at = match self.custom.guard {
                guard if i == last && guard > 0 => {
                    format!("select(i, {n}u + i % {guard}u, i >= {n}u)")
                }
                _ => format!("min(i, {}u)", n.max(1) - 1),
            };
            let _ = writeln!(self.out, "fn pg_{name}(i: u32) -> i32 {{ return pg_at.a{i} + i32({at}); }}");
            if i < last {
                let (slot, own) = (self.slot(i), wgsl::ty(self.custom.args[i].1));
                let element = format!("pg_b{slot}[pg_{name}(i)]");
                let value =
                    if self.element(slot) == own { element } else { format!("bitcast<{own}>({element})") };
                let _ = writeln!(self.out, "fn pg_load_{name}(i: u32) -> {own} {{ return {value}; }}");
            }
        }
    }

    fn push(&mut self, text: &str, from: usize, moves: bool) {
        self.out += text;
        self.origin.extend((0..text.len()).map(|i| if moves { from + i } else { from }));
    }

    /// What stands for `name[` and for its `]`: an input can only be read.
    fn brackets(&self, arg: usize) -> (String, &'static str) {
        match self.custom.source.inputs.get(arg) {
            Some(name) => (format!("pg_load_{name}(u32("), "))"),
            None => (format!("pg_b{}[pg_{OUT}(u32(", self.slot(arg)), "))]"),
        }
    }

    fn rewrite(&mut self, text: &str) {
        let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c >= 128;
        let bytes = text.as_bytes();
        let mut open: Vec<&'static str> = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &text[at..];
            let next = if rest.starts_with("//") {
                at + rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                at + rest.find("*/").map_or(rest.len(), |n| n + 2)
            } else if word(bytes[at]) {
                at + rest.bytes().position(|c| !word(c)).unwrap_or(rest.len())
            } else {
                at + 1
            };
            let token = &text[at..next];
            let bracket = next + text[next..].len() - text[next..].trim_start().len();
            let member = text[..at].trim_end().ends_with('.');
            let arg = names(self.custom).position(|n| n == token).filter(|_| !member);
            if let Some(arg) = arg.filter(|_| bytes.get(bracket) == Some(&b'[')) {
                let (before, after) = self.brackets(arg);
                self.push(&before, at, false);
                self.push(&text[next..bracket], next, true);
                open.push(after);
                at = bracket + 1;
                continue;
            }
            match token {
                "[" => {
                    open.push("]");
                    self.push(token, at, true);
                }
                "]" => {
                    let close = open.pop().unwrap_or("]");
                    self.push(close, at, false);
                }
                _ => self.push(token, at, true),
            }
            at = next;
        }
    }
}

/// The text is the body of a function of `i`, or of `group` and `thread`, and the arguments as pointers.
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
    out += &sizes(
        custom,
        |name, n| format!("static constexpr unsigned {name}_size = {n}u;\n"),
        |name, s| format!("__device__ static const unsigned {name}_shape[] = {{{}}};\n", numbers(s)),
    );
    let args: Vec<String> = names(custom).enumerate().map(|(i, n)| format!("{} {n}", pointer(i))).collect();
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
pub fn check_grid(source: &Source, grid: Grid) -> Result<()> {
    let whole = source.wgsl.as_ref().map(|text| is_whole(text));
    let most = match grid {
        Grid::Threads(_) => u32::MAX as usize,
        Grid::Groups(..) => MAX_GROUPS,
    };
    let (got, expected, fix) = match (grid, whole) {
        (Grid::Threads(_), Some(true)) => (
            "a whole @compute function without groups".into(),
            "the number of its workgroups".into(),
            "give groups, and as threads what its @workgroup_size says",
        ),
        (Grid::Groups(..), Some(false)) => (
            "groups for the body of a function".into(),
            "a whole @compute function".into(),
            "give threads alone, or write the function around it",
        ),
        (Grid::Threads(n) | Grid::Groups(n, _), _) if n > most => {
            (format!("{n} of {} at once", source.name), format!("at most {most}"), "let each do more")
        }
        (Grid::Groups(_, n), _) if n == 0 || n > 1024 => {
            (format!("workgroups of {n} threads"), "1 to 1024".into(), "give threads")
        }
        _ => return Ok(()),
    };
    Err(Error::argument("custom_kernel", got, expected, fix))
}

fn is_whole(text: &str) -> bool {
    text.contains("@compute")
}
