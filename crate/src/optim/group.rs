use super::{Rule, rule::kept_in};
use crate::{
    error::{Error, Result},
    graph::{DType, Leaf, Node, Shape},
    tensor::{Tensor, filled},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

const RELEASED: &str = "this tensor was computed from weights of two optimizer steps ago; read it before the next step, or compute it again";

/// Parameters that change by one rule at one rate.
pub(super) struct Group {
    pub params: Vec<Param>,
    pub rule: Rule,
    pub lr: Rc<Cell<f64>>,
    pub steps: Rc<Cell<u32>>,
    /// Asked for before every step that runs: the learning rate and what depends on the number of steps.
    pub live: Node,
}

pub(super) struct Param {
    pub tensor: Tensor,
    pub moments: Vec<Tensor>,
    /// The weights before the last step: what was computed from them may still be read.
    previous: RefCell<Option<Node>>,
}

impl Group {
    pub fn new(name: &str, params: &[Tensor], lr: f64, rule: Rule) -> Result<Group> {
        let mut own: Vec<Param> = Vec::new();
        for tensor in params.iter().filter(|t| t.requires_grad() != Some(false)) {
            if own.iter().any(|p| p.tensor.same(tensor)) {
                continue;
            }
            tensor.set_requires_grad(true)?;
            let zeros = |_: &&str| filled(0.0, &tensor.shape(), kept_in(tensor.dtype()));
            let moments = rule.moments().iter().map(zeros).collect::<Result<Vec<_>>>()?;
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
        let (lr, steps) = (Rc::new(Cell::new(lr)), Rc::new(Cell::new(0)));
        let live = live_input(rule, lr.clone(), steps.clone());
        Ok(Group { params: own, rule, lr, steps, live })
    }
}

impl Param {
    /// Remembers the weights before a step, and gives back those before the last although stale graphs may still
    /// name them: forgotten handles must not keep old weights.
    pub fn keep_previous(&self, node: Node) {
        if let Some(node) = self.previous.replace(Some(node))
            && let Some(leaf) = node.as_leaf()
        {
            leaf.released.set(Some(RELEASED));
            leaf.host.borrow_mut().take();
            node.set_storage(None);
        }
    }
}

fn live_input(rule: Rule, lr: Rc<Cell<f64>>, steps: Rc<Cell<u32>>) -> Node {
    let shape = Shape::from_slice(&[rule.live(lr.get(), 1).len()]);
    let refresh = move || {
        steps.set(steps.get().saturating_add(1));
        bytemuck::cast_slice(&rule.live(lr.get(), steps.get())).to_vec()
    };
    let leaf = Leaf { refresh: Some(Box::new(refresh)), ..Leaf::default() };
    Node::leaf(leaf, shape, DType::F32)
}
