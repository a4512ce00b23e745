//! What an operation does to a block of lanes. Floats of 16 bits are computed as float32 and rounded, integers of
//! 8 bits as int32 or uint32 and wrapped; lanes of 64 bits are float64 or int64.

use super::math::{self, Reg, View};
use crate::graph::{Binary, DType, Reduce, Unary, half};

/// The bits a lane holds for a value of that dtype: 64, or the lower 32.
pub fn bits_of(x: f64, dtype: DType) -> u64 {
    match dtype {
        DType::F16 | DType::BF16 | DType::F32 => (dtype.hold(x) as f32).to_bits().into(),
        DType::F64 => x.to_bits(),
        DType::I8 | DType::I32 | DType::I64 => dtype.hold(x) as i64 as u64,
        DType::U32 | DType::U8 | DType::Bool => dtype.hold(x) as u64,
    }
}

/// A function that is compiled three times on x86-64: for any processor, for those with AVX2, and with AVX-512.
macro_rules! vectorized {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn any($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $ty),*) {
                    any($($arg),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) {
                    any($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the processor has it.
                    return unsafe { avx512($($arg),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has it.
                    return unsafe { avx2($($arg),*) };
                }
            }
            any($($arg),*)
        }
    };
}

/// Brings lanes that were computed in 32 bits back to what a dtype of fewer bits holds.
#[inline(always)]
pub fn narrow(dtype: DType, out: &mut Reg, n: usize) {
    #[inline(always)]
    fn all(out: &mut Reg, n: usize, f: impl Fn(u32) -> u32) {
        out.0[..n].iter_mut().for_each(|x| *x = f(*x));
    }
    match dtype {
        DType::U8 => all(out, n, |x| x & 0xff),
        DType::I8 => all(out, n, |x| x as i8 as u32),
        DType::F16 => all(out, n, |x| half::round_f16(f32::from_bits(x)).to_bits()),
        DType::BF16 => all(out, n, |x| half::round_bf16(f32::from_bits(x)).to_bits()),
        DType::Bool | DType::I32 | DType::U32 | DType::I64 | DType::F32 | DType::F64 => {}
    }
}

#[inline(always)]
fn map<T: Copy>(a: &[T], out: &mut [T], n: usize, f: impl Fn(T) -> T) {
    out[..n].iter_mut().zip(&a[..n]).for_each(|(o, x)| *o = f(*x));
}

vectorized! {
pub fn unary(op: Unary, dtype: DType, a: View, out: &mut Reg, n: usize) {
    let float = |out: &mut Reg, f: fn(f64) -> f64| map(a.wide(), out.wide_mut(), n, f);
    match (op, dtype) {
        (Unary::Neg, DType::F64) => float(out, |x| -x),
        (Unary::Trunc, DType::F64) => float(out, f64::trunc),
        (Unary::Recip, DType::F64) => float(out, |x| 1.0 / x),
        (Unary::Sqrt, DType::F64) => float(out, f64::sqrt),
        (Unary::Exp2, DType::F64) => float(out, f64::exp2),
        (Unary::Log2, DType::F64) => float(out, f64::log2),
        (Unary::Sin, DType::F64) => float(out, f64::sin),
        (Unary::Neg, DType::I64) => map(a.wide(), out.wide_mut(), n, i64::wrapping_neg),
        (Unary::Not, DType::I64) => map(a.wide(), out.wide_mut(), n, |x: u64| !x),
        (Unary::Trunc, DType::I64) => map(a.wide::<u64>(), out.wide_mut(), n, |x| x),
        (Unary::Neg, _) if dtype.is_float() => map(a.f32(), out.f32_mut(), n, |x| -x),
        (Unary::Neg, _) => map(a.0, &mut out.0, n, u32::wrapping_neg),
        (Unary::Not, DType::Bool) => map(a.0, &mut out.0, n, |x| x ^ 1),
        (Unary::Not, _) => map(a.0, &mut out.0, n, |x| !x),
        (Unary::Trunc, _) if dtype.is_float() => map(a.f32(), out.f32_mut(), n, f32::trunc),
        (Unary::Trunc, _) => map(a.0, &mut out.0, n, |x| x),
        (Unary::Recip, _) => map(a.f32(), out.f32_mut(), n, |x| 1.0 / x),
        (Unary::Sqrt, _) => map(a.f32(), out.f32_mut(), n, f32::sqrt),
        (Unary::Exp2, _) => map(a.f32(), out.f32_mut(), n, math::exp2),
        (Unary::Log2, _) => map(a.f32(), out.f32_mut(), n, math::log2),
        (Unary::Sin, _) => map(a.f32(), out.f32_mut(), n, math::sin),
    }
    narrow(dtype, out, n);
}
}

