//! New tensors: from data, filled, ranges.

use super::{Operand, Tensor, build, operand, shape};
use crate::{
    error::{Error, Result},
    graph::{DType, Leaf, Node, half},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A Rust type that is a dtype's element.
pub trait Element: Copy + 'static {
    const DTYPE: DType;
    fn to_bytes(values: &[Self]) -> Rc<[u8]>;
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! element {
    ($($t:ty => $dtype:ident),*) => {$(
        impl Element for $t {
            const DTYPE: DType = DType::$dtype;
            fn to_bytes(values: &[Self]) -> Rc<[u8]> {
                bytemuck::cast_slice(values).into()
            }
            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                bytes.chunks_exact(size_of::<$t>()).map(bytemuck::pod_read_unaligned).collect()
            }
        }
    )*};
}
element!(f64 => F64, f32 => F32, i64 => I64, i32 => I32, u32 => U32, i8 => I8, u8 => U8);

/// The bits of a float16 or bfloat16 element.
macro_rules! half {
    ($name:ident, $dtype:ident, $to:path, $from:path, $what:literal) => {
        #[doc = $what]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub u16);

        impl From<f32> for $name {
            fn from(x: f32) -> Self {
                $name($to(x))
            }
        }
        impl From<$name> for f32 {
            fn from(x: $name) -> Self {
                $from(x.0)
            }
        }
        impl Element for $name {
            const DTYPE: DType = DType::$dtype;
            fn to_bytes(values: &[Self]) -> Rc<[u8]> {
                values.iter().flat_map(|v| v.0.to_le_bytes()).collect()
            }
            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                bytes.chunks_exact(2).map(|b| $name(u16::from_le_bytes([b[0], b[1]]))).collect()
            }
        }
    };
}
half!(F16, F16, half::to_f16, half::from_f16, "A float16 by its bits; made from and turned into `f32`.");
half!(BF16, BF16, half::to_bf16, half::from_bf16, "A bfloat16 by its bits; made from and turned into `f32`.");

impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn to_bytes(values: &[Self]) -> Rc<[u8]> {
        values.iter().map(|v| u8::from(*v)).collect()
    }
    fn from_bytes(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|b| *b != 0).collect()
    }
}

/// A leaf that holds `value` everywhere.
pub(super) fn filled_leaf(value: f64, dims: &[usize], dtype: DType, requires_grad: bool) -> Result<Node> {
    let n = shape::checked("full", dims)?.iter().product();
    let host = dtype.bytes_of(value)[..dtype.size()].repeat(n).into();
    let leaf =
        Leaf { requires_grad: Cell::new(requires_grad), host: RefCell::new(Some(host)), ..Leaf::default() };
    Ok(Node::leaf(leaf, dims.into(), dtype))
}

/// A leaf tensor that holds `value` everywhere: state that a plan reads rather than a constant folded into it.
pub(crate) fn filled(value: f64, dims: &[usize], dtype: DType) -> Result<Tensor> {
    Ok(Tensor::from_node(filled_leaf(value, dims, dtype, false)?))
}

impl Tensor {
    /// `values` in row-major order, in that shape. Errors when their number differs from the shape's.
    pub fn from_slice<T: Element>(values: &[T], shape: &[usize]) -> Result<Tensor> {
        Self::from_bytes(T::to_bytes(values), shape, T::DTYPE)
    }

    /// Little-endian elements in row-major order; bool takes one byte each.
    pub fn from_bytes(bytes: impl Into<Rc<[u8]>>, shape: &[usize], dtype: DType) -> Result<Tensor> {
        let bytes: Rc<[u8]> = bytes.into();
        let checked = shape::checked("tensor", shape)?;
        let n: usize = checked.iter().product();
        if n.checked_mul(dtype.size()) != Some(bytes.len()) {
            return Err(Error::shape(
                "tensor",
                format!("{} elements for shape {shape:?}", bytes.len() / dtype.size()),
                format!("{n} elements"),
                "give as many values as the shape's sizes multiply to",
            ));
        }
        let leaf = Leaf { host: RefCell::new(Some(bytes)), ..Leaf::default() };
        Ok(Tensor::from_node(Node::leaf(leaf, checked, dtype)))
    }

    /// A float32, int32 or bool scalar.
    pub fn scalar(value: impl Into<Operand>) -> Result<Tensor> {
        Ok(match value.into() {
            Operand::Tensor(t) => t,
            Operand::Bool(v) => Tensor::from_slice(&[v], &[])?,
            Operand::Int(v) => Tensor::from_slice(&[v as i32], &[])?,
            Operand::Float(v) => Tensor::from_slice(&[v as f32], &[])?,
        })
    }

    /// `value` at every position. Takes no memory before it is computed.
    pub fn full(shape: &[usize], value: f64, dtype: DType) -> Result<Tensor> {
        let shape = shape::checked("full", shape)?;
        Ok(Tensor::from_node(operand::constant(value, &shape, dtype)))
    }

    /// Float32 zeros.
    pub fn zeros(shape: &[usize]) -> Result<Tensor> {
        Self::full(shape, 0.0, DType::F32)
    }

    /// Float32 ones.
    pub fn ones(shape: &[usize]) -> Result<Tensor> {
        Self::full(shape, 1.0, DType::F32)
    }

    /// `value` in the shape and dtype of this tensor.
    pub fn full_like(&self, value: f64) -> Result<Tensor> {
        Self::full(&self.shape(), value, self.dtype())
    }

    pub fn zeros_like(&self) -> Result<Tensor> {
        self.full_like(0.0)
    }

    pub fn ones_like(&self) -> Result<Tensor> {
        self.full_like(1.0)
    }

    /// `start, start + step, …` before `stop`, as `numpy.arange`.
    pub fn arange(start: f64, stop: f64, step: f64, dtype: DType) -> Result<Tensor> {
        let count = ((stop - start) / step).ceil().max(0.0);
        if !count.is_finite() || count > i32::MAX as f64 {
            return Err(Error::argument(
                "arange",
                format!("start {start}, stop {stop}, step {step}"),
                "finite numbers, a step other than 0 and at most 2^31 elements",
                "choose another step",
            ));
        }
        let work = if dtype == DType::Bool { DType::I32 } else { dtype };
        let line = build::cast(&Node::iota(count as usize), work);
        let scaled = build::mul(&line, &operand::constant(step, &line.shape, work));
        let moved = build::add(&scaled, &operand::constant(start, &line.shape, work));
        Ok(Tensor::from_node(build::cast(&moved, dtype)))
    }

    /// `steps` float32 values from `start` to `stop`, both included.
    pub fn linspace(start: f64, stop: f64, steps: usize) -> Result<Tensor> {
        let shape = shape::checked("linspace", &[steps])?;
        let step = if steps > 1 { (stop - start) / (steps - 1) as f64 } else { 0.0 };
        let line = build::cast(&Node::iota(shape[0]), DType::F32);
        Ok(Tensor::from_node(build::offset(&build::scale(&line, step), start)))
    }

    /// The float32 identity matrix.
    pub fn eye(n: usize) -> Result<Tensor> {
        Self::identity(n, n, DType::F32)
    }

    /// Ones on the diagonal of an `[n, m]` matrix, zeros elsewhere.
    pub fn identity(n: usize, m: usize, dtype: DType) -> Result<Tensor> {
        let shape = shape::checked("eye", &[n, m])?;
        let rows = build::iota_along(&shape, 0, DType::I32);
        let columns = build::iota_along(&shape, 1, DType::I32);
        Ok(Tensor::from_node(build::cast(&build::eq(&rows, &columns), dtype)))
    }
}
