use super::{
    AdamOptions, LambOptions, LarsOptions, MuonOptions, OneCycle, Optimizer, Plateau, PlateauOptions, Policy,
    Schedule, SgdOptions,
};
use crate::{
    error::{Error, Result},
    tensor::Tensor,
};
use std::cell::RefCell;

/// Settings by name, as other languages give them: numbers and lists of numbers, booleans as 0 and 1. Names match
/// whatever their case and underscores. A setting nobody asked for is an error.
pub struct Settings<'a> {
    op: &'a str,
    given: RefCell<Vec<(String, Vec<f64>)>>,
}

fn plain(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase())
}

impl<'a> Settings<'a> {
    /// The settings of `op`; equal names next to each other make a list.
    pub fn new(op: &'a str, names: &[String], values: &[f64]) -> Settings<'a> {
        let mut given: Vec<(String, Vec<f64>)> = Vec::new();
        for (name, value) in names.iter().zip(values) {
            match given.last_mut() {
                Some((last, list)) if last == name => list.push(*value),
                _ => given.push((name.clone(), vec![*value])),
            }
        }
        Settings { op, given: RefCell::new(given) }
    }

    fn list(&self, name: &str) -> Option<Vec<f64>> {
        let at = self.given.borrow().iter().position(|(n, _)| plain(n).eq(plain(name)))?;
        Some(self.given.borrow_mut().swap_remove(at).1)
    }

    fn number(&self, name: &str, default: f64) -> Result<f64> {
        match self.list(name).as_deref() {
            None => Ok(default),
            Some([value]) => Ok(*value),
            Some(many) => self.wrong(name, &format!("{many:?}"), "one number"),
        }
    }

    fn wrong<T>(&self, name: &str, got: &str, expected: &str) -> Result<T> {
        Err(Error::argument(self.op, format!("{name} {got}"), expected, format!("change {name}")))
    }

    fn needed(&self, name: &str) -> Result<f64> {
        let value = self.number(name, f64::NAN)?;
        if value.is_nan() { self.wrong(name, "left out", "a number") } else { Ok(value) }
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.number(name, f64::from(u8::from(default)))? != 0.0)
    }

    fn whole(&self, name: &str, default: f64) -> Result<usize> {
        let value = self.number(name, default)?;
        if value >= 0.0 && value.fract() == 0.0 && value <= f64::from(u32::MAX) {
            return Ok(value as usize);
        }
        self.wrong(name, &value.to_string(), "a whole number from 0")
    }

    fn array<const N: usize>(&self, name: &str, default: [f64; N]) -> Result<[f64; N]> {
        match self.list(name) {
            None => Ok(default),
            Some(list) => match <[f64; N]>::try_from(list) {
                Ok(array) => Ok(array),
                Err(list) => self.wrong(name, &format!("{list:?}"), &format!("{N} numbers")),
            },
        }
    }

    /// An error when something was given that nobody took.
    fn done(&self, known: &str) -> Result<()> {
        match self.given.borrow().first() {
            None => Ok(()),
            Some((name, _)) => {
                let got = format!("a setting \"{name}\"");
                Err(Error::argument(self.op, got, known, "check the spelling"))
            }
        }
    }

    fn betas(&self) -> Result<[f64; 2]> {
        let [b1, b2] = self.array("betas", [0.9, 0.999])?;
        Ok([self.number("b1", b1)?, self.number("b2", b2)?])
    }

    fn adam(&self, weight_decay: f64) -> Result<AdamOptions> {
        let o = AdamOptions::default();
        let options = AdamOptions {
            lr: self.number("lr", o.lr)?,
            betas: self.betas()?,
            eps: self.number("eps", o.eps)?,
            weight_decay: self.number("weight_decay", weight_decay)?,
        };
        self.done("lr, betas, eps, weight_decay").map(|()| options)
    }
}