/// A loop for each of the operations that are SIMD instructions; in WebAssembly, where code is dear, one for all.
macro_rules! each_op {
    ($op:expr, $of:ident, $a:expr, $b:expr, $out:expr, $n:expr, $($case:ident)*) => {
        match $op {
            $(#[cfg(not(target_arch = "wasm32"))]
            Binary::$case => zip($a, $b, $out, $n, $of(Binary::$case)),)*
            op => zip($a, $b, $out, $n, $of(op)),
        }
    };
}

#[inline(always)]
fn zip<T: Copy, O>(a: &[T], b: &[T], out: &mut [O], n: usize, f: impl Fn(T, T) -> O) {
    out[..n].iter_mut().zip(a[..n].iter().zip(&b[..n])).for_each(|(o, (x, y))| *o = f(*x, *y));
}

vectorized! {
/// `dtype` is that of the operands.
pub fn binary(op: Binary, dtype: DType, a: View, b: View, out: &mut Reg, n: usize) {
    match dtype {
        DType::F16 | DType::BF16 | DType::F32 => float_binary(op, a, b, out, n),
        DType::I8 | DType::I32 => match op {
            Binary::Lt => zip(a.i32(), b.i32(), &mut out.0, n, |x, y| u32::from(x < y)),
            Binary::Add | Binary::Mul | Binary::Eq => bits_binary(op, a, b, out, n),
            _ => each_op!(op, int_op, a.i32(), b.i32(), &mut out.0, n, Sub Max And Or Xor Shl Shr),
        },
        DType::U32 | DType::U8 | DType::Bool => match op {
            Binary::Add | Binary::Mul | Binary::Eq => bits_binary(op, a, b, out, n),
            Binary::And => zip(a.0, b.0, &mut out.0, n, |x, y| x & y),
            Binary::Xor => zip(a.0, b.0, &mut out.0, n, |x, y| x ^ y),
            _ => each_op!(op, uint_op, a.0, b.0, &mut out.0, n, Sub Max Lt Or Shl Shr),
        },
        DType::F64 => match op {
            Binary::Lt => zip::<f64, u32>(a.wide(), b.wide(), &mut out.0, n, |x, y| (x < y).into()),
            Binary::Eq => zip::<f64, u32>(a.wide(), b.wide(), &mut out.0, n, |x, y| (x == y).into()),
            _ => zip(a.wide(), b.wide(), out.wide_mut(), n, double_op(op)),
        },
        DType::I64 => match op {
            Binary::Lt => zip::<i64, u32>(a.wide(), b.wide(), &mut out.0, n, |x, y| (x < y).into()),
            Binary::Eq => zip::<i64, u32>(a.wide(), b.wide(), &mut out.0, n, |x, y| (x == y).into()),
            _ => zip(a.wide(), b.wide(), out.wide_mut(), n, long_op(op)),
        },
    }
}
}

/// What has the same bits with a sign and without.
#[inline(always)]
fn bits_binary(op: Binary, a: View, b: View, out: &mut Reg, n: usize) {
    match op {
        Binary::Add => zip(a.0, b.0, &mut out.0, n, u32::wrapping_add),
        Binary::Mul => zip(a.0, b.0, &mut out.0, n, u32::wrapping_mul),
        _ => zip(a.0, b.0, &mut out.0, n, |x, y| u32::from(x == y)),
    }
}

#[inline(always)]
fn float_binary(op: Binary, a: View, b: View, out: &mut Reg, n: usize) {
    let (a, b) = (a.f32(), b.f32());
    match op {
        Binary::Lt => zip(a, b, &mut out.0, n, |x, y| u32::from(x < y)),
        Binary::Eq => zip(a, b, &mut out.0, n, |x, y| u32::from(x == y)),
        Binary::Add => zip(a, b, out.f32_mut(), n, |x, y| x + y),
        Binary::Sub => zip(a, b, out.f32_mut(), n, |x, y| x - y),
        Binary::Mul => zip(a, b, out.f32_mut(), n, |x, y| x * y),
        Binary::Div => zip(a, b, out.f32_mut(), n, |x, y| x / y),
        Binary::Max => zip(a, b, out.f32_mut(), n, math::max),
        Binary::IDiv => zip(a, b, out.f32_mut(), n, |x, y| (x / y).trunc()),
        Binary::Mod => zip(a, b, out.f32_mut(), n, |x, y| x % y),
        Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => {
            unreachable!("the verifier keeps bit operations to integers")
        }
    }
}

