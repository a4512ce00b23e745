//! One error type. Every variant says op, got, expected and the fix.

use std::fmt;

/// What kind of mistake an [`Error`] reports; JavaScript sees one subclass per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Shape,
    DType,
    Device,
    Data,
    Argument,
    /// A kernel of the user's that does not compile.
    Kernel,
}

/// A user-facing error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    pub kind: Kind,
    /// The method the user called, as written in the reference ("matmul").
    pub op: String,
    pub got: String,
    pub expected: String,
    pub fix: String,
    /// Where in a text of the user's.
    pub place: Option<Box<Place>>,
}

/// A line and column, from 1 on, of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub text: String,
    pub line: u32,
    pub column: u32,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: got {}, expected {}", self.op, self.got, self.expected)?;
        if self.fix.is_empty() { Ok(()) } else { write!(f, ". Fix: {}", self.fix) }
    }
}

impl Error {
    pub fn new(
        kind: Kind,
        op: impl Into<String>,
        got: impl Into<String>,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { kind, op: op.into(), got: got.into(), expected: expected.into(), fix: fix.into(), place: None }
    }

    pub fn shape(
        op: &str,
        got: impl Into<String>,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Kind::Shape, op, got, expected, fix)
    }

    pub fn dtype(
        op: &str,
        got: impl Into<String>,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Kind::DType, op, got, expected, fix)
    }

    pub fn device(
        op: &str,
        got: impl Into<String>,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Kind::Device, op, got, expected, fix)
    }

    pub fn data(
        op: &str,
        got: impl Into<String>,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Kind::Data, op, got, expected, fix)
    }

    pub fn argument(
        op: &str,
        got: impl Into<String>,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Kind::Argument, op, got, expected, fix)
    }
}
