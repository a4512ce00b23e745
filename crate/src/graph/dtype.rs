use super::half;
use std::fmt;

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    Bool,
    I8,
    U8,
    I32,
    U32,
    I64,
    F16,
    BF16,
    F32,
    F64,
}

use DType::*;

impl DType {
    pub const ALL: [DType; 10] = [Bool, I8, U8, I32, U32, I64, F16, BF16, F32, F64];

    /// Bytes per element in memory; bool takes one.
    pub fn size(self) -> usize {
        match self {
            Bool | I8 | U8 => 1,
            F16 | BF16 => 2,
            I32 | U32 | F32 => 4,
            I64 | F64 => 8,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(self, F16 | BF16 | F32 | F64)
    }

    pub fn is_int(self) -> bool {
        !self.is_float() && self != Bool
    }

    /// Bool, uint8 and uint32: what has no negative values.
    pub fn is_unsigned(self) -> bool {
        matches!(self, Bool | U8 | U32)
    }

    /// The name NumPy and tinygrad print.
    pub fn name(self) -> &'static str {
        match self {
            Bool => "bool",
            I8 => "int8",
            U8 => "uint8",
            I32 => "int32",
            U32 => "uint32",
            I64 => "int64",
            F16 => "float16",
            BF16 => "bfloat16",
            F32 => "float32",
            F64 => "float64",
        }
    }

    /// Accepts NumPy's names and the short ones: `float32`, `f32`, `float`, `half`, `long`, …
    pub fn parse(name: &str) -> Option<DType> {
        Some(match name {
            "bool" => Bool,
            "int8" | "i8" | "char" => I8,
            "uint8" | "u8" | "uchar" => U8,
            "int32" | "i32" | "int" => I32,
            "uint32" | "u32" | "uint" => U32,
            "int64" | "i64" | "long" => I64,
            "float16" | "f16" | "half" => F16,
            "bfloat16" | "bf16" => BF16,
            "float32" | "f32" | "float" => F32,
            "float64" | "f64" | "double" => F64,
            _ => return None,
        })
    }

    /// The dtype two operands meet in: tinygrad's `least_upper_dtype`, among the dtypes there are.
    pub fn promote(self, other: DType) -> DType {
        let (a, b) = (self.min(other), self.max(other));
        match (a, b) {
            _ if a == b => a,
            (F16, BF16) => F32,
            (I8, U8) => I32,
            (I8 | I32, U32) => I64,
            _ => b,
        }
    }

    /// The float that a float function computes in: ints and bool become float32, floats stay.
    pub fn float(self) -> DType {
        if self.is_float() { self } else { F32 }
    }

    /// What sums, products and extrema of this dtype are kept in while they are computed: at least 32 bits.
    pub fn accumulator(self) -> DType {
        match self {
            Bool | U8 => U32,
            I8 => I32,
            F16 | BF16 => F32,
            I32 | U32 | I64 | F32 | F64 => self,
        }
    }

    /// The smallest value, what an empty `max` gives.
    pub fn min_value(self) -> f64 {
        match self {
            Bool | U8 | U32 => 0.0,
            I8 => i8::MIN.into(),
            I32 => i32::MIN.into(),
            I64 => i64::MIN as f64,
            F16 | BF16 | F32 | F64 => f64::NEG_INFINITY,
        }
    }

    /// The largest value; of int64 the nearest float64, which stands for it.
    pub fn max_value(self) -> f64 {
        match self {
            Bool => 1.0,
            I8 => i8::MAX.into(),
            U8 => u8::MAX.into(),
            I32 => i32::MAX.into(),
            U32 => u32::MAX.into(),
            I64 => i64::MAX as f64,
            F16 | BF16 | F32 | F64 => f64::INFINITY,
        }
    }

    /// `x` as this dtype holds it: floats round to the nearest, ties to even; integers drop the fraction, take
    /// their nearest end out of range and 0 for NaN; to bool, what is not 0 is true.
    pub fn hold(self, x: f64) -> f64 {
        match self {
            Bool => (x != 0.0).into(),
            I8 => (x as i8).into(),
            U8 => (x as u8).into(),
            I32 => (x as i32).into(),
            U32 => (x as u32).into(),
            I64 => x as i64 as f64,
            F16 => half::round_f16(x as f32).into(),
            BF16 => half::round_bf16(x as f32).into(),
            F32 => (x as f32).into(),
            F64 => x,
        }
    }

    /// The little-endian bytes of `hold(x)`, in the first `size()` bytes.
    pub fn bytes_of(self, x: f64) -> [u8; 8] {
        let bits = match self {
            Bool => u64::from(x != 0.0),
            I8 => x as i8 as u64,
            U8 => x as u8 as u64,
            I32 => x as i32 as u64,
            U32 => x as u32 as u64,
            I64 => x as i64 as u64,
            F16 => half::to_f16(x as f32).into(),
            BF16 => half::to_bf16(x as f32).into(),
            F32 => (x as f32).to_bits().into(),
            F64 => x.to_bits(),
        };
        bits.to_le_bytes()
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The upper triangle of tinygrad's table, where both the sources and the result are ours.
    #[test]
    fn dtypes_meet_where_tinygrads_do() {
        let rows: [(DType, &str); 10] = [
            (Bool, "bool int8 uint8 int32 uint32 int64 float16 bfloat16 float32 float64"),
            (I8, "int8 int32 int32 int64 int64 float16 bfloat16 float32 float64"),
            (U8, "uint8 int32 uint32 int64 float16 bfloat16 float32 float64"),
            (I32, "int32 int64 int64 float16 bfloat16 float32 float64"),
            (U32, "uint32 int64 float16 bfloat16 float32 float64"),
            (I64, "int64 float16 bfloat16 float32 float64"),
            (F16, "float16 float32 float32 float64"),
            (BF16, "bfloat16 float32 float64"),
            (F32, "float32 float64"),
            (F64, "float64"),
        ];
        for (i, (a, names)) in rows.iter().enumerate() {
            for (b, name) in DType::ALL[i..].iter().zip(names.split(' ')) {
                assert_eq!((a.promote(*b).name(), b.promote(*a).name()), (name, name), "{a} and {b}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        assert!(DType::ALL.iter().all(|d| DType::parse(d.name()) == Some(*d)));
        assert_eq!(["half", "long", "double"].map(DType::parse), [Some(F16), Some(I64), Some(F64)]);
    }
}
