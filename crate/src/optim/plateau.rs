use super::Optimizer;
use crate::error::{Error, Result};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Settings of [`Plateau`]; names and defaults are those of PyTorch's `ReduceLROnPlateau`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlateauOptions {
    /// Larger is better (`mode="max"`).
    pub max: bool,
    pub factor: f64,
    /// How many steps without improvement are waited for.
    pub patience: usize,
    pub threshold: f64,
    /// The threshold is a difference rather than a ratio (`threshold_mode="abs"`).
    pub absolute: bool,
    /// How many steps nothing is counted after a reduction.
    pub cooldown: usize,
    pub min_lr: f64,
    /// Changes smaller than this are left out.
    pub eps: f64,
}

impl Default for PlateauOptions {
    fn default() -> Self {
        Self {
            max: false,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

/// Lowers the learning rates when a metric stops improving.
pub struct Plateau {
    options: PlateauOptions,
    rates: Vec<Rc<Cell<f64>>>,
    /// Best value so far, steps without a better one, steps of rest left.
    seen: RefCell<[f64; 3]>,
}

impl Plateau {
    /// # Errors
    /// `Argument` for a factor of 1 or more.
    pub fn new(optimizer: &Optimizer, options: PlateauOptions) -> Result<Plateau> {
        if options.factor >= 1.0 {
            let got = format!("factor {}", options.factor);
            return Err(Error::argument("ReduceLROnPlateau", got, "a factor below 1", "use 0.1"));
        }
        let worst = if options.max { f64::NEG_INFINITY } else { f64::INFINITY };
        let rates = optimizer.groups.iter().map(|g| g.lr.clone()).collect();
        Ok(Plateau { options, rates, seen: RefCell::new([worst, 0.0, 0.0]) })
    }

    /// Takes the metric of an epoch, a number that has been read.
    pub fn step(&self, metric: f64) {
        let o = &self.options;
        let mut seen = self.seen.borrow_mut();
        let [best, bad, rest] = &mut *seen;
        let better = match (o.max, o.absolute) {
            (false, false) => metric < *best * (1.0 - o.threshold),
            (false, true) => metric < *best - o.threshold,
            (true, false) => metric > *best * (1.0 + o.threshold),
            (true, true) => metric > *best + o.threshold,
        };
        if better {
            (*best, *bad) = (metric, 0.0);
        } else {
            *bad += 1.0;
        }
        if *rest > 0.0 {
            (*rest, *bad) = (*rest - 1.0, 0.0);
        }
        if *bad > o.patience as f64 {
            for rate in &self.rates {
                let lower = (rate.get() * o.factor).max(o.min_lr);
                if rate.get() - lower > o.eps {
                    rate.set(lower);
                }
            }
            (*rest, *bad) = (o.cooldown as f64, 0.0);
        }
    }

    /// Best value, steps without a better one, steps of rest: what [`Plateau::load_state`] takes. The rates are in the
    /// optimizer's state.
    pub fn state(&self) -> Vec<f64> {
        self.seen.borrow().to_vec()
    }

    /// # Errors
    /// `Argument` when `state` is not three numbers.
    pub fn load_state(&self, state: &[f64]) -> Result<()> {
        let seen = <[f64; 3]>::try_from(state).map_err(|_| {
            let got = format!("{} numbers", state.len());
            Error::argument("load_state", got, "3 numbers", "give what state() gave")
        })?;
        self.seen.replace(seen);
        Ok(())
    }
}
