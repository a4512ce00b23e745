//! Takes what `tensor` composes; gives immutable, hash-consed nodes: op, sources, shape, dtype.
//! Never allocates device memory: a node only remembers the [`Storage`] its value was computed into.

mod bytes;
mod dtype;
pub mod half;
mod custom;
#[cfg(feature = "onnx")]
mod host;
mod node;
mod op;
mod print;
mod simplify;
mod verify;

pub use bytes::{read_graph, write_graph};
pub use custom::{Custom, Grid, HostKernel, Source, Verdict};
pub use dtype::DType;
#[cfg(feature = "onnx")]
pub(crate) use host::evaluate;
pub use node::{Leaf, Node, Shape, live_nodes, topo};
pub(crate) use node::{axis_groups, hash_op, walk};
pub use op::{Axes, Backward, Binary, Mark, Op, Pairs, Reduce, Scan, Unary, Window};
pub use print::dump;
pub use verify::verify;

pub(crate) use simplify::fold_constants;

use crate::runtime::Storage;
