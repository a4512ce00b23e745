//! How CUDA C++ writes things, without headers. An argument is a pointer to elements as they lie in memory. In
//! registers `u8` and `i8` have 32 bits, and 16-bit floats are `float`, rounded after each operation.

use super::{
    prelude,
    spelling::{Operand, Spelling, Tiles},
};
use crate::graph::{
    Binary,
    DType::{self, BF16, Bool, F16, F32, F64, I8, I32, I64, U8, U32},
    Unary,
};

pub static CUDA: Spelling = spelling(false);
/// With float32 multiplied on tensor cores, as TF32.
pub static CUDA_TF32: Spelling = spelling(true);

const fn spelling(tf32: bool) -> Spelling {
    Spelling {
        ty,
        constant,
        constant_name: |name, dtype, value| format!("const {} {name} = {value};", ty(dtype)),
        variable: |name, dtype, value| format!("{} {name} = {value};", ty(dtype)),
        fixed: "const auto",
        changing: "auto",
        for_loop: |name, start, end, step| {
            format!("for (int {name} = {start}; {name} < {end}; {name} += {step})")
        },
        unary,
        binary,
        select: |condition, yes, no| format!("({condition} ? {yes} : {no})"),
        cast,
        bitcast,
        within: |value, size| format!("(unsigned({value}) < {size}u)"),
        from_memory: |element, _, dtype| match dtype {
            Bool => format!("({element} != 0)"),
            F16 | BF16 => format!("from_{}({element})", short(dtype)),
            I8 | U8 | I32 | U32 | I64 | F32 | F64 => element.into(),
        },
        to_memory: |value, _, dtype| match dtype {
            F16 | BF16 => format!("to_{}({value})", short(dtype)),
            Bool | I8 | U8 | I32 | U32 | I64 | F32 | F64 => value.into(),
        },
        words: None,
        buffer: |number, element, written| {
            let access = if written { "" } else { "const " };
            format!("{access}{}* a{number};\n", stored(element))
        },
        barrier: "__syncthreads();",
        halves: true,
        helpers: |source| prelude::used(PRELUDE, source, declared),
        main: include_str!("../../../shaders/main.cu"),
        map: include_str!("../../../shaders/map.cu"),
        reduce: include_str!("../../../shaders/reduce.cu"),
        join: include_str!("../../../shaders/join.cu"),
        join_lanes: None,
        contract: include_str!("../../../shaders/contract.cu"),
        stored,
        tiles: Some(Tiles { tf32 }),
        direct: None,
    }
}

const PRELUDE: &str = include_str!("../../../shaders/prelude.cu");

/// The name a prelude block declares: what stands before the first parenthesis, or ends a type's line.
fn declared(block: &str) -> &str {
    let line = block.lines().find(|l| !l.starts_with("//") && !l.starts_with('#')).unwrap_or_default();
    let head = line.split(['(', '{', ';']).next().unwrap_or_default().trim_end();
    head.rsplit(' ').next().unwrap_or_default()
}

pub fn ty(dtype: DType) -> &'static str {
    match dtype {
        Bool => "bool",
        U8 | U32 => "unsigned",
        I8 | I32 => "int",
        I64 => "int64",
        F16 | BF16 | F32 => "float",
        F64 => "double",
    }
}

/// Type of an element in memory.
fn stored(dtype: DType) -> &'static str {
    match dtype {
        Bool | U8 => "unsigned char",
        I8 => "signed char",
        F16 | BF16 => "unsigned short",
        I32 | U32 | I64 | F32 | F64 => ty(dtype),
    }
}

/// What helpers of a dtype are called after.
fn short(dtype: DType) -> &'static str {
    match dtype {
        I8 => "int8",
        U8 => "uint8",
        F16 => "f16",
        BF16 => "bf16",
        Bool | I32 | U32 | I64 | F32 | F64 => ty(dtype),
    }
}

/// Brings a value computed in 32 bits back to what a dtype of fewer bits holds.
fn narrow(text: String, dtype: DType) -> String {
    match dtype {
        U8 => format!("({text} & 255u)"),
        I8 => format!("int((signed char)({text}))"),
        F16 | BF16 => format!("from_{0}(to_{0}({text}))", short(dtype)),
        Bool | I32 | U32 | I64 | F32 | F64 => text,
    }
}

fn constant(value: f64, dtype: DType) -> String {
    match dtype {
        I8 => constant(value, I32),
        F16 | BF16 => constant(value, F32),
        Bool => (value != 0.0).to_string(),
        U8 | U32 => format!("{}u", value as u32),
        // A literal has no sign, and the largest is one short of the smallest number.
        I32 if value as i32 == i32::MIN => format!("({} - 1)", i32::MIN + 1),
        I32 if value < 0.0 => format!("({})", value as i32),
        I32 => format!("{}", value as i32),
        I64 if value as i64 == i64::MIN => format!("int64({}ll - 1)", i64::MIN + 1),
        I64 => format!("int64({}ll)", value as i64),
        F32 if value.is_nan() => "not_a_number()".into(),
        F32 if value == f64::INFINITY => "infinity()".into(),
        F32 if value == f64::NEG_INFINITY => "(-infinity())".into(),
        F32 if value.is_sign_negative() => format!("({:?}f)", value as f32),
        F32 => format!("{:?}f", value as f32),
        F64 if !value.is_finite() => format!("double({})", constant(value, F32)),
        F64 if value.is_sign_negative() => format!("({value:?})"),
        F64 => format!("{value:?}"),
    }
}

