use super::Optimizer;
use crate::{
    error::{Error, Result},
    graph::{DType, Node, Shape},
    schedule::capture::{self, State},
};
use std::{
    cell::{Cell, RefCell},
    f64::consts::PI,
    rc::Rc,
};

/// How the learning rate follows the number of steps; names, defaults and formulas are PyTorch's
/// (`torch.optim.lr_scheduler`).
#[derive(Clone, Debug, PartialEq)]
pub enum Policy {
    /// Times `gamma` every `step_size` steps.
    Step {
        step_size: usize,
        gamma: f64,
    },
    /// Times `gamma` at each milestone.
    MultiStep {
        milestones: Vec<f64>,
        gamma: f64,
    },
    /// Times `gamma` every step.
    Exponential {
        gamma: f64,
    },
    /// The factor moves from one to the other in `total_iters` steps and is 1 (`ConstantLR`) or `end_factor` then.
    Linear {
        start_factor: f64,
        end_factor: f64,
        total_iters: usize,
    },
    /// `(1 − t/total_iters)^power`.
    Polynomial {
        total_iters: usize,
        power: f64,
    },
    /// Half a cosine down to `eta_min` in `t_max` steps (and up again after), after `warmup` steps that rise
    /// linearly from `1/(warmup + 1)` of the rate.
    Cosine {
        t_max: usize,
        eta_min: f64,
        warmup: usize,
    },
    /// A cosine down to `eta_min` that starts over after `t_0` steps, then after `t_mult` times as many.
    Restarts {
        t_0: usize,
        t_mult: usize,
        eta_min: f64,
    },
    OneCycle(OneCycle),
}

/// Up to `max_lr`, then far below where it began (Smith and Topin 2017). The momentum stays as it is
/// (`cycle_momentum=False`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    pub max_lr: f64,
    pub total_steps: usize,
    /// The part of the steps that goes up.
    pub pct_start: f64,
    /// Straight lines rather than cosines.
    pub linear: bool,
    pub div_factor: f64,
    pub final_div_factor: f64,
    pub three_phase: bool,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self {
            max_lr: 0.01,
            total_steps: 1000,
            pct_start: 0.3,
            linear: false,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

/// From `start` to `end` as `along` goes from 0 to 1.
fn cosine(start: f64, end: f64, along: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * along).cos())
}

impl Policy {
    fn check(&self) -> Result<()> {
        let (name, value) = match self {
            Policy::Step { step_size, .. } => ("step_size", *step_size),
            Policy::Linear { total_iters, .. } | Policy::Polynomial { total_iters, .. } => {
                ("total_iters", *total_iters)
            }
            Policy::Cosine { t_max, .. } => ("T_max", *t_max),
            Policy::Restarts { t_0, t_mult, .. } => ("T_0 or T_mult", *t_0.min(t_mult)),
            Policy::OneCycle(o) => ("total_steps", o.total_steps),
            Policy::MultiStep { .. } | Policy::Exponential { .. } => return Ok(()),
        };
        if value > 0 {
            return Ok(());
        }
        Err(Error::argument("schedule", format!("{name} 0"), "a whole number from 1", format!("give {name}")))
    }

    /// The learning rate of step `t` where it would be `base` without a schedule.
    pub fn at(&self, t: usize, base: f64) -> f64 {
        let step = t as f64;
        match self {
            Policy::Step { step_size, gamma } => base * gamma.powi((t / step_size) as i32),
            Policy::MultiStep { milestones, gamma } => {
                base * gamma.powi(milestones.iter().filter(|m| **m <= step).count() as i32)
            }
            Policy::Exponential { gamma } => base * gamma.powf(step),
            Policy::Linear { start_factor, end_factor, total_iters } => {
                let constant = start_factor == end_factor;
                let along = (step / *total_iters as f64).min(1.0);
                let factor = if constant && along >= 1.0 {
                    1.0
                } else {
                    start_factor + (end_factor - start_factor) * along
                };
                base * factor
            }
            Policy::Polynomial { total_iters, power } => {
                base * (1.0 - (step / *total_iters as f64).min(1.0)).powf(*power)
            }
            Policy::Cosine { warmup, .. } if t < *warmup => base * (step + 1.0) / (*warmup as f64 + 1.0),
            Policy::Cosine { t_max, eta_min, warmup } => {
                cosine(base, *eta_min, (t - warmup) as f64 / *t_max as f64)
            }
            Policy::Restarts { t_0, t_mult, eta_min } => {
                let (mut length, mut since) = (*t_0, t);
                if *t_mult == 1 {
                    since %= length;
                }
                while since >= length {
                    since -= length;
                    length = length.saturating_mul(*t_mult);
                }
                cosine(base, *eta_min, since as f64 / length as f64)
            }
            Policy::OneCycle(o) => o.at(step),
        }
    }
}

