//! The life of a handle: which node it names, its gradient, assignment, and what computing leaves behind.

use super::{Handle, Tensor, build, mode, random};
use crate::{
    error::{Error, Result},
    grad,
    graph::{DType, Leaf, Node, Op, Shape},
    runtime,
    schedule::{self, capture},
};
use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    /// Handles that may receive a gradient.
    static RECEIVERS: RefCell<Vec<Weak<Handle>>> = const { RefCell::new(Vec::new()) };
    /// Handles assigned a value that is not computed yet (running statistics): the next computation takes them
    /// along, so that their history cannot grow from step to step.
    static PENDING: RefCell<Vec<Weak<Handle>>> = const { RefCell::new(Vec::new()) };
    /// What `backward` started from, and what was computed but keeps its history, since the last optimizer step.
    static ROOTS: RefCell<Vec<Weak<Handle>>> = const { RefCell::new(Vec::new()) };
}

impl capture::State for Handle {
    fn node(&self) -> Node {
        self.node.borrow().clone()
    }

    fn set_node(&self, node: Node) {
        *self.node.borrow_mut() = node;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        LIVE.set(LIVE.get().saturating_sub(1));
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node();
        write!(f, "Tensor({:?}, {}, %{})", node.shape.as_slice(), node.dtype, node.id)
    }
}

/// Number of tensor handles alive on this thread.
pub fn live_tensors() -> usize {
    LIVE.get()
}

fn upgrade(list: &mut Vec<Weak<Handle>>) -> Vec<Tensor> {
    list.retain(|w| w.strong_count() > 0);
    list.iter().filter_map(Weak::upgrade).map(Tensor).collect()
}

impl Tensor {
    /// A handle on `node`; inside [`super::no_grad`] its history is cut.
    pub fn from_node(node: Node) -> Tensor {
        let has_history = node.dtype.is_float() && !node.src.is_empty() && !matches!(node.op, Op::Bitcast);
        let node = if has_history && !mode::history_is_kept() { build::detach(&node) } else { node };
        let is_leaf = node.as_leaf().is_some();
        let tensor = Tensor(Rc::new(Handle {
            node: RefCell::new(node),
            grad: RefCell::new(None),
            requires_grad: Cell::new(None),
            listed: Cell::new(false),
        }));
        LIVE.set(LIVE.get() + 1);
        if is_leaf {
            tensor.list();
        }
        tensor
    }

    /// The graph node this handle names now.
    pub fn node(&self) -> Node {
        self.0.node.borrow().clone()
    }

    pub fn shape(&self) -> Shape {
        self.0.node.borrow().shape.clone()
    }

    pub fn dtype(&self) -> DType {
        self.0.node.borrow().dtype
    }

    pub fn ndim(&self) -> usize {
        self.0.node.borrow().shape.len()
    }

    pub fn numel(&self) -> usize {
        self.0.node.borrow().numel()
    }