fn cast(value: &str, from: DType, to: DType) -> String {
    let plain = if ty(from) == ty(to) { value.into() } else { format!("{}({value})", ty(to)) };
    match (from.is_float(), to) {
        _ if from == to => value.into(),
        (_, Bool) => format!("({value} != {})", constant(0.0, from)),
        (true, I8 | U8 | I32 | U32 | I64) => format!("to_{}({value})", short(to)),
        _ if from == Bool || (from, to) == (BF16, F32) => plain,
        _ => narrow(plain, to),
    }
}

fn bitcast(value: &str, from: DType, to: DType) -> String {
    let call = |name: &str| format!("{name}({value})");
    match (from, to) {
        (F32, I32) => call("__float_as_int"),
        (F32, U32) => call("__float_as_uint"),
        (I32, F32) => call("__int_as_float"),
        (U32, F32) => call("__uint_as_float"),
        (F64, I64) => call("__double_as_longlong"),
        (I64, F64) => call("__longlong_as_double"),
        (F16, BF16) => format!("from_bf16(to_f16({value}))"),
        (BF16, F16) => format!("from_f16(to_bf16({value}))"),
        _ => cast(value, from, to),
    }
}

fn unary(op: Unary, dtype: DType, a: &str) -> String {
    let call = |name: &str| {
        let suffix = if dtype == F64 { "" } else { "f" };
        format!("{name}{suffix}({a})")
    };
    let text = match op {
        Unary::Neg if dtype.is_float() => return format!("(-{a})"),
        Unary::Neg if dtype == Bool => return a.into(),
        Unary::Neg => arithmetic("-", dtype, &constant(0.0, dtype), a),
        Unary::Recip => format!("({} / {a})", constant(1.0, dtype)),
        Unary::Sqrt => call("sqrt"),
        Unary::Exp2 => call("exp2"),
        Unary::Log2 => call("log2"),
        Unary::Sin => call("sin"),
        Unary::Trunc if dtype.is_float() => return call("trunc"),
        Unary::Trunc => return a.into(),
        Unary::Not if dtype == Bool => return format!("(!{a})"),
        Unary::Not if dtype == U8 => return format!("({a} ^ 255u)"),
        Unary::Not => return format!("(~{a})"),
    };
    narrow(text, dtype)
}

/// A sum, difference or product. Integers wrap, which C++ promises of unsigned ones only.
fn arithmetic(sign: &str, dtype: DType, x: &str, y: &str) -> String {
    match dtype {
        I32 => format!("int(unsigned({x}) {sign} unsigned({y}))"),
        I64 => format!("int64(uint64({x}) {sign} uint64({y}))"),
        Bool | I8 | U8 | U32 | F16 | BF16 | F32 | F64 => format!("({x} {sign} {y})"),
    }
}

fn binary(op: Binary, dtype: DType, a: &Operand, b: &Operand) -> String {
    let (x, y) = (&a.text, &b.text);
    let infix = |sign: &str| format!("({x} {sign} {y})");
    let call = |name: &str| format!("{name}({x}, {y})");
    let rounded = |text: String| narrow(text, dtype);
    let divisor = b.constant.is_some_and(|c| c != 0.0 && c != -1.0);
    let modulo = if dtype == F64 { "fmod" } else { "fmodf" };
    match op {
        Binary::Add | Binary::Max if dtype == Bool => infix("||"),
        Binary::Mul if dtype == Bool => infix("&&"),
        Binary::Sub if dtype == Bool => infix("!="),
        Binary::Lt if dtype == Bool => format!("(!{x} && {y})"),
        Binary::Add => rounded(arithmetic("+", dtype, x, y)),
        Binary::Sub => rounded(arithmetic("-", dtype, x, y)),
        Binary::Mul => rounded(arithmetic("*", dtype, x, y)),
        Binary::Div if dtype.is_float() => rounded(infix("/")),
        Binary::IDiv if dtype.is_float() => rounded(unary(Unary::Trunc, dtype, &infix("/"))),
        Binary::Div | Binary::IDiv if divisor => infix("/"),
        Binary::Div | Binary::IDiv => rounded(call("quotient")),
        Binary::Mod if dtype.is_float() => rounded(call(modulo)),
        Binary::Mod if divisor => infix("%"),
        Binary::Mod => rounded(call("rest")),
        Binary::Max => call("larger"),
        Binary::Lt => infix("<"),
        Binary::Eq => infix("=="),
        Binary::And => infix(if dtype == Bool { "&&" } else { "&" }),
        Binary::Or => infix(if dtype == Bool { "||" } else { "|" }),
        Binary::Xor => infix(if dtype == Bool { "!=" } else { "^" }),
        Binary::Shl => rounded(call("shifted_left")),
        Binary::Shr => call("shifted_right"),
    }
}