impl OneCycle {
    fn at(&self, t: f64) -> f64 {
        let (total, low) = (self.total_steps as f64, self.max_lr / self.div_factor);
        let (peak, lowest) = (self.pct_start * total - 1.0, low / self.final_div_factor);
        let between = |start: f64, end: f64, from: f64, to: f64| {
            let along = if to > from { ((t - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 };
            if self.linear { start + (end - start) * along } else { cosine(start, end, along) }
        };
        if t <= peak {
            between(low, self.max_lr, 0.0, peak)
        } else if !self.three_phase {
            between(self.max_lr, lowest, peak, total - 1.0)
        } else if t <= 2.0 * peak {
            between(self.max_lr, low, peak, 2.0 * peak)
        } else {
            between(low, lowest, 2.0 * peak, total - 1.0)
        }
    }
}

/// Sets an optimizer's learning rates, those of each group by its own rate at the start. `step` inside a captured
/// step is taken at every replay.
pub struct Schedule(Rc<Inner>);

struct Inner {
    policy: Policy,
    /// Each group's rate, and what it was at the start.
    rates: RefCell<Vec<(Rc<Cell<f64>>, f64)>>,
    taken: Cell<usize>,
    marker: Node,
}

impl Inner {
    fn set(&self, taken: usize) {
        self.taken.set(taken);
        for (rate, base) in self.rates.borrow().iter() {
            rate.set(self.policy.at(taken, *base));
        }
    }
}

impl State for Inner {
    fn node(&self) -> Node {
        self.marker.clone()
    }

    fn set_node(&self, _node: Node) {
        self.set(self.taken.get() + 1);
    }
}

impl Schedule {
    /// Sets the rate of step 0 at once.
    ///
    /// # Errors
    /// `Argument` for a length of 0.
    pub fn new(optimizer: &Optimizer, policy: Policy) -> Result<Schedule> {
        policy.check()?;
        let rates = optimizer.groups.iter().map(|g| (g.lr.clone(), g.lr.get())).collect();
        let marker = Node::constant(0.0, Shape::new(), DType::F32);
        let inner = Inner { policy, rates: RefCell::new(rates), taken: Cell::new(0), marker };
        inner.set(0);
        Ok(Schedule(Rc::new(inner)))
    }

    /// Sets the rate of the next step. Call it after the optimizer's `step`.
    pub fn step(&self) {
        self.0.set(self.0.taken.get() + 1);
        capture::note_state(&self.0.marker, self.0.clone());
    }

    /// The number of steps taken, then each group's rate at the start: what [`Schedule::load_state`] takes.
    pub fn state(&self) -> Vec<f64> {
        let bases = self.0.rates.borrow().iter().map(|(_, base)| *base).collect::<Vec<_>>();
        [vec![self.0.taken.get() as f64], bases].concat()
    }

    /// Goes on where the schedule was that gave `state`, and sets its rates.
    ///
    /// # Errors
    /// `Argument` when it was of an optimizer with another number of groups.
    pub fn load_state(&self, state: &[f64]) -> Result<()> {
        let mut rates = self.0.rates.borrow_mut();
        if state.len() != rates.len() + 1 {
            let got = format!("{} numbers", state.len());
            let expected = format!("{}: the steps taken and {} rates", rates.len() + 1, rates.len());
            return Err(Error::argument("load_state", got, expected, "build the same groups"));
        }
        rates.iter_mut().zip(&state[1..]).for_each(|((_, base), given)| *base = *given);
        drop(rates);
        self.0.set(state[0].max(0.0) as usize);
        Ok(())
    }
}
