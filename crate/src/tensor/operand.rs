//! What may stand on the right of an operator, and the dtype two operands meet in.

use super::{Tensor, build, shape};
use crate::{
    error::Result,
    graph::{DType, Node, Shape},
};

/// A tensor or a plain number. Numbers take the tensor's dtype where it can hold them: an integer stays in any
/// numeric dtype, a float in any float; a float makes integers float32.
#[derive(Clone, Debug)]
pub enum Operand {
    Tensor(Tensor),
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl From<&Tensor> for Operand {
    fn from(t: &Tensor) -> Self {
        Operand::Tensor(t.clone())
    }
}
impl From<Tensor> for Operand {
    fn from(t: Tensor) -> Self {
        Operand::Tensor(t)
    }
}
impl From<bool> for Operand {
    fn from(v: bool) -> Self {
        Operand::Bool(v)
    }
}
impl From<i32> for Operand {
    fn from(v: i32) -> Self {
        Operand::Int(v.into())
    }
}
impl From<u32> for Operand {
    fn from(v: u32) -> Self {
        Operand::Int(v.into())
    }
}
impl From<i64> for Operand {
    fn from(v: i64) -> Self {
        Operand::Int(v)
    }
}
impl From<f32> for Operand {
    fn from(v: f32) -> Self {
        Operand::Float(v.into())
    }
}
impl From<f64> for Operand {
    fn from(v: f64) -> Self {
        Operand::Float(v)
    }
}

impl Operand {
    /// The dtype this operand and one of dtype `other` meet in.
    fn meets(&self, other: DType) -> DType {
        match self {
            Operand::Tensor(t) => t.dtype().promote(other),
            Operand::Bool(_) => other,
            Operand::Int(_) if other == DType::Bool => DType::I32,
            Operand::Int(_) => other,
            Operand::Float(_) => other.float(),
        }
    }

    /// What stands on the left and on the right of an operator, the two swapped where `reverse` says so.
    pub fn sides(x: &Tensor, other: Operand, reverse: bool) -> (Tensor, Operand) {
        if !reverse {
            return (x.clone(), other);
        }
        let left = other.node(&other.shape(), other.meets(x.dtype()));
        (Tensor::from_node(left), x.into())
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Operand::Tensor(t) => t.shape(),
            Operand::Bool(_) | Operand::Int(_) | Operand::Float(_) => Shape::new(),
        }
    }

    /// This operand as a node of that shape and dtype, which it has been checked to fit.
    pub(super) fn node(&self, shape: &[usize], dtype: DType) -> Node {
        match self {
            Operand::Tensor(t) => shape::broadcast_node(&build::cast(&t.node(), dtype), shape),
            Operand::Bool(v) => constant(u8::from(*v).into(), shape, dtype),
            Operand::Int(v) => integer(*v, shape, dtype),
            Operand::Float(v) => constant(*v, shape, dtype),
        }
    }
}

/// `value` as the dtype holds it.
pub(super) fn constant(value: f64, shape: &[usize], dtype: DType) -> Node {
    Node::constant(dtype.hold(value), Shape::from_slice(shape), dtype)
}

/// A constant is a float64: an int64 beyond its 53 bits is the sum of two.
fn integer(value: i64, shape: &[usize], dtype: DType) -> Node {
    let low = value & 0xffff_ffff;
    if dtype != DType::I64 || value.unsigned_abs() <= 1 << 53 {
        return constant(value as f64, shape, dtype);
    }
    build::add(&constant((value - low) as f64, shape, dtype), &constant(low as f64, shape, dtype))
}

/// Both operands at their common shape and dtype.
pub(super) fn pair(op: &str, a: &Tensor, b: &Operand) -> Result<(Node, Node)> {
    let dtype = b.meets(a.dtype());
    let to = shape::broadcast(op, &a.shape(), &b.shape())?;
    let to = shape::checked(op, &to)?;
    Ok((shape::broadcast_node(&build::cast(&a.node(), dtype), &to), b.node(&to, dtype)))
}

/// The dtype that sums of products are computed in, and the one they are cast to at the end: `to`, or that of all
/// factors together, int32 for bools and 8-bit integers.
pub(super) fn product_dtypes(factors: &[&Tensor], to: Option<DType>) -> (DType, DType) {
    let both = factors.iter().map(|x| x.dtype()).reduce(DType::promote).unwrap_or(DType::F32);
    let own = if both.size() == 1 { DType::I32 } else { both };
    let dtype = to.unwrap_or(own);
    (own.promote(dtype).accumulator(), dtype)
}

/// Two factors of products to be summed, in the dtypes of [`product_dtypes`].
pub(super) fn factors(a: &Tensor, b: &Tensor, to: Option<DType>) -> (Node, Node, DType) {
    let (wide, dtype) = product_dtypes(&[a, b], to);
    (build::cast(&a.node(), wide), build::cast(&b.node(), wide), dtype)
}

/// Two operands of `where` at the shape they share with the condition, and their common dtype.
pub(super) fn branches(cond: &Tensor, yes: &Operand, no: &Operand) -> Result<(Node, Node, Node)> {
    let natural = |o: &Operand| match o {
        Operand::Tensor(t) => t.dtype(),
        Operand::Bool(_) => DType::Bool,
        Operand::Int(_) => DType::I32,
        Operand::Float(_) => DType::F32,
    };
    let dtype = match (yes, no) {
        (Operand::Tensor(t), other) => other.meets(t.dtype()),
        (other, Operand::Tensor(t)) => other.meets(t.dtype()),
        (x, y) => natural(x).promote(natural(y)),
    };
    let to = shape::broadcast("where", &yes.shape(), &no.shape())?;
    let to = shape::broadcast("where", &cond.shape(), &to)?;
    let to = shape::checked("where", &to)?;
    let cond = shape::broadcast_node(&build::cast(&cond.node(), DType::Bool), &to);
    Ok((cond, yes.node(&to, dtype), no.node(&to, dtype)))
}