fn double_op(op: Binary) -> fn(f64, f64) -> f64 {
    match op {
        Binary::Add => |x, y| x + y,
        Binary::Sub => |x, y| x - y,
        Binary::Mul => |x, y| x * y,
        Binary::Div => |x, y| x / y,
        Binary::Max => |x, y| if x > y || x.is_nan() { x } else { y },
        Binary::IDiv => |x, y| (x / y).trunc(),
        Binary::Mod => |x, y| x % y,
        Binary::Lt | Binary::Eq => unreachable!("a comparison gives bools"),
        Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => {
            unreachable!("the verifier keeps bit operations to integers")
        }
    }
}

fn long_op(op: Binary) -> fn(i64, i64) -> i64 {
    match op {
        Binary::Add => i64::wrapping_add,
        Binary::Sub => i64::wrapping_sub,
        Binary::Mul => i64::wrapping_mul,
        Binary::Div | Binary::IDiv => |x, y| if y == 0 { 0 } else { x.wrapping_div(y) },
        Binary::Mod => |x, y| if y == 0 { 0 } else { x.wrapping_rem(y) },
        Binary::Max => |x, y| x.max(y),
        Binary::Lt | Binary::Eq => unreachable!("a comparison gives bools"),
        Binary::And => |x, y| x & y,
        Binary::Or => |x, y| x | y,
        Binary::Xor => |x, y| x ^ y,
        Binary::Shl => |x, y| if (0..64).contains(&y) { x << y } else { 0 },
        Binary::Shr => |x, y| x >> (y as u64).min(63),
    }
}

#[inline(always)]
fn int_op(op: Binary) -> fn(i32, i32) -> u32 {
    match op {
        Binary::Add => |x, y| x.wrapping_add(y) as u32,
        Binary::Sub => |x, y| x.wrapping_sub(y) as u32,
        Binary::Mul => |x, y| x.wrapping_mul(y) as u32,
        Binary::Div | Binary::IDiv => |x, y| if y == 0 { 0 } else { x.wrapping_div(y) as u32 },
        Binary::Mod => |x, y| if y == 0 { 0 } else { x.wrapping_rem(y) as u32 },
        Binary::Max => |x, y| x.max(y) as u32,
        Binary::Lt => |x, y| (x < y) as u32,
        Binary::Eq => |x, y| (x == y) as u32,
        Binary::And => |x, y| (x & y) as u32,
        Binary::Or => |x, y| (x | y) as u32,
        Binary::Xor => |x, y| (x ^ y) as u32,
        Binary::Shl => |x, y| x.checked_shl(y as u32).unwrap_or(0) as u32,
        Binary::Shr => |x, y| (x >> (y as u32).min(31)) as u32,
    }
}

#[inline(always)]
fn uint_op(op: Binary) -> fn(u32, u32) -> u32 {
    match op {
        Binary::Add => u32::wrapping_add,
        Binary::Sub => u32::wrapping_sub,
        Binary::Mul => u32::wrapping_mul,
        Binary::Div | Binary::IDiv => |x, y| x.checked_div(y).unwrap_or(0),
        Binary::Mod => |x, y| x.checked_rem(y).unwrap_or(0),
        Binary::Max => |x, y| x.max(y),
        Binary::Lt => |x, y| (x < y) as u32,
        Binary::Eq => |x, y| (x == y) as u32,
        Binary::And => |x, y| x & y,
        Binary::Or => |x, y| x | y,
        Binary::Xor => |x, y| x ^ y,
        Binary::Shl => |x, y| x.checked_shl(y).unwrap_or(0),
        Binary::Shr => |x, y| x.checked_shr(y).unwrap_or(0),
    }
}

vectorized! {
/// Clears the bits of lanes that do not lie from `lo` to before `hi`.
pub fn within(at: &[i32], lo: i64, hi: i64, ok: &mut [u32]) {
    let clamp = |x: i64| x.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    // An index is never as large as the largest int32.
    let (lo, hi) = (clamp(lo), clamp(hi));
    ok.iter_mut().zip(at).for_each(|(ok, at)| *ok &= u32::from(lo <= *at && *at < hi).wrapping_neg());
}
}

