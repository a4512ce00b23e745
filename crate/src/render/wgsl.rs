//! How WGSL writes things. Values of `u8` are `u32` between 0 and 255 in registers.
//!
//! WGSL promises no NaN or infinity; what we emit gives IEEE results wherever the driver keeps them.

use super::spelling::{Operand, Spelling};
use crate::graph::{
    Binary,
    DType::{self, Bool, F32, I32, U8, U32},
    Unary,
};

pub static WGSL: Spelling = Spelling {
    ty,
    constant,
    constant_name: |name, _, value| format!("let {name} = {value};"),
    variable: |name, dtype, value| format!("var {name}: {} = {value};", ty(dtype)),
    for_loop: |name, start, end, step| {
        format!("for (var {name}: i32 = {start}; {name} < {end}; {name} += {step})")
    },
    unary,
    binary,
    select: |condition, yes, no| format!("select({no}, {yes}, {condition})"),
    cast,
    bitcast: |value, from, to| match (from, to) {
        (Bool, U8) | (U8, Bool) => cast(value, from, to),
        _ => reinterpret(value, from, to),
    },
    within: |value, size| format!("(u32({value}) < {size}u)"),
    from_word: reinterpret,
    to_word: |value, from, to| if from.size() == 4 { reinterpret(value, from, to) } else { value.into() },
    from_byte: |word, at, dtype| match dtype {
        Bool => format!("((({word} >> ((u32({at}) & 3u) * 8u)) & 255u) != 0u)"),
        U8 | I32 | U32 | F32 => format!("(({word} >> ((u32({at}) & 3u) * 8u)) & 255u)"),
    },
    to_byte: |value, at, dtype| {
        let byte = if dtype == Bool { format!("u32({value})") } else { value.to_string() };
        format!("({byte} << ((u32({at}) & 3u) * 8u))")
    },
    broadcast: |value, lane| format!("subgroupBroadcast({value}, {lane}u)"),
    buffer: |number, element, written| {
        let access = if written { "read_write" } else { "read" };
        let binding = number + 1;
        let element = ty(element);
        format!("@group(0) @binding({binding}) var<storage, {access}> b{number}: array<{element}>;\n")
    },
    barrier: "storageBarrier();",
    helpers,
    main: include_str!("../../../shaders/main.wgsl"),
    map: include_str!("../../../shaders/map.wgsl"),
    reduce: include_str!("../../../shaders/reduce.wgsl"),
    join: include_str!("../../../shaders/join.wgsl"),
    contract: include_str!("../../../shaders/contract.wgsl"),
    direct: include_str!("../../../shaders/direct.wgsl"),
};

const PRELUDE: &str = include_str!("../../../shaders/prelude.wgsl");

/// The prelude's declarations that `source` uses, and those that these use.
fn helpers(source: &str) -> String {
    let blocks: Vec<&str> = PRELUDE.split("\n\n").map(str::trim_end).collect();
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

/// The name a prelude block declares.
fn declared(block: &str) -> &str {
    let line = block.lines().find(|l| !l.starts_with("//")).unwrap_or_default();
    let (_, after) = line.split_once(' ').unwrap_or_default();
    after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(word) && !text[at + name.len()..].starts_with(word))
}

fn ty(dtype: DType) -> &'static str {
    match dtype {
        Bool => "bool",
        U8 | U32 => "u32",
        I32 => "i32",
        F32 => "f32",
    }
}

fn constant(value: f64, dtype: DType) -> String {
    match dtype {
        Bool => (value != 0.0).to_string(),
        U8 | U32 => format!("{}u", value as u32),
        I32 if value < 0.0 => format!("i32({})", value as i32),
        I32 => format!("{}", value as i32),
        F32 if value.is_nan() => "not_a_number()".into(),
        F32 if value == f64::INFINITY => "infinity()".into(),
        F32 if value == f64::NEG_INFINITY => "(-infinity())".into(),
        F32 if value.is_sign_negative() => format!("({:?}f)", value as f32),
        F32 => format!("{:?}f", value as f32),
    }
}

fn reinterpret(value: &str, from: DType, to: DType) -> String {
    if ty(from) == ty(to) { value.into() } else { format!("bitcast<{}>({value})", ty(to)) }
}

