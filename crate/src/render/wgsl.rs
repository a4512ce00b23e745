//! How WGSL writes things. Values of `u8` are `u32` between 0 and 255 in registers, `i8` are `i32`, 16-bit floats are
//! `f32` rounded after each operation; in buffers they are packed into words.
//!
//! WGSL promises no NaN or infinity; what we emit gives IEEE results wherever the driver keeps them.

use super::{
    prelude,
    spelling::{Direct, Operand, Spelling, Words},
};
use crate::graph::{
    Binary,
    DType::{self, BF16, Bool, F16, F32, F64, I8, I32, I64, U8, U32},
    Unary,
};

pub static WGSL: Spelling = PORTABLE;

/// For devices that hold float16 and convert it as we do.
#[cfg(not(target_family = "wasm"))]
pub static WGSL_F16: Spelling = Spelling {
    halves: true,
    helpers: |source| {
        let halves: Vec<&str> = HALVES.split("\n\n").map(declared).collect();
        let others = PRELUDE.trim_end().split("\n\n").filter(|block| !halves.contains(&declared(block)));
        let blocks: Vec<&str> = others.chain([HALVES]).collect();
        let used = prelude::used(&blocks.join("\n\n"), source, declared);
        let f16 = used.contains("(f16(") || source.contains("<f16");
        let enable = if f16 { "enable f16;\n\n" } else { "" };
        format!("{}{enable}{used}", enable_matrices(source))
    },
    ..PORTABLE
};

const PORTABLE: Spelling = Spelling {
    ty,
    constant,
    constant_name: |name, _, value| format!("let {name} = {value};"),
    variable: |name, dtype, value| format!("var {name}: {} = {value};", ty(dtype)),
    fixed: "let",
    changing: "var",
    for_loop: |name, start, end, step| {
        format!("for (var {name}: i32 = {start}; {name} < {end}; {name} += {step})")
    },
    unary,
    binary,
    select: |condition, yes, no| format!("select({no}, {yes}, {condition})"),
    cast,
    bitcast: |value, from, to| match (from, to) {
        _ if from == to => value.into(),
        (U8 | I8, U8 | I8 | Bool) | (Bool, _) => cast(value, from, to),
        (F16, _) => format!("bitcast<f32>(to_f16({value}) << 16u)"),
        (BF16, _) => format!("from_f16(bitcast<u32>({value}) >> 16u)"),
        _ => reinterpret(value, from, to),
    },
    within: |value, size| format!("(u32({value}) < {size}u)"),
    from_memory: reinterpret,
    to_memory: |value, from, to| if from.size() == 4 { reinterpret(value, from, to) } else { value.into() },
    words: Some(Words {
        from_part: |word, at, dtype| match dtype {
            Bool => format!("((({word} >> ((u32({at}) & 3u) * 8u)) & 255u) != 0u)"),
            I8 => format!("extractBits(bitcast<i32>({word}), (u32({at}) & 3u) * 8u, 8u)"),
            F16 => format!("from_f16(({word} >> ((u32({at}) & 1u) * 16u)) & 65535u)"),
            BF16 => format!("bitcast<f32>(({word} >> ((u32({at}) & 1u) * 16u)) << 16u)"),
            _ => format!("(({word} >> ((u32({at}) & 3u) * 8u)) & 255u)"),
        },
        to_part: |value, at, dtype| match dtype {
            Bool => format!("(u32({value}) << ((u32({at}) & 3u) * 8u))"),
            I8 => format!("((bitcast<u32>({value}) & 255u) << ((u32({at}) & 3u) * 8u))"),
            F16 => format!("(to_f16({value}) << ((u32({at}) & 1u) * 16u))"),
            BF16 => format!("((bitcast<u32>({value}) >> 16u) << ((u32({at}) & 1u) * 16u))"),
            _ => format!("({value} << ((u32({at}) & 3u) * 8u))"),
        },
    }),
    buffer: |number, element, written| {
        let access = if written { "read_write" } else { "read" };
        let binding = number + 1;
        let element = ty(element);
        format!("@group(0) @binding({binding}) var<storage, {access}> b{number}: array<{element}>;\n")
    },
    barrier: "storageBarrier();",
    halves: false,
    helpers: |source| enable_matrices(source) + &prelude::used(PRELUDE, source, declared),
    main: include_str!("../../../shaders/main.wgsl"),
    map: include_str!("../../../shaders/map.wgsl"),
    reduce: include_str!("../../../shaders/reduce.wgsl"),
    join: include_str!("../../../shaders/join.wgsl"),
    #[cfg(not(target_family = "wasm"))]
    join_lanes: Some(include_str!("../../../shaders/join_lanes.wgsl")),
    #[cfg(target_family = "wasm")]
    join_lanes: None,
    contract: include_str!("../../../shaders/contract.wgsl"),
    stored: |_| "",
    tiles: None,
    direct: Some(Direct {
        skeleton: include_str!("../../../shaders/direct.wgsl"),
        broadcast: |value, lane| format!("subgroupBroadcast({value}, {lane}u)"),
    }),
};

const PRELUDE: &str = include_str!("../../../shaders/prelude.wgsl");

fn enable_matrices(source: &str) -> String {
    let uses = cfg!(not(target_family = "wasm")) && source.contains("coop_mat");
    if uses { "enable wgpu_cooperative_matrix;\n\n".into() } else { String::new() }
}

/// Stands for the helpers of the same names.
#[cfg(not(target_family = "wasm"))]
const HALVES: &str = include_str!("../../../shaders/halves.wgsl");