vectorized! {
/// `a` where `c` is not 0, else `b`.
pub fn choose(dtype: DType, c: View, a: View, b: View, out: &mut Reg, n: usize) {
    // With masks: of a condition the compiler makes gathers from one of two places.
    if dtype.size() == 8 {
        let mask = |c: u32| u64::from(c == 0).wrapping_sub(1);
        let (a, b) = (&a.wide::<u64>()[..n], &b.wide::<u64>()[..n]);
        let out = out.wide_mut::<u64>()[..n].iter_mut().zip(&c.0[..n]);
        return out.zip(a.iter().zip(b)).for_each(|((o, c), (a, b))| *o = a & mask(*c) | b & !mask(*c));
    }
    let mask = |c: u32| u32::from(c == 0).wrapping_sub(1);
    let (a, b, out) = (&a.0[..n], &b.0[..n], out.0[..n].iter_mut().zip(&c.0[..n]));
    out.zip(a.iter().zip(b)).for_each(|((o, c), (a, b))| *o = a & mask(*c) | b & !mask(*c));
}
}

vectorized! {
/// Lanes of 16-bit floats, from memory.
pub fn widen(dtype: DType, from: &[u16], out: &mut [u32]) {
    match dtype {
        DType::F16 => out.iter_mut().zip(from).for_each(|(o, x)| *o = half::from_f16(*x).to_bits()),
        _ => out.iter_mut().zip(from).for_each(|(o, x)| *o = u32::from(*x) << 16),
    }
}
}

vectorized! {
/// Lanes that hold 16-bit floats, to memory.
pub fn shorten(dtype: DType, from: &[u32], out: &mut [u16]) {
    match dtype {
        DType::F16 => out.iter_mut().zip(from).for_each(|(o, x)| *o = half::to_f16(f32::from_bits(*x))),
        _ => out.iter_mut().zip(from).for_each(|(o, x)| *o = (*x >> 16) as u16),
    }
}
}

vectorized! {
pub fn cast(from: DType, to: DType, a: View, out: &mut Reg, n: usize) {
    if from.size() == 8 || to.size() == 8 {
        return cast_wide(from, to, a, out, n);
    }
    let (a, to_lanes) = (a.0, &mut out.0);
    match (from.is_float(), to) {
        (true, DType::Bool) => map(a, to_lanes, n, |x| (f32::from_bits(x) != 0.0) as u32),
        (true, DType::I8) => map(a, to_lanes, n, |x| f32::from_bits(x) as i8 as u32),
        (true, DType::I32) => map(a, to_lanes, n, |x| f32::from_bits(x) as i32 as u32),
        (true, DType::U32) => map(a, to_lanes, n, |x| f32::from_bits(x) as u32),
        (true, DType::U8) => map(a, to_lanes, n, |x| f32::from_bits(x) as u8 as u32),
        (false, DType::Bool) => map(a, to_lanes, n, |x| (x != 0) as u32),
        (false, _) if to.is_float() => match from.is_unsigned() {
            true => map(a, to_lanes, n, |x| (x as f32).to_bits()),
            false => map(a, to_lanes, n, |x| (x as i32 as f32).to_bits()),
        },
        _ => map(a, to_lanes, n, |x| x),
    }
    narrow(to, out, n);
}
}

fn cast_wide(from: DType, to: DType, a: View, out: &mut Reg, n: usize) {
    for i in 0..n {
        let bits = match from {
            DType::F64 => of_float(a.wide::<f64>()[i], to),
            DType::I64 => of_int(a.wide::<i64>()[i], to),
            DType::F16 | DType::BF16 | DType::F32 => of_float(a.f32()[i].into(), to),
            DType::I8 | DType::I32 => of_int(a.i32()[i].into(), to),
            DType::Bool | DType::U8 | DType::U32 => of_int(a.0[i].into(), to),
        };
        match to.size() {
            8 => out.wide_mut()[i] = bits,
            _ => out.0[i] = bits as u32,
        }
    }
    narrow(to, out, n);
}

fn of_float(x: f64, to: DType) -> u64 {
    if to == DType::I64 { x as i64 as u64 } else { bits_of(x, to) }
}

