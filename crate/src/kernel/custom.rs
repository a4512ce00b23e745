use super::{Arg, Expr, Kernel, Lin, Lowered, Store, Typed};
use crate::graph::{Custom, Node};
use smallvec::smallvec;
use std::{
    fmt,
    hash::{Hash, Hasher},
    rc::Rc,
};

/// The kernel of the node that calls `custom`: it reads the node's sources and stores the node.
pub fn custom(node: &Node, custom: &Rc<Custom>) -> Lowered {
    let mut buffers = node.src.to_vec();
    buffers.push(node.clone());
    let last = node.src.len();
    let arg = |(i, n): (usize, &Node)| Arg { dtype: n.dtype, numel: n.numel(), written: i == last };
    let kernel = Kernel {
        name: custom.source.name.clone(),
        ranges: vec![custom.grid.invocations()],
        outer: smallvec![0],
        inner: smallvec![],
        exprs: vec![Typed { expr: Expr::Const(0), dtype: node.dtype }],
        accs: Vec::new(),
        scan: None,
        stores: vec![Store { arg: last, index: Lin::default(), value: 0, per_element: false }],
        contract: None,
        args: buffers.iter().enumerate().map(arg).collect(),
        custom: Some(Own::new(custom)),
    };
    Lowered { kernel, buffers, apart: None, after: Vec::new() }
}

/// A kernel of the user's, for the thread that made it. Threads that share the work of kernels see it and cannot
/// use it.
pub struct Own {
    custom: Rc<Custom>,
    thread: usize,
}

/// Another number on each thread.
fn here() -> usize {
    thread_local! {
        static PLACE: u8 = const { 0 };
    }
    PLACE.with(|place| std::ptr::from_ref(place) as usize)
}

// SAFETY: what is behind a shared reference is only given to the thread that made it.
unsafe impl Sync for Own {}

impl Own {
    fn new(custom: &Rc<Custom>) -> Own {
        Own { custom: custom.clone(), thread: here() }
    }

    /// Panics on another thread.
    pub fn get(&self) -> &Rc<Custom> {
        assert!(here() == self.thread, "a user's kernel stays on its thread");
        &self.custom
    }
}

impl Clone for Own {
    fn clone(&self) -> Own {
        Own::new(self.get())
    }
}
impl PartialEq for Own {
    fn eq(&self, other: &Own) -> bool {
        self.get() == other.get()
    }
}
impl Eq for Own {}
impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}
impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
