//! Takes what users call; gives graph nodes. Methods compose primitives; nothing runs before a value is read.
//!
//! A [`Tensor`] is a handle that names a node. Clones are the same handle. Assigning gives the handle another
//! node, so tensors computed from the old one keep its value.
//! Never touches a device, except to ask [`crate::schedule`] for values.

mod attention;
mod activation;
mod autodiff;
pub(crate) mod build;
mod cast;
mod compare;
mod conv;
mod create;
mod custom;
mod einsum;
mod elementwise;
mod gradcheck;
mod handle;
mod index;
mod join;
mod linalg;
mod loss;
mod math;
mod matmul;
mod mode;
mod movement;
mod norm;
mod operand;
mod pool;
mod pad;
mod picks;
mod print;
mod random;
mod read;
mod recurrent;
mod rearrange;
mod reduce;
mod resize;
mod scan;
mod scatter;
mod select;
mod shape;
mod trig;
mod sort;

pub use attention::AttentionOptions;
pub use autodiff::{checkpoint, checkpointed, hvp, jvp, variables, vjp};
pub use conv::Conv2dOptions;
pub use create::{BF16, Element, F16};
pub use custom::{CustomKernel, Host, custom_node};
pub use gradcheck::{GradCheck, Worst, gradcheck};
pub use handle::{finish_capture, live_tensors, realize_all};
pub use index::{Index, Index as Slice};
pub use loss::Reduction;
pub use mode::{no_grad, set_grad_enabled, with_training};
pub use operand::Operand;
pub use pad::Padding;
pub use pool::Pool2dOptions;
pub use print::format;
pub use random::manual_seed;
pub use read::{Data, block_on};
pub use recurrent::{RecurrentCell, RecurrentOptions};
pub use shape::AxisList;

pub(crate) use create::filled;
pub(crate) use handle::{finish_step, with_step};
pub(crate) use random::{glorot_bound, host_uniform};
pub(crate) use read::known_values;

use crate::graph::Node;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// An array of numbers, computed when it is read.
#[derive(Clone)]
pub struct Tensor(Rc<Handle>);

pub(crate) struct Handle {
    node: RefCell<Node>,
    grad: RefCell<Option<Tensor>>,
    requires_grad: Cell<Option<bool>>,
    /// Whether the list of gradient receivers knows this handle.
    listed: Cell<bool>,
}
