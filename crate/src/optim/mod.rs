//! Optimizers, schedules of their learning rate, and limits for gradients. A step is one plan: every parameter and
//! moment, the loss `backward` started from and whatever was assigned since are computed together, so each update is
//! the epilogue of the kernel that sums its gradient.

mod clip;
mod group;
mod options;
#[cfg(not(target_family = "wasm"))]
mod parallel;
mod plateau;
mod rule;
mod schedule;
mod settings;
mod state;

pub use clip::{clip_grad_norm, clip_grad_value};
pub use options::{AdamOptions, LambOptions, LarsOptions, MuonOptions, SgdOptions};
pub use plateau::{Plateau, PlateauOptions};
pub use schedule::{OneCycle, Policy, Schedule};
pub use settings::Settings;

use crate::{
    error::{Error, Result},
    graph::Node,
    tensor::{Tensor, finish_step},
};
use group::{Group, Param};
use rule::Rule;
use std::rc::Rc;

/// Changes parameters by their gradients. Groups of parameters may follow rules and rates of their own.
pub struct Optimizer {
    groups: Vec<Rc<Group>>,
    /// Those that train the same parameters.
    #[cfg(not(target_family = "wasm"))]
    processes: Option<Rc<crate::runtime::ProcessGroup>>,
}

impl Optimizer {
    /// Stochastic gradient descent.
    ///
    /// # Errors
    /// `Argument` when there is nothing to train or a number is out of range.
    pub fn sgd(params: &[Tensor], options: SgdOptions) -> Result<Optimizer> {
        Self::new("SGD", params, options.lr, Rule::sgd(options)?)
    }

    /// Layer-wise adaptive rate scaling (You et al. 2017): SGD whose rate follows the ratio of the norms of weight
    /// and gradient.
    ///
    /// # Errors
    /// As [`Optimizer::sgd`].
    pub fn lars(params: &[Tensor], options: LarsOptions) -> Result<Optimizer> {
        Self::new("LARS", params, options.lr, Rule::lars("LARS", options)?)
    }

    /// Momentum whose change is made orthogonal (Jordan et al. 2024), with decoupled weight decay. For weights of two
    /// axes; those of more are taken as `[first, rest]`.
    ///
    /// # Errors
    /// As [`Optimizer::sgd`].
    pub fn muon(params: &[Tensor], options: MuonOptions) -> Result<Optimizer> {
        Self::new("Muon", params, options.lr, Rule::muon(options)?)
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

    /// Adam's step scaled by the ratio of its norm and the weight's (You et al. 2020).
    ///
    /// # Errors
    /// As [`Optimizer::sgd`].
    pub fn lamb(params: &[Tensor], options: LambOptions) -> Result<Optimizer> {
        Self::new("LAMB", params, options.lr, Rule::lamb(options)?)
    }

    fn new(name: &str, params: &[Tensor], lr: f64, rule: Rule) -> Result<Optimizer> {
        Ok(Self::of(vec![Rc::new(Group::new(name, params, lr, rule)?)]))
    }

    fn of(groups: Vec<Rc<Group>>) -> Optimizer {
        Optimizer {
            groups,
            #[cfg(not(target_family = "wasm"))]
            processes: None,
        }
    }

    /// One optimizer of several: a step of it changes the parameters of all, in one plan. They stay usable, and a rate
    /// set on one of them counts here too.
    ///
    /// # Errors
    /// `Argument` when there is none, or when two of them hold the same parameter.
    pub fn group(optimizers: &[&Optimizer]) -> Result<Optimizer> {
        let groups: Vec<Rc<Group>> = optimizers.iter().flat_map(|o| o.groups.iter().cloned()).collect();
        let all = Self::of(groups);
        let params = all.params();
        let twice = (1..params.len()).find(|i| params[..*i].iter().any(|p| p.same(&params[*i])));
        match twice {
            None if params.is_empty() => {
                Err(Error::argument("OptimizerGroup", "no optimizers", "at least one", "pass optimizers"))
            }
            None => Ok(all),
            Some(i) => Err(Error::argument(
                "OptimizerGroup",
                format!("a parameter of shape {:?} in two groups", params[i].shape().as_slice()),
                "each parameter in one group",
                "list it once",
            )),
        }
    }

    /// The parameters of all groups, in order.
    pub fn params(&self) -> Vec<Tensor> {
        self.groups.iter().flat_map(|g| g.params.iter().map(|p| p.tensor.clone())).collect()
    }

    /// The first group's learning rate.
    pub fn lr(&self) -> f64 {
        self.groups[0].lr.get()
    }

    /// Sets every group's learning rate. Takes effect at the next step; nothing is compiled again.
    pub fn set_lr(&self, lr: f64) {
        self.groups.iter().for_each(|g| g.lr.set(lr));
    }

    /// Forgets the gradients of all parameters.
    pub fn zero_grad(&self) {
        self.params().iter().for_each(|p| p.set_grad(None));
    }

    /// Changes every parameter that has a gradient: queues the work and waits for nothing.
    ///
    /// # Errors
    /// `Argument` when no parameter has a gradient; what `realize` reports, and then nothing has changed.
    pub fn step(&self) -> Result<()> {
        let params = || self.groups.iter().flat_map(|g| g.params.iter().map(move |p| (g, p)));
        let due: Vec<(&Rc<Group>, &Param)> = params().filter(|(_, p)| p.tensor.grad().is_some()).collect();
        let gradients: Vec<Node> = due.iter().filter_map(|(_, p)| Some(p.tensor.grad()?.node())).collect();
        #[cfg(not(target_family = "wasm"))]
        let gradients = match &self.processes {
            Some(processes) => parallel::mean(processes, &gradients)?,
            None => gradients,
        };
        let (mut state, mut new, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for ((group, param), gradient) in due.into_iter().zip(&gradients) {
            let moments: Vec<Node> = param.moments.iter().map(Tensor::node).collect();
            let (weight, next) = group.rule.update(&param.tensor.node(), gradient, &moments, &group.live)?;
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
                param.keep_previous(leaf);
            }
        }
        Ok(())
    }
}