impl Optimizer {
    /// The optimizer that `settings` were made for: `SGD`, `LARS`, `Muon`, `Adam`, `AdamW` or `LAMB`, with tinygrad's
    /// names and defaults; AdamW's weight decay is 0.01 unless given.
    ///
    /// # Errors
    /// `Argument` for an unknown name or setting, and those of the optimizer.
    pub fn named(params: &[Tensor], s: &Settings) -> Result<Optimizer> {
        match s.op {
            "SGD" => {
                let o = SgdOptions::default();
                let options = SgdOptions {
                    lr: s.number("lr", o.lr)?,
                    momentum: s.number("momentum", o.momentum)?,
                    nesterov: s.flag("nesterov", o.nesterov)?,
                    weight_decay: s.number("weight_decay", o.weight_decay)?,
                    classic: s.flag("classic", o.classic)?,
                };
                s.done("lr, momentum, weight_decay, nesterov, classic")?;
                Optimizer::sgd(params, options)
            }
            "LARS" => {
                let o = LarsOptions::default();
                let options = LarsOptions {
                    lr: s.number("lr", o.lr)?,
                    momentum: s.number("momentum", o.momentum)?,
                    weight_decay: s.number("weight_decay", o.weight_decay)?,
                    ns_steps: s.whole("ns_steps", o.ns_steps as f64)?,
                    ns_coefficients: match s.array("ns_coefficients", [f64::NAN; 3])? {
                        [a, ..] if a.is_nan() => None,
                        given => Some(given),
                    },
                    nesterov: s.flag("nesterov", o.nesterov)?,
                    classic: s.flag("classic", o.classic)?,
                    pre_wd: s.flag("pre_wd", o.pre_wd)?,
                    tcoef: s.number("tcoef", o.tcoef)?,
                };
                s.done(
                    "lr, momentum, weight_decay, ns_steps, ns_coefficients, nesterov, classic, pre_wd, tcoef",
                )?;
                Optimizer::lars(params, options)
            }
            "Muon" => {
                let o = MuonOptions::default();
                let options = MuonOptions {
                    lr: s.number("lr", o.lr)?,
                    momentum: s.number("momentum", o.momentum)?,
                    weight_decay: s.number("weight_decay", o.weight_decay)?,
                    ns_steps: s.whole("ns_steps", o.ns_steps as f64)?,
                    ns_coefficients: s.array("ns_coefficients", o.ns_coefficients)?,
                    nesterov: s.flag("nesterov", o.nesterov)?,
                };
                s.done("lr, momentum, weight_decay, ns_steps, ns_coefficients, nesterov")?;
                Optimizer::muon(params, options)
            }
            "Adam" => Optimizer::adam(params, s.adam(0.0)?),
            "AdamW" => Optimizer::adamw(params, s.adam(0.01)?),
            "LAMB" => {
                let o = LambOptions::default();
                let options = LambOptions {
                    lr: s.number("lr", o.lr)?,
                    betas: s.betas()?,
                    eps: s.number("eps", o.eps)?,
                    weight_decay: s.number("weight_decay", o.weight_decay)?,
                    adam: s.flag("adam", o.adam)?,
                };
                s.done("lr, betas, eps, weight_decay, adam")?;
                Optimizer::lamb(params, options)
            }
            other => {
                let known = "SGD, LARS, Muon, Adam, AdamW or LAMB";
                Err(Error::argument("optim", format!("\"{other}\""), known, "name one of these"))
            }
        }
    }
}

