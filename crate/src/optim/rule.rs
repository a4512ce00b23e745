use super::options::{AdamOptions, LambOptions, LarsOptions};
use crate::{
    error::Result,
    graph::{DType, Node, Unary},
    tensor::{Tensor, build},
};

/// How one parameter changes.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// SGD, LARS and Muon.
    Momentum(LarsOptions),
    /// Adam and AdamW.
    Adam {
        options: AdamOptions,
        decoupled: bool,
    },
    Lamb(LambOptions),
}

impl Rule {
    /// The names of the tensors a parameter keeps between steps.
    pub(super) fn moments(&self) -> &'static [&'static str] {
        match self {
            Rule::Momentum(o) if o.momentum == 0.0 => &[],
            Rule::Momentum(_) => &["b"],
            Rule::Adam { .. } | Rule::Lamb(_) => &["m", "v"],
        }
    }

    /// What changes from step to step. First the learning rate, times Adam's correction of the first moment's bias;
    /// then, for all but plain SGD, what weight decay leaves, and the corrections of both moments.
    pub(super) fn live(&self, lr: f64, step: u32) -> Vec<f32> {
        let correction = |beta: f64| 1.0 / (1.0 - beta.powf(step.into()));
        let values = match self {
            Rule::Momentum(o) if o.pre_wd => vec![lr],
            Rule::Momentum(o) => vec![lr, 1.0 - lr * o.weight_decay],
            Rule::Adam { options: o, .. } => {
                let rate = lr * correction(o.betas[0]);
                vec![rate, correction(o.betas[1]), 1.0 - lr * o.weight_decay]
            }
            Rule::Lamb(o) => vec![lr, correction(o.betas[0]), correction(o.betas[1])],
        };
        values.into_iter().map(|v| v as f32).collect()
    }

    /// The new weight and moments of a weight and its gradient, in the weight's dtype and in [`kept_in`] its dtype.
    pub(super) fn update(
        &self,
        p: &Node,
        g: &Node,
        moments: &[Node],
        live: &Node,
    ) -> Result<(Node, Vec<Node>)> {
        let work = kept_in(p.dtype);
        let (weight, g) = (build::cast(p, work), build::cast(g, work));
        let now = |i: usize| build::cast(&build::scalar_at(live, i, &p.shape), work);
        let (new, moments) = match self {
            Rule::Momentum(o) => momentum(o, &weight, g, moments, now)?,
            Rule::Adam { options, decoupled } => adam(options, *decoupled, &weight, g, moments, now),
            Rule::Lamb(o) => lamb(o, &weight, g, moments, now),
        };
        Ok((build::cast(&new, p.dtype), moments))
    }
}

/// The dtype of what an optimizer keeps for weights of that dtype.
pub(super) fn kept_in(dtype: DType) -> DType {
    if dtype.size() < 4 { DType::F32 } else { dtype }
}

fn add_scaled(a: &Node, b: &Node, by: f64) -> Node {
    if by == 0.0 { a.clone() } else { build::add(a, &build::scale(b, by)) }
}

fn blend(old: &Node, new: &Node, beta: f64) -> Node {
    build::add(&build::scale(old, beta), &build::scale(new, 1.0 - beta))
}

type Updated = (Node, Vec<Node>);

fn momentum(
    o: &LarsOptions,
    p: &Node,
    g: Node,
    moments: &[Node],
    now: impl Fn(usize) -> Node,
) -> Result<Updated> {
    let trust = (o.tcoef != 0.0).then(|| {
        let (weight, gradient) = (norm(p), norm(&g));
        let whole = add_scaled(&gradient, &weight, o.weight_decay);
        guarded(&build::div(&build::scale(&weight, o.tcoef), &whole), &weight, &gradient)
    });
    let rate = match &trust {
        Some(trust) => build::mul(&build::expand(trust, &p.shape), &now(0)),
        None => now(0),
    };
    let g = if o.pre_wd { add_scaled(&g, p, o.weight_decay) } else { g };
    let g = if o.classic { build::mul(&g, &rate) } else { g };
    let (mut change, moments) = match moments.first() {
        None => (g, Vec::new()),
        Some(b) => {
            let b = build::add(&build::scale(b, o.momentum), &g);
            (if o.nesterov { add_scaled(&g, &b, o.momentum) } else { b.clone() }, vec![b])
        }
    };
    if let Some(coefficients) = o.ns_coefficients {
        let rows = p.shape.first().map_or(1, |n| *n as isize);
        let flat = Tensor::from_node(change).reshape(&[rows, -1])?;
        change = build::reshape(&orthogonal(&flat, o.ns_steps, coefficients)?.node(), &p.shape);
    }
    let change = if o.classic { change } else { build::mul(&change, &rate) };
    let kept = if o.pre_wd || o.weight_decay == 0.0 { p.clone() } else { build::mul(p, &now(1)) };
    Ok((build::sub(&kept, &change), moments))
}

