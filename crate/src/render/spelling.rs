use crate::graph::{Binary, DType, Unary};
use std::fmt::Display;

/// How a C-like language writes what the printer composes. Arguments that are text are expressions without
/// side effects, already parenthesised where they are not a name, literal or call.
pub struct Spelling {
    /// Type of a value in registers.
    pub ty: fn(DType) -> &'static str,
    pub constant: fn(f64, DType) -> String,
    /// `name`, type, value.
    pub constant_name: fn(&str, DType, &str) -> String,
    pub variable: fn(&str, DType, &str) -> String,
    /// Begin definitions of what stays and of what changes, its type being its value's.
    pub fixed: &'static str,
    pub changing: &'static str,
    /// An int32 loop: variable, start, end, step.
    pub for_loop: fn(&str, &dyn Display, &dyn Display, usize) -> String,
    pub unary: fn(Unary, DType, &str) -> String,
    /// Operation, dtype of the operands, operands.
    pub binary: fn(Binary, DType, &Operand, &Operand) -> String,
    /// Condition, value if true, value if false.
    pub select: fn(&str, &str, &str) -> String,
    /// Value, from, to.
    pub cast: fn(&str, DType, DType) -> String,
    pub bitcast: fn(&str, DType, DType) -> String,
    /// `0 <= value < size` in one comparison of an int32 expression.
    pub within: fn(&str, i64) -> String,
    /// An element of a buffer as a value, and back: expression, element type of the buffer, dtype.
    pub from_memory: fn(&str, DType, DType) -> String,
    pub to_memory: fn(&str, DType, DType) -> String,
    /// How buffers of 4-byte words hold smaller elements; none where each argument is a pointer of its own type.
    pub words: Option<Words>,
    /// Declares one buffer binding, or the pointer of one argument: number, element type, written.
    pub buffer: fn(usize, DType, bool) -> String,
    /// Waits until all invocations of the workgroup are here and sees what they wrote to buffers.
    pub barrier: &'static str,
    /// Whether the device's own float16 is used.
    pub halves: bool,
    /// The definitions of the helper functions that `source` calls.
    pub helpers: fn(&str) -> String,
    /// The buffers, the parts and the entry point that calls them.
    pub main: &'static str,
    pub map: &'static str,
    pub reduce: &'static str,
    /// A function that joins the lanes' partial results; one per operation and dtype used.
    pub join: &'static str,
    /// The same by neighbours that hand values around (`Target::lanes`), where `join` does not do so itself.
    pub join_lanes: Option<&'static str>,
    pub contract: &'static str,
    /// Type of an element in memory, where each argument is a pointer of its own type.
    pub stored: fn(DType) -> &'static str,
    /// For contractions through memory that is filled while it is read, where the language reaches it.
    pub tiles: Option<Tiles>,
    /// For GPUs imitated on a CPU, where the language reaches any.
    pub direct: Option<Direct>,
}

#[derive(Clone, Copy)]
pub struct Tiles {
    /// Whether 32-bit floats may be multiplied with the 10 bits of TF32.
    pub tf32: bool,
}

pub struct Words {
    /// The element of one or two bytes number `at` of those in a word and its neighbours: word, int32 position, dtype.
    pub from_part: fn(&str, &str, DType) -> String,
    /// A value moved to where element `at` lies in its word.
    pub to_part: fn(&str, &str, DType) -> String,
}

pub struct Direct {
    pub skeleton: &'static str,
    /// The value that a lane of the team holds: name, lane.
    pub broadcast: fn(&str, usize) -> String,
}

/// Rows and columns of the matrices that a device multiplies, summed in float32.
#[derive(Clone, Copy)]
pub struct Matrices {
    /// With factors of float16 and of float32; 0 for none.
    pub halves: usize,
    pub floats: usize,
    pub spelling: &'static MatrixSpelling,
}

/// How the operations of a subgroup are written. Factors lie in workgroup memory, `stride` elements from term to term.
pub struct MatrixSpelling {
    /// Declarations the others use.
    pub helpers: fn(&Shape) -> String,
    /// Zeros to sum into.
    pub zero: fn(&Shape) -> String,
    /// A matrix of the first (`A`) or second (`B`) factor: role, where it starts in its tile.
    pub load: fn(&Shape, char, &str) -> String,
    /// Two factors and what their product is added to.
    pub multiply: fn(&Shape, &str, &str, &str) -> String,
    /// Writes a sum row by row: what, where.
    pub store: fn(&Shape, &str, &str) -> String,
}

pub struct Shape<'a> {
    pub prefix: &'a str,
    /// Type of a factor's elements.
    pub element: &'static str,
    /// Rows and columns.
    pub size: usize,
    pub stride: usize,
    /// Invocations of a subgroup.
    pub lanes: usize,
}

/// An operand's text and, where it is known, its value.
pub struct Operand {
    pub text: String,
    pub constant: Option<f64>,
}