    /// Whether both are the same handle.
    pub fn same(&self, other: &Tensor) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The name of the device that holds the value, or that would compute it by the present choice.
    pub fn device(&self) -> Result<&'static str> {
        match self.node().storage() {
            Some(storage) => Ok(storage.device().name()),
            None => Ok(runtime::choose(0)?.name()),
        }
    }

    /// The gradient `backward` left, if any.
    pub fn grad(&self) -> Option<Tensor> {
        self.0.grad.borrow().clone()
    }

    pub fn set_grad(&self, grad: Option<Tensor>) {
        *self.0.grad.borrow_mut() = grad;
    }

    /// `None` when nobody said: such a tensor receives a gradient where no tensor below the loss requires one.
    pub fn requires_grad(&self) -> Option<bool> {
        self.0.requires_grad.get()
    }

    /// Makes this tensor receive gradients (computing it first where it is not a leaf), or not.
    pub fn set_requires_grad(&self, on: bool) -> Result<()> {
        if on && !self.dtype().is_float() {
            return Err(Error::dtype(
                "requires_grad",
                self.dtype().name(),
                "float32",
                "cast it with .float()",
            ));
        }
        self.0.requires_grad.set(Some(on));
        self.list();
        let node = self.node();
        if node.needs_grad == on || (!on && node.as_leaf().is_none()) {
            return Ok(());
        }
        replace(self, fresh_leaf(&node, on)?);
        Ok(())
    }

    /// The same value, cut from its history: no gradient flows through it.
    pub fn detach(&self) -> Tensor {
        let node = self.node();
        let cut = match node.as_leaf() {
            Some(_) => share_leaf(&node, false).unwrap_or_else(|| build::detach(&node)),
            None => build::detach(&node),
        };
        let out = Tensor::from_node(cut);
        out.0.requires_grad.set(Some(false));
        out
    }

    /// Gives this handle the value of `value` (same shape and dtype). Tensors computed before keep the old value.
    /// A tensor that requires a gradient becomes a new leaf, computed at once.
    pub fn assign(&self, value: &Tensor) -> Result<()> {
        let (old, new) = (self.node(), value.node());
        if old.shape != new.shape || old.dtype != new.dtype {
            return Err(Error::shape(
                "assign",
                format!("a value of shape {:?} {}", new.shape.as_slice(), new.dtype),
                format!("{:?} {}", old.shape.as_slice(), old.dtype),
                "reshape or cast the value",
            ));
        }
        let requires_grad = self.requires_grad() == Some(true);
        let new = if requires_grad { fresh_leaf(&new, true)? } else { new };
        capture::note_state(&old, self.0.clone());
        if new.as_leaf().is_none() && new.as_const().is_none() {
            PENDING.with_borrow_mut(|list| list.push(Rc::downgrade(&self.0)));
        }
        replace(self, new);
        Ok(())
    }

    /// Forces this value into a buffer of its own when it is computed.
    pub fn contiguous(&self) -> Tensor {
        Tensor::from_node(build::contiguous(&self.node()))
    }

    /// Computes the value now: queues the work and waits for nothing.
    pub fn realize(&self) -> Result<Tensor> {
        realize_all(std::slice::from_ref(self))?;
        Ok(self.clone())
    }

    /// A copy on another device, read back and written there.
    pub async fn to(&self, device: &str) -> Result<Tensor> {
        let target = runtime::device(device)?;
        let (shape, dtype, requires_grad) = (self.shape(), self.dtype(), self.0.requires_grad.get());
        let bytes = self.data().await?.to_bytes();
        let storage = runtime::Storage::from_bytes(&target, &bytes)?;
        let node = Node::from_storage(storage, shape, dtype, requires_grad == Some(true));
        let out = Tensor::from_node(node);
        out.0.requires_grad.set(requires_grad);
        Ok(out)
    }

    /// Adds the gradient of this scalar to `.grad` of every tensor below it that requires one; where none does,
    /// of every float tensor below it that holds data and does not refuse (`requires_grad == Some(false)`).
    pub fn backward(&self) -> Result<()> {
        self.backward_from(None)
    }

    /// As [`Tensor::backward`], for `Σ gradient·self`: any shape where `gradient` is given.
    pub fn backward_from(&self, gradient: Option<&Tensor>) -> Result<()> {
        let root = self.node();
        let seed = grad::seed("backward", &root, gradient)?;
        let history = grad::History::of(&root);
        let mut receivers = RECEIVERS.with_borrow_mut(upgrade);
        receivers.retain(|t| {
            let node = t.node();
            let willing = match t.requires_grad() {
                Some(wants) => wants,
                None => node != root,
            };
            willing && node.dtype.is_float() && history.contains(&node)
        });
        if receivers.iter().any(|t| t.requires_grad() == Some(true)) {
            receivers.retain(|t| t.requires_grad() == Some(true));
        }
        if receivers.is_empty() {
            return Err(Error::argument(
                "backward",
                "a loss that no tensor requires a gradient for",
                "a loss computed from at least one tensor that requires a gradient",
                "create it with requires_grad, and check that no detach() or no_grad lies between",
            ));
        }
        let targets: Vec<Node> = receivers.iter().map(Tensor::node).collect();
        for (tensor, gradient) in receivers.iter().zip(history.gradients(&root, seed, &targets)?) {
            let gradient = gradient.unwrap_or_else(|| build::like(&tensor.node(), 0.0));
            let old = tensor.grad();
            match old {
                Some(sum) => {
                    let total = build::add(&sum.node(), &gradient);
                    replace(&sum, total);
                }
                None => tensor.set_grad(Some(Tensor::from_node(gradient))),
            }
        }
        with_step(self);
        Ok(())
    }

    fn list(&self) {
        if !self.0.listed.replace(true) {
            RECEIVERS.with_borrow_mut(|list| {
                if list.len() == list.capacity() {
                    list.retain(|w| w.strong_count() > 0);
                }
                list.push(Rc::downgrade(&self.0));
            });
        }
    }
}

