//! Optimizers. A step is one plan: every parameter and moment, the loss `backward` started from and whatever was
//! assigned since are computed together, so each update is the epilogue of the kernel that sums its gradient.

mod rule;

pub use rule::{AdamOptions, SgdOptions};

use crate::{
    error::{Error, Result},
    graph::{Leaf, Node, Shape},
    tensor::{Tensor, filled, finish_step},
};
use rule::Rule;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

const RELEASED: &str = "this tensor was computed from weights of two optimizer steps ago; read it before the next step, or compute it again";

/// Changes parameters by their gradients.
pub struct Optimizer {
    params: Vec<Param>,
    rule: Rule,
    lr: Rc<Cell<f64>>,
    /// Asked for before every step that runs: the learning rate and what depends on the number of steps.
    live: Node,
}

struct Param {
    tensor: Tensor,
    moments: Vec<Tensor>,
    /// The weights before the last step: what was computed from them may still be read.
    previous: RefCell<Option<Node>>,
}

impl Optimizer {
    /// Stochastic gradient descent.
    ///
    /// # Errors
    /// `Argument` when there is nothing to train or a number is out of range.
    pub fn sgd(params: &[Tensor], options: SgdOptions) -> Result<Optimizer> {
        Self::new("SGD", params, options.lr, Rule::sgd(options)?)
    }

    /// Adam (Kingma and Ba 2015); weight decay is added to the gradient.
    ///
    /// # Errors
    /// As [`Optimizer::sgd`].
    pub fn adam(params: &[Tensor], options: AdamOptions) -> Result<Optimizer> {
        Self::new("Adam", params, options.lr, Rule::adam("Adam", options, false)?)
    }

    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    ///
    /// # Errors
    /// As [`Optimizer::sgd`].
    pub fn adamw(params: &[Tensor], options: AdamOptions) -> Result<Optimizer> {
        Self::new("AdamW", params, options.lr, Rule::adam("AdamW", options, true)?)
    }

    fn new(name: &str, params: &[Tensor], lr: f64, rule: Rule) -> Result<Optimizer> {
        let mut own: Vec<Param> = Vec::new();
        for tensor in params.iter().filter(|t| t.requires_grad() != Some(false)) {
            if own.iter().any(|p| p.tensor.same(tensor)) {
                continue;
            }
            tensor.set_requires_grad(true)?;
            let zeros = || filled(0.0, &tensor.shape(), tensor.dtype());
            let moments = (0..rule.moments()).map(|_| zeros()).collect::<Result<Vec<_>>>()?;
            own.push(Param { tensor: tensor.clone(), moments, previous: RefCell::new(None) });
        }
        if own.is_empty() {
            return Err(Error::argument(
                name,
                "no tensor that requires a gradient",
                "at least one parameter",
                "pass nn.parameters(model)",
            ));
        }
        let lr = Rc::new(Cell::new(lr));
        let live = live_input(rule, lr.clone());
        Ok(Optimizer { params: own, rule, lr, live })
    }

    pub fn params(&self) -> Vec<Tensor> {
        self.params.iter().map(|p| p.tensor.clone()).collect()
    }

    pub fn lr(&self) -> f64 {
        self.lr.get()
    }

    /// Takes effect at the next step; nothing is compiled again.
    pub fn set_lr(&self, lr: f64) {
        self.lr.set(lr);
    }

    /// Forgets the gradients of all parameters.
    pub fn zero_grad(&self) {
        self.params.iter().for_each(|p| p.tensor.set_grad(None));
    }

    /// Changes every parameter that has a gradient: queues the work and waits for nothing.
    ///
    /// # Errors
    /// `Argument` when no parameter has a gradient; what `realize` reports, and then nothing has changed.
    pub fn step(&self) -> Result<()> {
        let (mut state, mut new, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for param in &self.params {
            let Some(gradient) = param.tensor.grad() else { continue };
            let moments: Vec<Node> = param.moments.iter().map(Tensor::node).collect();
            let (weight, next) =
                self.rule.update(&param.tensor.node(), &gradient.node(), &moments, &self.live);
            state.push(param.tensor.clone());
            new.push(weight);
            changed.push(Some(param));
            for (moment, node) in param.moments.iter().zip(next) {
                state.push(moment.clone());
                new.push(node);
                changed.push(None);
            }
        }
        if new.is_empty() {
            return Err(Error::argument(
                "step",
                "no parameter with a gradient",
                "a backward() before step()",
                "call loss.backward() first, and zero_grad() before it rather than after",
            ));
        }
        let before = finish_step(&state, &new)?;
        for (param, leaf) in changed.into_iter().zip(before) {
            if let Some(param) = param {
                param.previous.replace(Some(leaf)).iter().for_each(release);
            }
        }
        Ok(())
    }
}

/// Gives storage back although stale graphs may still name it, so that forgotten handles cannot keep old weights.
fn release(node: &Node) {
    if let Some(leaf) = node.as_leaf() {
        leaf.released.set(Some(RELEASED));
        leaf.host.borrow_mut().take();
        node.set_storage(None);
    }
}

fn live_input(rule: Rule, lr: Rc<Cell<f64>>) -> Node {
    let step = Cell::new(0u32);
    let shape = Shape::from_slice(&[rule.live(lr.get(), 1).len()]);
    let refresh = move || {
        step.set(step.get().saturating_add(1));
        bytemuck::cast_slice(&rule.live(lr.get(), step.get())).to_vec()
    };
    let leaf = Leaf { refresh: Some(Box::new(refresh)), ..Leaf::default() };
    Node::leaf(leaf, shape, crate::graph::DType::F32)
}
