//! Training steps, captured once their plan is known and replayed from then on.

use playgrad::{
    Tensor,
    error::Result,
    models::Model,
    optim::Optimizer,
    schedule::capture::{self, Capture},
    tensor::{finish_capture, realize_all},
};

pub struct Steps {
    model: Model,
    optimizer: Optimizer,
    x: Tensor,
    labels: Tensor,
    done: usize,
    captured: Option<Capture>,
}

impl Steps {
    pub fn new(model: Model, optimizer: Optimizer, x: Tensor, labels: Tensor) -> Steps {
        Steps { model, optimizer, x, labels, done: 0, captured: None }
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What it trains on: rows and their targets.
    pub fn rows(&self) -> (&Tensor, &Tensor) {
        (&self.x, &self.labels)
    }

    pub fn lr(&self) -> f64 {
        self.optimizer.lr()
    }

    /// One step; its loss.
    pub fn step(&mut self) -> Result<Tensor> {
        self.done += 1;
        if let Some(captured) = &self.captured {
            return Ok(Tensor::from_node(captured.replay(&[])?.remove(0)));
        }
        // The first step's plan differs: it makes the optimizer's state.
        if self.done == 1 {
            return self.plain();
        }
        realize_all(&[self.x.clone(), self.labels.clone()])?;
        capture::begin()?;
        let loss = self.plain().and_then(|loss| loss.realize()).inspect_err(|_| capture::abandon())?;
        self.captured = Some(finish_capture(&[], &[loss.node()]));
        Ok(loss)
    }

    /// `n` steps, queued together where they can be.
    pub fn run(&mut self, n: usize) -> Result<()> {
        match &self.captured {
            Some(captured) => {
                self.done += n;
                captured.replay_n(&[], n).map(drop)
            }
            None => (0..n).try_for_each(|_| self.step().map(drop)),
        }
    }

    fn plain(&self) -> Result<Tensor> {
        self.model.step(&self.optimizer, &self.x, &self.labels)
    }
}
