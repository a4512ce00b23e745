//! Derivatives beyond `backward`: of non-scalars, of functions, with a rule of one's own, by computing again.

use super::{Tensor, build, create, mode};
use crate::{
    error::{Error, Result},
    grad::{History, seed},
    graph::{Mark, Node},
};
use std::rc::Rc;

impl Tensor {
    /// The gradients of this tensor with respect to `targets`, as tensors that differentiate again; `.grad` stays as
    /// it is. Without `gradient` this has to be a scalar; with it, of this tensor's shape, the gradients of
    /// `Σ gradient·self`. With `materialize_grads` a target that this tensor does not depend on gets zeros.
    /// Source: tinygrad `Tensor.gradient`.
    ///
    /// # Errors
    /// `Shape` for a non-scalar without `gradient` or a `gradient` of another shape, `DType` where this is no float
    /// tensor, `Argument` for a target this does not depend on.
    pub fn gradient(
        &self,
        targets: &[&Tensor],
        gradient: Option<&Tensor>,
        materialize_grads: bool,
    ) -> Result<Vec<Tensor>> {
        let root = self.node();
        let seed = seed("gradient", &root, gradient)?;
        let history = History::of(&root);
        let targets: Vec<Node> = targets.iter().map(|t| t.node()).collect();
        // Equal constants are one node, so a constant cannot be told from others like it.
        let depends = |t: &Node| history.contains(t) && t.dtype.is_float() && t.as_const().is_none();
        if let Some(at) = targets.iter().position(|t| !depends(t))
            && !materialize_grads
        {
            return Err(Error::argument(
                "gradient",
                format!("tensor {at}, which the loss does not depend on"),
                "float tensors with data, which the loss was computed from",
                "make constants data by requiring a gradient, and compute the loss without detach() or no_grad",
            ));
        }
        if let Some(t) = targets.iter().find(|t| !t.dtype.is_float()) {
            return Err(Error::dtype("gradient", t.dtype.name(), "a float dtype", "cast it with .float()"));
        }
        let gradients = history.gradients(&root, seed, &targets)?;
        let or_zero = |(g, t): (Option<Node>, &Node)| {
            Tensor::from_node(g.filter(|_| depends(t)).unwrap_or_else(|| build::like(t, 0.0)))
        };
        Ok(gradients.into_iter().zip(&targets).map(or_zero).collect())
    }

    /// The same value, whose gradient is computed into a buffer of its own.
    /// Source: tinygrad `Tensor.contiguous_backward`.
    pub fn contiguous_backward(&self) -> Result<Tensor> {
        let x = self.node();
        let backward = |_: &Node, g: &Node| Ok(vec![Some(build::contiguous(g))]);
        Ok(Tensor::from_node(build::mark(Mark::Custom(Rc::new(backward)), &x, std::slice::from_ref(&x))))
    }

    /// `output`, computed from `inputs`, with a gradient of one's own: `backward` takes the gradient of the output,
    /// the output and the inputs, and gives a gradient for each input, of its shape, or none. Nothing flows through
    /// what computed `output`. Where `backward` is made of tensor methods it differentiates again.
    /// Source: PyTorch `torch.autograd.Function`.
    ///
    /// A step whose gradient is that of the identity:
    /// ```
    /// # use playgrad::{Tensor, Result};
    /// # fn main() -> Result<()> {
    /// let x = Tensor::from_slice(&[-0.3f32, 0.7], &[2])?;
    /// let step = x.gt(0.0)?.float()?.custom_grad(&[&x], |g, _, _| Ok(vec![Some(g.clone())]))?;
    /// step.mul(3.0)?.sum((), false)?.backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [3.0, 3.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `DType` where the output is no float tensor. When gradients are asked for: `Argument` for a wrong number of
    /// gradients, `Shape` for one of another shape than its input, and what `backward` fails with.
    pub fn custom_grad(
        &self,
        inputs: &[&Tensor],
        backward: impl Fn(&Tensor, &Tensor, &[Tensor]) -> Result<Vec<Option<Tensor>>> + 'static,
    ) -> Result<Tensor> {
        let value = self.node();
        seed("custom_grad", &value, Some(self))?;
        let rule = move |mark: &Node, g: &Node| {
            let inputs: Vec<Tensor> = mark.src[1..].iter().cloned().map(Tensor::from_node).collect();
            let made = backward(&Tensor::from_node(g.clone()), &Tensor::from_node(mark.clone()), &inputs)?;
            checked_gradients("custom_grad", &inputs, made)
        };
        Ok(Tensor::from_node(build::mark(Mark::Custom(Rc::new(rule)), &value, &nodes(inputs))))
    }
}

fn nodes(tensors: &[&Tensor]) -> Vec<Node> {
    tensors.iter().map(|t| t.node()).collect()
}

pub(super) fn checked_gradients(
    op: &str,
    inputs: &[Tensor],
    made: Vec<Option<Tensor>>,
) -> Result<Vec<Option<Node>>> {
    if made.len() != inputs.len() {
        return Err(Error::argument(
            op,
            format!("{} gradients", made.len()),
            format!("{}, one for each input", inputs.len()),
            "return none for an input without a gradient",
        ));
    }
    let fit = |(x, g): (&Tensor, Option<Tensor>)| {
        let Some(g) = g else { return Ok(None) };
        check_same(op, "a gradient", &g, x)?;
        Ok(Some(build::cast(&g.node(), x.dtype())))
    };
    inputs.iter().zip(made).map(fit).collect()
}

