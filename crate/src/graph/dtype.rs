use std::fmt;

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    Bool,
    U8,
    I32,
    U32,
    F32,
}

impl DType {
    pub const ALL: [DType; 5] = [DType::Bool, DType::U8, DType::I32, DType::U32, DType::F32];

    /// Bytes per element in memory; bool takes one.
    pub fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 => 1,
            DType::I32 | DType::U32 | DType::F32 => 4,
        }
    }

    pub fn is_float(self) -> bool {
        match self {
            DType::F32 => true,
            DType::Bool | DType::U8 | DType::I32 | DType::U32 => false,
        }
    }

    pub fn is_int(self) -> bool {
        match self {
            DType::U8 | DType::I32 | DType::U32 => true,
            DType::Bool | DType::F32 => false,
        }
    }

    /// The name NumPy and tinygrad print.
    pub fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::I32 => "int32",
            DType::U32 => "uint32",
            DType::F32 => "float32",
        }
    }

    /// Accepts NumPy's names and the short ones: `float32`, `f32`, `float`, `int`, …
    pub fn parse(name: &str) -> Option<DType> {
        match name {
            "bool" => Some(DType::Bool),
            "uint8" | "u8" => Some(DType::U8),
            "int32" | "i32" | "int" => Some(DType::I32),
            "uint32" | "u32" => Some(DType::U32),
            "float32" | "f32" | "float" => Some(DType::F32),
            _ => None,
        }
    }

    /// The smallest value, what an empty `max` gives.
    pub fn min_value(self) -> f64 {
        match self {
            DType::Bool | DType::U8 | DType::U32 => 0.0,
            DType::I32 => i32::MIN as f64,
            DType::F32 => f64::NEG_INFINITY,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