fn of_int(x: i64, to: DType) -> u64 {
    match to {
        DType::Bool => (x != 0).into(),
        DType::F16 | DType::BF16 | DType::F32 => (x as f32).to_bits().into(),
        DType::F64 => (x as f64).to_bits(),
        DType::I8 | DType::U8 | DType::I32 | DType::U32 | DType::I64 => x as u64,
    }
}

/// The same bits in memory, read as another dtype of the same size.
pub fn bitcast(from: DType, to: DType, a: View, out: &mut Reg, n: usize) {
    match (from, to) {
        (DType::F16, DType::BF16) => map(a.f32(), out.f32_mut(), n, |x| half::from_bf16(half::to_f16(x))),
        (DType::BF16, DType::F16) => map(a.f32(), out.f32_mut(), n, |x| half::from_f16(half::to_bf16(x))),
        _ if to.size() == 8 => map(a.wide::<u64>(), out.wide_mut(), n, |x| x),
        _ => map(a.0, &mut out.0, n, |x| x),
    }
    if to.size() == 1 {
        narrow(to, out, n);
    }
}

vectorized! {
/// Accumulates `value` lane by lane; accumulators have at least 32 bits.
pub fn combine(op: Reduce, dtype: DType, acc: &mut Reg, value: View, n: usize) {
    #[inline(always)]
    fn each<T: Copy>(acc: &mut [T], value: &[T], n: usize, f: impl Fn(T, T) -> T) {
        acc[..n].iter_mut().zip(&value[..n]).for_each(|(a, v)| *a = f(*a, *v));
    }
    match (op, dtype) {
        (Reduce::Sum, DType::F32) => each(acc.f32_mut(), value.f32(), n, |a, v| a + v),
        (Reduce::Prod, DType::F32) => each(acc.f32_mut(), value.f32(), n, |a, v| a * v),
        (Reduce::Max, DType::F32) => each(acc.f32_mut(), value.f32(), n, math::max),
        (_, DType::F64) => each(acc.wide_mut(), value.wide(), n, double_op(operation(op))),
        (_, DType::I64) => each(acc.wide_mut(), value.wide(), n, long_op(operation(op))),
        _ => each(&mut acc.0, value.0, n, |a, v| combine_int(op, dtype, a, v)),
    }
}
}

/// Lanes that hold the results of a row whose lanes are accumulated.
#[cfg(not(target_arch = "wasm32"))]
const RESULTS: usize = 64;

/// How many lanes `combine_block` leaves results in, of `width`.
#[cfg(not(target_arch = "wasm32"))]
pub fn folded(dtype: DType, width: usize) -> usize {
    if dtype.size() == 4 { width.min(RESULTS) } else { width }
}

#[cfg(target_arch = "wasm32")]
pub fn folded(_: DType, width: usize) -> usize {
    width
}

#[cfg(target_arch = "wasm32")]
pub use combine as combine_block;

#[cfg(not(target_arch = "wasm32"))]
vectorized! {
/// Accumulates lanes that are all of one row.
pub fn combine_block(op: Reduce, dtype: DType, acc: &mut Reg, value: View, n: usize) {
    #[inline(always)]
    fn each<T: Copy>(acc: &mut [T], value: &[T], f: impl Fn(T, T) -> T) {
        let mut chunks = value.chunks_exact(RESULTS);
        if let Some(first) = chunks.next() {
            let mut results: [T; RESULTS] = first.try_into().expect("so many");
            for some in &mut chunks {
                (0..RESULTS).for_each(|i| results[i] = f(results[i], some[i]));
            }
            (0..RESULTS).for_each(|i| acc[i] = f(acc[i], results[i]));
        }
        acc.iter_mut().zip(chunks.remainder()).for_each(|(a, v)| *a = f(*a, *v));
    }
    match (op, dtype) {
        (_, DType::F64 | DType::I64) => combine(op, dtype, acc, value, n),
        (Reduce::Sum, DType::F32) => each(acc.f32_mut(), &value.f32()[..n], |a, v| a + v),
        (Reduce::Prod, DType::F32) => each(acc.f32_mut(), &value.f32()[..n], |a, v| a * v),
        (Reduce::Max, DType::F32) => each(acc.f32_mut(), &value.f32()[..n], math::max),
        _ => each(&mut acc.0, &value.0[..n], |a, v| combine_int(op, dtype, a, v)),
    }
}
}