/// The name a prelude block declares.
fn declared(block: &str) -> &str {
    let line = block.lines().find(|l| !l.starts_with("//")).unwrap_or_default();
    let (_, after) = line.split_once(' ').unwrap_or_default();
    after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

pub fn ty(dtype: DType) -> &'static str {
    match dtype {
        Bool => "bool",
        U8 | U32 => "u32",
        I8 | I32 => "i32",
        F16 | BF16 | F32 => "f32",
        I64 | F64 => unreachable!("no GPU holds 64-bit values"),
    }
}

/// Brings a value computed in 32 bits back to what a dtype of fewer bits holds.
fn narrow(text: String, dtype: DType) -> String {
    match dtype {
        U8 => format!("({text} & 255u)"),
        I8 => format!("extractBits({text}, 0u, 8u)"),
        F16 => format!("round_f16({text})"),
        BF16 => format!("round_bf16({text})"),
        Bool | I32 | U32 | I64 | F32 | F64 => text,
    }
}

fn constant(value: f64, dtype: DType) -> String {
    match dtype {
        I8 => constant(value, I32),
        F16 | BF16 => constant(value, F32),
        I64 | F64 => unreachable!("no GPU holds 64-bit values"),
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

/// What helpers of a dtype are called after.
fn short(dtype: DType) -> &'static str {
    match dtype {
        U8 => "u8",
        I8 => "i8",
        _ => ty(dtype),
    }
}

fn reinterpret(value: &str, from: DType, to: DType) -> String {
    if ty(from) == ty(to) { value.into() } else { format!("bitcast<{}>({value})", ty(to)) }
}

fn cast(value: &str, from: DType, to: DType) -> String {
    let plain = if ty(from) == ty(to) { value.into() } else { format!("{}({value})", ty(to)) };
    match (from.is_float(), to) {
        _ if from == to => value.into(),
        (true, Bool) => format!("(!({value} == 0.0f))"),
        (true, I8 | U8 | I32 | U32) => format!("to_{}({value})", short(to)),
        (false, Bool) => format!("({value} != {})", constant(0.0, from)),
        _ if from == Bool || (from, to) == (BF16, F32) => plain,
        _ => narrow(plain, to),
    }
}

fn unary(op: Unary, dtype: DType, a: &str) -> String {
    let text = match op {
        Unary::Neg if dtype.is_float() => return format!("(-{a})"),
        Unary::Neg if dtype == Bool => return a.into(),
        Unary::Neg if dtype.is_unsigned() => format!("(0u - {a})"),
        Unary::Neg => format!("(-{a})"),
        Unary::Recip => format!("(1.0f / {a})"),
        Unary::Sqrt => format!("sqrt({a})"),
        Unary::Exp2 => format!("exp2_f32({a})"),
        Unary::Log2 => format!("log2_f32({a})"),
        Unary::Sin => format!("sine({a})"),
        Unary::Trunc if dtype.is_float() => return format!("trunc({a})"),
        Unary::Trunc => return a.into(),
        Unary::Not if dtype == Bool => return format!("(!{a})"),
        Unary::Not if dtype == U8 => return format!("({a} ^ 255u)"),
        Unary::Not => return format!("(~{a})"),
    };
    narrow(text, dtype)
}

fn binary(op: Binary, dtype: DType, a: &Operand, b: &Operand) -> String {
    let (x, y) = (&a.text, &b.text);
    let infix = |sign: &str| format!("({x} {sign} {y})");
    let call = |name: &str| format!("{name}_{}({x}, {y})", ty(dtype));
    let rounded = |text: String| narrow(text, dtype);
    let divisor = b.constant.is_some_and(|c| c != 0.0 && c != -1.0);
    let shift = b.constant.is_some_and(|c| (0.0..32.0).contains(&c));
    match op {
        Binary::Add | Binary::Max if dtype == Bool => infix("||"),
        Binary::Mul if dtype == Bool => infix("&&"),
        Binary::Sub if dtype == Bool => infix("!="),
        Binary::Lt if dtype == Bool => format!("(!{x} && {y})"),
        Binary::Add => rounded(infix("+")),
        Binary::Sub => rounded(infix("-")),
        Binary::Mul => rounded(infix("*")),
        // Some drivers take a division by a known 0 for 0.
        Binary::Div if b.constant == Some(0.0) => {
            let sign = if b.constant.is_some_and(f64::is_sign_negative) { "-" } else { "" };
            format!("({x} * ({sign}infinity()))")
        }
        Binary::Div => rounded(infix("/")),
        Binary::IDiv if dtype.is_float() => rounded(format!("trunc({x} / {y})")),
        Binary::IDiv if divisor => infix("/"),
        Binary::IDiv => rounded(call("div")),
        Binary::Mod if divisor && !dtype.is_float() => infix("%"),
        Binary::Mod => rounded(call("mod")),
        Binary::Max if !dtype.is_float() => format!("max({x}, {y})"),
        Binary::Max if b.constant.is_some_and(|c| !c.is_nan()) => format!("select({x}, {y}, {x} <= {y})"),
        Binary::Max if a.constant.is_some_and(|c| !c.is_nan()) => format!("select({y}, {x}, {y} <= {x})"),
        Binary::Max => call("max"),
        Binary::Lt => infix("<"),
        Binary::Eq if dtype.is_float() && x == y => format!("(!is_nan({x}))"),
        Binary::Eq => infix("=="),
        Binary::And => infix(if dtype == Bool { "&&" } else { "&" }),
        Binary::Or => infix(if dtype == Bool { "||" } else { "|" }),
        Binary::Xor => infix(if dtype == Bool { "!=" } else { "^" }),
        Binary::Shl if shift => rounded(format!("({x} << u32({y}))")),
        Binary::Shl => rounded(call("shl")),
        Binary::Shr if shift => format!("({x} >> u32({y}))"),
        Binary::Shr => call("shr"),
    }
}
