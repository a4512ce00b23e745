use super::Rule;
use crate::error::{Error, Result};

/// Settings of [`super::Optimizer::sgd`]. `classic` puts the learning rate into the momentum rather than after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdOptions {
    pub lr: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub weight_decay: f64,
    pub classic: bool,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self { lr: 0.001, momentum: 0.0, nesterov: false, weight_decay: 0.0, classic: false }
    }
}

/// Settings of [`super::Optimizer::lars`]. `pre_wd` adds weight decay to the gradient rather than shrinking the
/// weight; `tcoef` is the trust coefficient, 0 for none; `ns_coefficients` makes it Muon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LarsOptions {
    pub lr: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub ns_steps: usize,
    pub ns_coefficients: Option<[f64; 3]>,
    pub nesterov: bool,
    pub classic: bool,
    pub pre_wd: bool,
    pub tcoef: f64,
}

impl Default for LarsOptions {
    fn default() -> Self {
        Self {
            lr: 0.001,
            momentum: 0.9,
            weight_decay: 1e-4,
            ns_steps: 0,
            ns_coefficients: None,
            nesterov: false,
            classic: true,
            pre_wd: true,
            tcoef: 0.001,
        }
    }
}

/// Settings of [`super::Optimizer::muon`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MuonOptions {
    pub lr: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub ns_steps: usize,
    pub ns_coefficients: [f64; 3],
    pub nesterov: bool,
}

impl Default for MuonOptions {
    fn default() -> Self {
        Self {
            lr: 0.001,
            momentum: 0.95,
            weight_decay: 0.1,
            ns_steps: 5,
            ns_coefficients: [3.4445, -4.775, 2.0315],
            nesterov: true,
        }
    }
}

/// Settings of [`super::Optimizer::adam`] and [`super::Optimizer::adamw`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    pub lr: f64,
    pub betas: [f64; 2],
    pub eps: f64,
    pub weight_decay: f64,
}

impl Default for AdamOptions {
    fn default() -> Self {
        Self { lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 }
    }
}

/// Settings of [`super::Optimizer::lamb`]; with `adam` the step is not scaled by the weight's norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambOptions {
    pub lr: f64,
    pub betas: [f64; 2],
    pub eps: f64,
    pub weight_decay: f64,
    pub adam: bool,
}

impl Default for LambOptions {
    fn default() -> Self {
        Self { lr: 0.001, betas: [0.9, 0.999], eps: 1e-6, weight_decay: 0.0, adam: false }
    }
}

fn at_least_zero(op: &str, values: &[(&str, f64)]) -> Result<()> {
    match values.iter().find(|(_, v)| !(*v >= 0.0 && v.is_finite())) {
        None => Ok(()),
        Some((name, value)) => {
            let (got, fix) = (format!("{name} {value}"), format!("change {name}"));
            Err(Error::argument(op, got, "a finite number from 0 up", fix))
        }
    }
}

fn below_one(op: &str, betas: [f64; 2]) -> Result<()> {
    if betas.iter().all(|b| (0.0..1.0).contains(b)) {
        return Ok(());
    }
    let got = format!("betas {betas:?}");
    Err(Error::argument(op, got, "two numbers from 0 to below 1", "use [0.9, 0.999]"))
}

impl Rule {
    pub(super) fn sgd(o: SgdOptions) -> Result<Rule> {
        let SgdOptions { lr, momentum, nesterov, weight_decay, classic } = o;
        let plain = LarsOptions { tcoef: 0.0, ..LarsOptions::default() };
        Self::lars("SGD", LarsOptions { lr, momentum, nesterov, weight_decay, classic, ..plain })
    }

    pub(super) fn muon(o: MuonOptions) -> Result<Rule> {
        let MuonOptions { lr, momentum, weight_decay, ns_steps, ns_coefficients, nesterov } = o;
        let plain = LarsOptions { classic: false, pre_wd: false, tcoef: 0.0, ..LarsOptions::default() };
        let ns_coefficients = Some(ns_coefficients);
        let muon = LarsOptions { lr, momentum, weight_decay, ns_steps, ns_coefficients, nesterov, ..plain };
        Self::lars("Muon", muon)
    }

    pub(super) fn lars(op: &str, o: LarsOptions) -> Result<Rule> {
        let numbers = [("momentum", o.momentum), ("weight_decay", o.weight_decay), ("tcoef", o.tcoef)];
        at_least_zero(op, &[("lr", o.lr)])?;
        at_least_zero(op, &numbers)?;
        if o.nesterov && o.momentum == 0.0 {
            return Err(Error::argument(
                op,
                "nesterov without momentum",
                "a momentum",
                "set momentum to 0.9",
            ));
        }
        Ok(Rule::Momentum(o))
    }

    pub(super) fn adam(op: &str, o: AdamOptions, decoupled: bool) -> Result<Rule> {
        at_least_zero(op, &[("lr", o.lr), ("eps", o.eps), ("weight_decay", o.weight_decay)])?;
        below_one(op, o.betas)?;
        Ok(Rule::Adam { options: o, decoupled })
    }

    pub(super) fn lamb(o: LambOptions) -> Result<Rule> {
        at_least_zero("LAMB", &[("lr", o.lr), ("eps", o.eps), ("weight_decay", o.weight_decay)])?;
        below_one("LAMB", o.betas)?;
        Ok(Rule::Lamb(o))
    }
}