impl Schedule {
    /// The schedule that `settings` were made for, by PyTorch's names and defaults: `StepLR`, `MultiStepLR`,
    /// `ConstantLR`, `LinearLR`, `ExponentialLR`, `PolynomialLR`, `CosineAnnealingLR`, `CosineAnnealingWarmRestarts` or
    /// `OneCycleLR`.
    ///
    /// # Errors
    /// `Argument` for an unknown name or setting, and those of [`Schedule::new`].
    pub fn named(optimizer: &Optimizer, s: &Settings) -> Result<Schedule> {
        let third = 1.0 / 3.0;
        let (policy, known) = match s.op {
            "StepLR" => {
                let (step_size, gamma) = (s.whole("step_size", f64::NAN)?, s.number("gamma", 0.1)?);
                (Policy::Step { step_size, gamma }, "step_size, gamma")
            }
            "MultiStepLR" => {
                let milestones = s.list("milestones").unwrap_or_default();
                (Policy::MultiStep { milestones, gamma: s.number("gamma", 0.1)? }, "milestones, gamma")
            }
            "ConstantLR" => {
                let (factor, total_iters) = (s.number("factor", third)?, s.whole("total_iters", 5.0)?);
                (
                    Policy::Linear { start_factor: factor, end_factor: factor, total_iters },
                    "factor, total_iters",
                )
            }
            "LinearLR" => {
                let (start_factor, end_factor) =
                    (s.number("start_factor", third)?, s.number("end_factor", 1.0)?);
                let total_iters = s.whole("total_iters", 5.0)?;
                let policy = Policy::Linear { start_factor, end_factor, total_iters };
                (policy, "start_factor, end_factor, total_iters")
            }
            "ExponentialLR" => (Policy::Exponential { gamma: s.needed("gamma")? }, "gamma"),
            "PolynomialLR" => {
                let (total_iters, power) = (s.whole("total_iters", 5.0)?, s.number("power", 1.0)?);
                (Policy::Polynomial { total_iters, power }, "total_iters, power")
            }
            "CosineAnnealingLR" => {
                let (t_max, eta_min) = (s.whole("T_max", f64::NAN)?, s.number("eta_min", 0.0)?);
                (Policy::Cosine { t_max, eta_min, warmup: s.whole("warmup", 0.0)? }, "T_max, eta_min, warmup")
            }
            "CosineAnnealingWarmRestarts" => {
                let (t_0, t_mult) = (s.whole("T_0", f64::NAN)?, s.whole("T_mult", 1.0)?);
                (Policy::Restarts { t_0, t_mult, eta_min: s.number("eta_min", 0.0)? }, "T_0, T_mult, eta_min")
            }
            "OneCycleLR" => {
                let o = OneCycle::default();
                let cycle = OneCycle {
                    max_lr: s.needed("max_lr")?,
                    total_steps: s.whole("total_steps", f64::NAN)?,
                    pct_start: s.number("pct_start", o.pct_start)?,
                    linear: s.flag("linear", o.linear)?,
                    div_factor: s.number("div_factor", o.div_factor)?,
                    final_div_factor: s.number("final_div_factor", o.final_div_factor)?,
                    three_phase: s.flag("three_phase", o.three_phase)?,
                };
                let known =
                    "max_lr, total_steps, pct_start, linear, div_factor, final_div_factor, three_phase";
                (Policy::OneCycle(cycle), known)
            }
            other => {
                let known = "the name of a schedule, such as StepLR";
                return Err(Error::argument("optim", format!("\"{other}\""), known, "name one of these"));
            }
        };
        s.done(known)?;
        Schedule::new(optimizer, policy)
    }
}

impl Plateau {
    /// PyTorch's `ReduceLROnPlateau` from its settings; `max` for `mode="max"`, `absolute` for
    /// `threshold_mode="abs"`.
    ///
    /// # Errors
    /// As [`Schedule::named`].
    pub fn named(optimizer: &Optimizer, s: &Settings) -> Result<Plateau> {
        let o = PlateauOptions::default();
        let options = PlateauOptions {
            max: s.flag("max", o.max)?,
            factor: s.number("factor", o.factor)?,
            patience: s.whole("patience", o.patience as f64)?,
            threshold: s.number("threshold", o.threshold)?,
            absolute: s.flag("absolute", o.absolute)?,
            cooldown: s.whole("cooldown", o.cooldown as f64)?,
            min_lr: s.number("min_lr", o.min_lr)?,
            eps: s.number("eps", o.eps)?,
        };
        s.done("max, factor, patience, threshold, absolute, cooldown, min_lr, eps")?;
        Plateau::new(optimizer, options)
    }
}