fn adam(
    o: &AdamOptions,
    decoupled: bool,
    p: &Node,
    g: Node,
    moments: &[Node],
    now: impl Fn(usize) -> Node,
) -> Updated {
    let g = if decoupled { g } else { add_scaled(&g, p, o.weight_decay) };
    let m = blend(&moments[0], &g, o.betas[0]);
    let v = blend(&moments[1], &build::mul(&g, &g), o.betas[1]);
    let root = build::unary(Unary::Sqrt, &build::mul(&v, &now(1)));
    let change = build::div(&build::mul(&m, &now(0)), &build::offset(&root, o.eps));
    let kept = if decoupled && o.weight_decay > 0.0 { build::mul(p, &now(2)) } else { p.clone() };
    (build::sub(&kept, &change), vec![m, v])
}

fn lamb(o: &LambOptions, p: &Node, g: Node, moments: &[Node], now: impl Fn(usize) -> Node) -> Updated {
    let m = blend(&moments[0], &g, o.betas[0]);
    let v = blend(&moments[1], &build::mul(&g, &g), o.betas[1]);
    let root = build::unary(Unary::Sqrt, &build::mul(&v, &now(2)));
    let up = build::div(&build::mul(&m, &now(1)), &build::offset(&root, o.eps));
    let up = add_scaled(&up, p, o.weight_decay);
    let rate = if o.adam {
        now(0)
    } else {
        let (weight, change) = (norm(p), norm(&up));
        let trust = guarded(&build::div(&weight, &change), &weight, &change);
        build::mul(&build::expand(&trust, &p.shape), &now(0))
    };
    (build::sub(p, &build::mul(&up, &rate)), vec![m, v])
}

/// The Euclidean norm of all elements, every axis of size 1.
fn norm(x: &Node) -> Node {
    let axes: Vec<usize> = (0..x.shape.len()).collect();
    build::unary(Unary::Sqrt, &build::sum(&build::mul(x, x), &axes))
}

/// A ratio of two norms, or 1 where one of them is 0.
fn guarded(ratio: &Node, a: &Node, b: &Node) -> Node {
    let (zero, one) = (build::like(ratio, 0.0), build::like(ratio, 1.0));
    let positive = |x: &Node| build::lt(&zero, x);
    build::select(&positive(a), &build::select(&positive(b), ratio, &one), &one)
}

/// `X` turned towards the nearest matrix with orthonormal rows or columns by Newton-Schulz iterations of the
/// polynomial `a·X + b·(XXᵀ)X + c·(XXᵀ)²X` (Jordan et al. 2024, "Muon").
fn orthogonal(x: &Tensor, steps: usize, [a, b, c]: [f64; 3]) -> Result<Tensor> {
    let (rows, columns) = (x.shape()[0], x.shape()[1]);
    if rows > columns {
        return orthogonal(&x.t(), steps, [a, b, c]).map(|x| x.t());
    }
    let mut x = x.div(x.square()?.sum((), true)?.sqrt()?.add(1e-7)?)?;
    for _ in 0..steps {
        let gram = x.matmul(&x.t())?;
        let turn = gram.mul(b)?.add(gram.matmul(&gram)?.mul(c)?)?;
        x = x.mul(a)?.add(turn.matmul(&x)?)?;
    }
    Ok(x)
}
