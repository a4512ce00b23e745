//! The closed set of primitives. Everything else composes these.

use super::{Custom, Leaf, Node};
use crate::error::Result;
use smallvec::SmallVec;
use std::{fmt, rc::Rc};

pub type Axes = SmallVec<[usize; 6]>;
pub type Pairs = SmallVec<[(usize, usize); 6]>;

#[derive(Clone, Debug)]
pub enum Op {
    /// A tensor that exists: host data waiting for its first use, or storage on a device.
    Buffer(Rc<Leaf>),
    /// One value at every position; holds `f64::to_bits`.
    Const(u64),
    /// `0, 1, 2, …` along the only axis.
    Iota,

    Unary(Unary),
    Binary(Binary),
    /// Sources: condition, value if true, value if false.
    Where,
    Cast,
    Bitcast,

    /// Reduced axes stay, with size 1.
    Reduce(Reduce, Axes),
    /// A recurrence along an axis of at least two elements; sources of `Linear`: a, b; of `Max`: b.
    Scan(Scan, usize),

    Reshape,
    Permute(Axes),
    Expand,
    /// Zeros before and after each axis.
    Pad(Pairs),
    /// Keeps `[start, end)` of each axis.
    Shrink(Pairs),
    Flip(Axes),
    /// Sliding windows: `out[…, o, …, k] = in[…, o·stride + k·dilation, …]`, `k` a new last axis.
    Window(Window),
    /// The adjoint's view of `Window`: `out[…, i, …, k] = in[…, (i − k·dilation)/stride, …, k]`, zero where
    /// that is not a position; summing over the last axis `k` gives fold (col2im). `size` is the length of `i`.
    Unwindow(Window),

    /// Sources: values, integer indices of shape `[…]`; picks along axis 0, out of range gives 0.
    Gather,

    /// A kernel of the user's over buffers of its own; its gradient is a `Mark`'s.
    Custom(Rc<Custom>),
    /// Forces its source to be computed into a buffer of its own.
    Contiguous,
    /// Sources: a value, what it was computed from. The value, with a say in its gradient; gone before fusion.
    Mark(Mark),
    /// Sources: a value, a node of any shape. The value, for kernels that run after the node's.
    After,
}

/// What a gradient does at a `Mark`.
#[derive(Clone)]
pub enum Mark {
    /// Everything between the inputs and the value is computed again, after the gradient has come so far.
    Checkpoint,
    /// The gradients of the inputs, given the mark and its gradient.
    Custom(Rc<Backward>),
}

pub type Backward = dyn Fn(&Node, &Node) -> Result<Vec<Option<Node>>>;

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mark::Checkpoint => "Checkpoint",
            Mark::Custom(_) => "Custom",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    Neg,
    Recip,
    Sqrt,
    Exp2,
    Log2,
    Sin,
    Trunc,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    /// True division, floats only.
    Div,
    /// Integer division, rounded toward zero; by zero gives 0.
    IDiv,
    /// Remainder with the sign of the dividend, as C; by zero gives 0.
    Mod,
    Max,
    Lt,
    Eq,
    And,
    Or,
    Xor,
    Shl,
    Shr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduce {
    Sum,
    Max,
    Prod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// `h[t] = a[t] · h[t − 1] + b[t]`, with 0 before the first.
    Linear,
    /// `h[t] = max(h[t − 1], b[t])`.
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub axis: usize,
    /// `Window`: elements per window. `Unwindow`: length of the axis it restores.
    pub size: usize,
    pub stride: usize,
    pub dilation: usize,
}

impl Op {
    pub fn is_movement(&self) -> bool {
        matches!(
            self,
            Op::Reshape
                | Op::Permute(_)
                | Op::Expand
                | Op::Pad(_)
                | Op::Shrink(_)
                | Op::Flip(_)
                | Op::Window(_)
                | Op::Unwindow(_)
        )
    }
}