/// What a reduction starts from.
pub fn identity(op: Reduce, dtype: DType) -> u64 {
    match op {
        Reduce::Sum => 0,
        Reduce::Prod => bits_of(1.0, dtype),
        Reduce::Max => bits_of(dtype.min_value(), dtype),
    }
}

/// One lane of a sum, a product or a maximum of at least 32 bits.
#[inline(always)]
pub fn operate(op: Binary, dtype: DType, a: u64, b: u64) -> u64 {
    match dtype {
        DType::F64 => double_op(op)(f64::from_bits(a), f64::from_bits(b)).to_bits(),
        DType::I64 => long_op(op)(a as i64, b as i64) as u64,
        DType::I32 => int_op(op)(a as i32, b as i32).into(),
        DType::F32 => {
            let (a, b) = (f32::from_bits(a as u32), f32::from_bits(b as u32));
            let result = match op {
                Binary::Add => a + b,
                Binary::Mul => a * b,
                _ => math::max(a, b),
            };
            result.to_bits().into()
        }
        _ => uint_op(op)(a as u32, b as u32).into(),
    }
}

fn operation(op: Reduce) -> Binary {
    match op {
        Reduce::Sum => Binary::Add,
        Reduce::Prod => Binary::Mul,
        Reduce::Max => Binary::Max,
    }
}

fn combine_int(op: Reduce, dtype: DType, a: u32, v: u32) -> u32 {
    match (op, dtype) {
        (Reduce::Sum, _) => a.wrapping_add(v),
        (Reduce::Prod, _) => a.wrapping_mul(v),
        (Reduce::Max, DType::I32) => (a as i32).max(v as i32) as u32,
        (Reduce::Max, _) => a.max(v),
    }
}

#[cfg(not(target_arch = "wasm32"))]
vectorized! {
/// Folds each row of `each` lanes.
pub fn fold_rows(op: Reduce, dtype: DType, value: View, each: usize, out: &mut [u32]) {
    #[inline(always)]
    fn rows<T: Copy>(value: &[T], each: usize, out: &mut [T], start: T, f: impl Fn(T, T) -> T) {
        for (out, row) in out.iter_mut().zip(value.chunks_exact(each)) {
            let mut sums = [start; 16];
            let mut chunks = row.chunks_exact(16);
            for some in &mut chunks {
                (0..16).for_each(|i| sums[i] = f(sums[i], some[i]));
            }
            sums.iter_mut().zip(chunks.remainder()).for_each(|(s, v)| *s = f(*s, *v));
            let (mut eight, mut four) = ([start; 8], [start; 4]);
            (0..8).for_each(|i| eight[i] = f(sums[i], sums[8 + i]));
            (0..4).for_each(|i| four[i] = f(eight[i], eight[4 + i]));
            *out = f(f(four[0], four[2]), f(four[1], four[3]));
        }
    }
    let start = identity(op, dtype) as u32;
    if dtype != DType::F32 {
        return rows(value.0, each, out, start, |a, v| combine_int(op, dtype, a, v));
    }
    let (out, start) = (bytemuck::cast_slice_mut(out), f32::from_bits(start));
    match op {
        Reduce::Sum => rows(value.f32(), each, out, start, |a, v| a + v),
        Reduce::Prod => rows(value.f32(), each, out, start, |a, v| a * v),
        Reduce::Max => rows(value.f32(), each, out, start, math::max),
    }
}
}

vectorized! {
/// Folds the first `n` lanes into the first, halving.
pub fn fold(op: Reduce, dtype: DType, acc: &mut Reg, n: usize) {
    #[inline(always)]
    fn halve<T: Copy>(lanes: &mut [T], mut n: usize, f: impl Fn(T, T) -> T) {
        while n > 1 {
            let half = n.div_ceil(2);
            (0..n - half).for_each(|i| lanes[i] = f(lanes[i], lanes[half + i]));
            n = half;
        }
    }
    match (op, dtype) {
        (Reduce::Sum, DType::F32) => halve(acc.f32_mut(), n, |a, v| a + v),
        (Reduce::Prod, DType::F32) => halve(acc.f32_mut(), n, |a, v| a * v),
        (Reduce::Max, DType::F32) => halve(acc.f32_mut(), n, math::max),
        (_, DType::F64) => halve(acc.wide_mut(), n, double_op(operation(op))),
        (_, DType::I64) => halve(acc.wide_mut(), n, long_op(operation(op))),
        _ => halve(&mut acc.0, n, |a, v| combine_int(op, dtype, a, v)),
    }
}
}
