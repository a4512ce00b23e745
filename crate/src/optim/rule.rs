use crate::{
    error::{Error, Result},
    graph::{Node, Unary},
    tensor::build,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdOptions {
    pub lr: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub weight_decay: f64,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self { lr: 0.001, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

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

/// How one parameter changes.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    Sgd(SgdOptions),
    Adam { options: AdamOptions, decoupled: bool },
}

fn at_least_zero(op: &str, name: &str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::argument(op, format!("{name} {value}"), "a finite number from 0 up", format!("change {name}")))
}

impl Rule {
    pub(super) fn sgd(options: SgdOptions) -> Result<Rule> {
        at_least_zero("SGD", "lr", options.lr)?;
        at_least_zero("SGD", "momentum", options.momentum)?;
        at_least_zero("SGD", "weight_decay", options.weight_decay)?;
        if options.nesterov && options.momentum == 0.0 {
            return Err(Error::argument(
                "SGD",
                "nesterov without momentum",
                "a momentum",
                "set momentum to 0.9",
            ));
        }
        Ok(Rule::Sgd(options))
    }

    pub(super) fn adam(op: &str, options: AdamOptions, decoupled: bool) -> Result<Rule> {
        at_least_zero(op, "lr", options.lr)?;
        at_least_zero(op, "eps", options.eps)?;
        at_least_zero(op, "weight_decay", options.weight_decay)?;
        if options.betas.iter().any(|b| !(0.0..1.0).contains(b)) {
            let got = format!("betas {:?}", options.betas);
            return Err(Error::argument(op, got, "two numbers from 0 to below 1", "use [0.9, 0.999]"));
        }
        Ok(Rule::Adam { options, decoupled })
    }

    /// Tensors a parameter keeps between steps.
    pub(super) fn moments(&self) -> usize {
        match self {
            Rule::Sgd(o) => usize::from(o.momentum > 0.0),
            Rule::Adam { .. } => 2,
        }
    }

    /// What changes from step to step: SGD's learning rate; Adam's with the correction of the first moment's bias,
    /// that of the second's, and how much AdamW's weight decay leaves.
    pub(super) fn live(&self, lr: f64, step: u32) -> Vec<f32> {
        match self {
            Rule::Sgd(_) => vec![lr as f32],
            Rule::Adam { options, .. } => {
                let correction = |beta: f64| 1.0 / (1.0 - beta.powf(step.into()));
                let rate = lr * correction(options.betas[0]);
                let kept = 1.0 - lr * options.weight_decay;
                vec![rate as f32, correction(options.betas[1]) as f32, kept as f32]
            }
        }
    }

    /// The new weight and moments. Elementwise over the gradient.
    pub(super) fn update(&self, p: &Node, g: &Node, moments: &[Node], live: &Node) -> (Node, Vec<Node>) {
        let now = |i: usize| build::scalar_at(live, i, &p.shape);
        let decayed =
            |g: &Node, by: f64| if by == 0.0 { g.clone() } else { build::add(g, &build::scale(p, by)) };
        match self {
            Rule::Sgd(o) => {
                let g = decayed(g, o.weight_decay);
                let (change, moments) = match moments.first() {
                    None => (g, Vec::new()),
                    Some(b) => {
                        let b = build::add(&build::scale(b, o.momentum), &g);
                        let change = if o.nesterov {
                            build::add(&g, &build::scale(&b, o.momentum))
                        } else {
                            b.clone()
                        };
                        (change, vec![b])
                    }
                };
                (build::sub(p, &build::mul(&change, &now(0))), moments)
            }
            Rule::Adam { options: o, decoupled } => {
                let g = if *decoupled { g.clone() } else { decayed(g, o.weight_decay) };
                let blend = |old: &Node, new: &Node, beta: f64| {
                    build::add(&build::scale(old, beta), &build::scale(new, 1.0 - beta))
                };
                let m = blend(&moments[0], &g, o.betas[0]);
                let v = blend(&moments[1], &build::mul(&g, &g), o.betas[1]);
                let root = build::unary(Unary::Sqrt, &build::mul(&v, &now(1)));
                let change = build::div(&build::mul(&m, &now(0)), &build::offset(&root, o.eps));
                let kept =
                    if *decoupled && o.weight_decay > 0.0 { build::mul(p, &now(2)) } else { p.clone() };
                (build::sub(&kept, &change), vec![m, v])
            }
        }
    }
}