/// `f(inputs)`, for which nothing in between is kept: when gradients need it, it is computed again from `inputs`.
/// Values and gradients stay the same; memory falls, and there is more to compute.
/// Source: PyTorch `torch.utils.checkpoint`, Chen et al. 2016 (arXiv 1604.06174).
///
/// # Errors
/// Those of `f`, and `DType` where it gives no float tensor.
pub fn checkpoint(f: impl FnOnce(&[Tensor]) -> Result<Tensor>, inputs: &[&Tensor]) -> Result<Tensor> {
    let own: Vec<Tensor> = inputs.iter().map(|t| (*t).clone()).collect();
    checkpointed(&f(&own)?, inputs)
}

/// `value`, computed from `inputs`, as [`checkpoint`] gives it.
pub fn checkpointed(value: &Tensor, inputs: &[&Tensor]) -> Result<Tensor> {
    seed("checkpoint", &value.node(), Some(value))?;
    Ok(Tensor::from_node(build::mark(Mark::Checkpoint, &value.node(), &nodes(inputs))))
}

/// Nodes apart from all others, with the values of `inputs`, through which gradients flow on: what a function is
/// differentiated by, even where its inputs are constants or it also reads them in another way.
pub fn variables(op: &str, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let variable = |x: &&Tensor| {
        let value = x.node();
        seed(op, &value, Some(x))?;
        let pass: Mark = Mark::Custom(Rc::new(|_: &Node, g: &Node| Ok(vec![Some(g.clone())])));
        Ok(Tensor::from_node(build::mark(pass, &value, std::slice::from_ref(&value))))
    };
    inputs.iter().map(variable).collect()
}

/// `f(inputs)`, and the gradients of `Σ gradient·f(inputs)`; without `gradient`, `f` gives a scalar. An input that
/// the result does not depend on gets zeros. Source: `torch.func.vjp`, `jax.vjp`.
///
/// # Errors
/// Those of `f` and of [`Tensor::gradient`].
pub fn vjp(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    gradient: Option<&Tensor>,
) -> Result<(Tensor, Vec<Tensor>)> {
    differentiate("vjp", f, inputs, |x, y| y.gradient(x, gradient, true))
}

/// `f` of variables, and what `work` makes of both; a `no_grad` around it cuts the results alone.
fn differentiate(
    op: &str,
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    work: impl FnOnce(&[&Tensor], &Tensor) -> Result<Vec<Tensor>>,
) -> Result<(Tensor, Vec<Tensor>)> {
    let (y, made) = mode::with_history(|| {
        let x = variables(op, inputs)?;
        let y = f(&x)?;
        let made = work(&x.iter().collect::<Vec<_>>(), &y)?;
        Ok::<_, Error>((y, made))
    })?;
    let out = |t: Tensor| Tensor::from_node(t.node());
    Ok((out(y), made.into_iter().map(out).collect()))
}

/// `f(inputs)`, and its derivative along `tangents`, of the shapes of `inputs`: `Σᵢ ∂f/∂xᵢ·tangentᵢ`, of the shape of
/// the result. A gradient is linear in the one it starts with, so its derivative by that one is the forward product:
/// no operation needs a second rule. Source: `torch.func.jvp`, `jax.jvp`.
///
/// # Errors
/// Those of `f`; `Argument` for another number of tangents than inputs, `Shape` for one of another shape.
pub fn jvp(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    tangents: &[&Tensor],
) -> Result<(Tensor, Tensor)> {
    check_directions("jvp", inputs, tangents)?;
    let (y, mut along) = differentiate("jvp", f, inputs, |x, y| {
        seed("jvp", &y.node(), Some(y))?;
        let start = Tensor::from_node(create::filled_leaf(0.0, &y.shape(), y.dtype(), false)?);
        let gradients = y.gradient(x, Some(&start), true)?;
        dot(&gradients, tangents)?.gradient(&[&start], None, true)
    })?;
    Ok((y, along.remove(0)))
}

/// `f(inputs)`, a scalar, and the products of its Hessian with `vectors`, of the shapes of `inputs`.
/// Source: `torch.autograd.functional.hvp`, Pearlmutter 1994.
///
/// # Errors
/// Those of [`jvp`], and `Shape` where `f` gives no scalar.
pub fn hvp(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    vectors: &[&Tensor],
) -> Result<(Tensor, Vec<Tensor>)> {
    check_directions("hvp", inputs, vectors)?;
    differentiate("hvp", f, inputs, |x, y| {
        let gradients = y.gradient(x, None, true)?;
        dot(&gradients, vectors)?.gradient(x, None, true)
    })
}

fn check_directions(op: &str, inputs: &[&Tensor], directions: &[&Tensor]) -> Result<()> {
    if directions.len() != inputs.len() || inputs.is_empty() {
        return Err(Error::argument(
            op,
            format!("{} inputs and {} directions", inputs.len(), directions.len()),
            "a direction for each input",
            "give zeros for what stays as it is",
        ));
    }
    inputs.iter().zip(directions).try_for_each(|(x, v)| check_same(op, "a direction", v, x))
}

fn check_same(op: &str, what: &str, got: &Tensor, like: &Tensor) -> Result<()> {
    if got.shape() == like.shape() {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!("{what} of shape {:?}", got.shape().as_slice()),
        format!("{:?}, the shape of its input", like.shape().as_slice()),
        "expand, sum or reshape it",
    ))
}

/// `Σᵢ Σ aᵢ·bᵢ`.
fn dot(a: &[Tensor], b: &[&Tensor]) -> Result<Tensor> {
    let terms = a.iter().zip(b).map(|(a, b)| a.mul(*b)?.sum((), false));
    terms.reduce(|sum, term| sum?.add(term?)).unwrap_or_else(|| Tensor::scalar(0.0))
}