fn cast(value: &str, from: DType, to: DType) -> String {
    match (from, to) {
        (Bool, Bool) | (U8, U8 | U32) | (U32, U32) | (I32, I32) | (F32, F32) => value.into(),
        (Bool, U8 | I32 | U32 | F32) => format!("{}({value})", ty(to)),
        (F32, Bool) => format!("(!({value} == 0.0f))"),
        (I32, Bool) => format!("({value} != 0)"),
        (U8 | U32, Bool) => format!("({value} != 0u)"),
        (F32, I32) => format!("to_i32({value})"),
        (F32, U32) => format!("to_u32({value})"),
        (F32, U8) => format!("to_u8({value})"),
        (I32, U8) => format!("(u32({value}) & 255u)"),
        (U32, U8) => format!("({value} & 255u)"),
        (U8 | I32 | U32, I32 | U32 | F32) => format!("{}({value})", ty(to)),
    }
}

fn unary(op: Unary, dtype: DType, a: &str) -> String {
    match (op, dtype) {
        (Unary::Neg, F32 | I32) => format!("(-{a})"),
        (Unary::Neg, U32) => format!("(0u - {a})"),
        (Unary::Neg, U8) => format!("((0u - {a}) & 255u)"),
        (Unary::Neg, Bool) => a.into(),
        (Unary::Recip, _) => format!("(1.0f / {a})"),
        (Unary::Sqrt, _) => format!("sqrt({a})"),
        (Unary::Exp2, _) => format!("exp2_f32({a})"),
        (Unary::Log2, _) => format!("log2_f32({a})"),
        (Unary::Sin, _) => format!("sine({a})"),
        (Unary::Trunc, F32) => format!("trunc({a})"),
        (Unary::Trunc, Bool | U8 | I32 | U32) => a.into(),
        (Unary::Not, Bool) => format!("(!{a})"),
        (Unary::Not, U8) => format!("({a} ^ 255u)"),
        (Unary::Not, I32 | U32 | F32) => format!("(~{a})"),
    }
}

fn binary(op: Binary, dtype: DType, a: &Operand, b: &Operand) -> String {
    let (x, y) = (&a.text, &b.text);
    let infix = |sign: &str| format!("({x} {sign} {y})");
    let call = |name: &str| format!("{name}_{}({x}, {y})", ty(dtype));
    let byte = |text: String| if dtype == U8 { format!("({text} & 255u)") } else { text };
    let divisor = b.constant.is_some_and(|c| c != 0.0 && c != -1.0);
    let shift = b.constant.is_some_and(|c| (0.0..32.0).contains(&c));
    match op {
        Binary::Add | Binary::Max if dtype == Bool => infix("||"),
        Binary::Mul if dtype == Bool => infix("&&"),
        Binary::Sub if dtype == Bool => infix("!="),
        Binary::Lt if dtype == Bool => format!("(!{x} && {y})"),
        Binary::Add => byte(infix("+")),
        Binary::Sub => byte(infix("-")),
        Binary::Mul => byte(infix("*")),
        Binary::Div => infix("/"),
        Binary::IDiv if dtype == F32 => format!("trunc({x} / {y})"),
        Binary::IDiv if divisor => infix("/"),
        Binary::IDiv => call("div"),
        Binary::Mod if divisor && dtype != F32 => infix("%"),
        Binary::Mod => call("mod"),
        Binary::Max if dtype != F32 => format!("max({x}, {y})"),
        Binary::Max if b.constant.is_some_and(|c| !c.is_nan()) => format!("select({x}, {y}, {x} < {y})"),
        Binary::Max if a.constant.is_some_and(|c| !c.is_nan()) => format!("select({y}, {x}, {y} < {x})"),
        Binary::Max => call("max"),
        Binary::Lt => infix("<"),
        Binary::Eq if dtype == F32 && x == y => format!("(!is_nan({x}))"),
        Binary::Eq => infix("=="),
        Binary::And => infix(if dtype == Bool { "&&" } else { "&" }),
        Binary::Or => infix(if dtype == Bool { "||" } else { "|" }),
        Binary::Xor => infix(if dtype == Bool { "!=" } else { "^" }),
        Binary::Shl if shift => byte(format!("({x} << u32({y}))")),
        Binary::Shl => byte(call("shl")),
        Binary::Shr if shift => format!("({x} >> u32({y}))"),
        Binary::Shr => call("shr"),
    }
}