/// Ends what [`capture::begin`] started. Tensors that the step reads but does not change are read anew in each replay.
pub fn finish_capture(args: &[Node], results: &[Node]) -> capture::Capture {
    let handles = RECEIVERS.with_borrow_mut(upgrade);
    let follow = |node: &Node| {
        let named = || handles.iter().filter(|t| *t.0.node.borrow() == *node);
        let weight = named().find(|t| t.requires_grad() == Some(true));
        Some(weight.or_else(|| named().next())?.0.clone() as Rc<dyn capture::State>)
    };
    capture::finish(args, results, &follow)
}

/// The one place where a handle is given another node.
fn replace(tensor: &Tensor, node: Node) {
    if node.as_leaf().is_some() {
        tensor.list();
    }
    *tensor.0.node.borrow_mut() = node;
}

/// A new leaf with the value of `node`, computed first where it has to be.
fn fresh_leaf(node: &Node, requires_grad: bool) -> Result<Node> {
    if let Some(leaf) = share_leaf(node, requires_grad) {
        return Ok(leaf);
    }
    if let Some(value) = node.as_const() {
        return super::create::filled_leaf(value, &node.shape, node.dtype, requires_grad);
    }
    compute(std::slice::from_ref(node))?;
    share_leaf(node, requires_grad)
        .ok_or_else(|| Error::device("realize", "no storage", "a computed value", "choose another device"))
}

/// Another leaf over the storage or host bytes `node` already has.
fn share_leaf(node: &Node, requires_grad: bool) -> Option<Node> {
    if let Some(storage) = node.storage() {
        return Some(Node::from_storage(storage, node.shape.clone(), node.dtype, requires_grad));
    }
    let leaf = node.as_leaf().filter(|leaf| leaf.refresh.is_none())?;
    let host = leaf.host.borrow().clone()?;
    let copy =
        Leaf { requires_grad: Cell::new(requires_grad), host: RefCell::new(Some(host)), ..Leaf::default() };
    Some(Node::leaf(copy, node.shape.clone(), node.dtype))
}

fn compute(nodes: &[Node]) -> Result<()> {
    schedule::realize(nodes)?;
    random::end_epoch();
    Ok(())
}

/// A computed handle names its value alone, so the nodes it came from are freed: at once where no gradient can
/// flow through them, else at the end of the optimizer step.
fn settle(tensor: &Tensor) {
    if tensor.node().needs_grad {
        with_step(tensor);
    } else {
        forget_history(tensor);
    }
}

fn forget_history(tensor: &Tensor) {
    let node = tensor.node();
    if node.as_leaf().is_none()
        && let Some(leaf) = share_leaf(&node, tensor.requires_grad() == Some(true))
    {
        replace(tensor, leaf);
    }
}

/// Computes several tensors in one plan, and every assigned value that waits with them.
pub fn realize_all(tensors: &[Tensor]) -> Result<()> {
    let mut all: Vec<Tensor> = tensors.to_vec();
    all.extend(PENDING.with_borrow_mut(upgrade));
    all.retain(|t| {
        let node = t.node();
        node.as_leaf().is_none() && !node.is_realized() && node.numel() > 0
    });
    if !all.is_empty() {
        let nodes: Vec<Node> = all.iter().map(Tensor::node).collect();
        compute(&nodes)?;
    }
    PENDING.with_borrow_mut(Vec::clear);
    all.iter().chain(tensors).for_each(settle);
    Ok(())
}

/// Has a value computed with the next optimizer step where somebody still holds it.
pub(crate) fn with_step(tensor: &Tensor) {
    ROOTS.with_borrow_mut(|roots| roots.push(Rc::downgrade(&tensor.0)));
}

/// The end of an optimizer step: computes the new `state`, every loss `backward` started from and every assigned
/// value in one plan; then each state handle names its value alone. Returns the leaves named before.
pub(crate) fn finish_step(state: &[Tensor], new: &[Node]) -> Result<Vec<Node>> {
    let roots = ROOTS.with_borrow_mut(upgrade);
    let others: Vec<Tensor> = PENDING.with_borrow_mut(upgrade).into_iter().chain(roots).collect();
    let mut nodes = new.to_vec();
    nodes.extend(others.iter().map(Tensor::node).filter(|n| n.as_leaf().is_none() && !n.is_realized()));
    compute(&nodes)?;
    PENDING.with_borrow_mut(Vec::clear);
    ROOTS.with_borrow_mut(Vec::clear);
    let mut before = Vec::with_capacity(state.len());
    for (tensor, node) in state.iter().zip(new) {
        before.push(tensor.node());
        capture::note_state(&tensor.node(), tensor.0.clone());
        let requires_grad = tensor.requires_grad() == Some(true);
        replace(tensor, share_leaf(node, requires_grad).unwrap_or_else(|| node.clone()));
    }
    others.iter().for_each(forget_history);
    Ok(before)
}
