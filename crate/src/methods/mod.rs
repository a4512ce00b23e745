//! The public methods of `Tensor` by name: what every language other than Rust calls through.
//!
//! Takes a name and [`Value`]s; gives a [`Value`]. `crate/methods/*.json` is the table, `crate/build.rs` makes
//! [`METHODS`] of it. What a language writes by hand (reading, gradients) has a row there but none here.

mod bind;
mod index;
mod value;

pub use bind::dtype;
pub use value::Value;

use crate::{
    error::{Error, Result},
    graph::DType,
    tensor::{AttentionOptions, Conv2dOptions, Operand, Pool2dOptions, Reduction, Tensor, block_on},
};
use bind::Bound;
use smallvec::SmallVec;
use std::{future::Future, pin::Pin};

/// One method: its name in snake case, what it takes and what runs it.
pub struct Method {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// `Tensor.zeros(…)`: there is no tensor it is called on.
    pub on_class: bool,
    /// How many parameters stand before the keyword-only ones.
    pub positional: usize,
    pub args: &'static [Arg],
    run: Run,
}

/// One parameter.
pub struct Arg {
    pub name: &'static str,
    kind: Kind,
    /// Whether `None` may be given.
    optional: bool,
    default: Default,
}

/// The types of `crate/methods/*.json`.
#[allow(dead_code, reason = "a type that no row needs")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tensor,
    Operand,
    Number,
    Int,
    Size,
    Float,
    Bool,
    Str,
    DType,
    Axes,
    Ints,
    Sizes,
    Ranges,
    Pads,
    Any,
    Tensors,
    Index,
    Slices,
    Shape,
    Dims,
}

#[allow(dead_code, reason = "a form that no row needs")]
enum Default {
    Required,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    Ints(&'static [i64]),
}

#[allow(dead_code, reason = "a form that no row needs")]
enum Run {
    Tensor(fn(&mut Bound) -> Result<Tensor>),
    Tensors(fn(&mut Bound) -> Result<Vec<Tensor>>),
    Value(fn(&mut Bound) -> Result<Value>),
    Later(fn(Bound) -> Later),
}

/// A value that has to be waited for.
pub type Later = Pin<Box<dyn Future<Output = Result<Value>>>>;

/// What a call gives.
pub enum Outcome {
    Tensor(Tensor),
    Value(Value),
    Later(Later),
}

/// What is given by position; `None` is left out.
pub type Given = SmallVec<[Option<Value>; 6]>;

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// The method of that name or alias.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|m| m.name == name || m.aliases.contains(&name))
}

impl Arg {
    pub fn takes_tensor(&self) -> bool {
        matches!(self.kind, Kind::Tensor | Kind::Operand)
    }

    pub fn takes_tensors(&self) -> bool {
        self.kind == Kind::Tensors
    }
}

impl Method {
    /// Calls the method. `named` tells parameters by their place in [`Method::args`].
    pub fn call(&self, this: Option<Tensor>, given: Given, named: Vec<(usize, Value)>) -> Result<Outcome> {
        let mut bound = Bound::new(self, this, given, named)?;
        Ok(match self.run {
            Run::Tensor(run) => Outcome::Tensor(run(&mut bound)?),
            Run::Tensors(run) => Outcome::Value(run(&mut bound)?.into()),
            Run::Value(run) => Outcome::Value(run(&mut bound)?),
            Run::Later(run) => Outcome::Later(run(bound)),
        })
    }

    /// The place of a parameter.
    pub fn place(&self, name: &str) -> Result<usize> {
        self.args.iter().position(|a| a.name == name).ok_or_else(|| {
            let known: Vec<_> = self.args.iter().map(|a| a.name).collect();
            let expected = if known.is_empty() { "no arguments".into() } else { known.join(", ") };
            Error::argument(self.name, format!("an argument `{name}`"), expected, "name one of these")
        })
    }
}

/// Calls a method by name with positional and named arguments; waits for those that have to be.
pub fn call(name: &str, this: Option<&Tensor>, args: &[Value], named: &[(&str, Value)]) -> Result<Value> {
    let Some(method) = find(name) else {
        let fix = "see the reference for the names";
        return Err(Error::argument(name, format!("the method `{name}`"), "a method of Tensor", fix));
    };
    let given = args.iter().cloned().map(Some).collect();
    let named: Result<Vec<_>> = named.iter().map(|(n, v)| Ok((method.place(n)?, v.clone()))).collect();
    match method.call(this.cloned(), given, named?)? {
        Outcome::Tensor(t) => Ok(Value::Tensor(t)),
        Outcome::Value(v) => Ok(v),
        Outcome::Later(later) => block_on(later),
    }
}

fn with_grad(tensor: Tensor, on: Option<bool>) -> Result<Tensor> {
    on.map_or(Ok(()), |on| tensor.set_requires_grad(on))?;
    Ok(tensor)
}

/// `arange(stop)` and `arange(start, stop, step)`; whole numbers give int32.
fn arange(start: Operand, stop: Option<Operand>, step: Operand, dtype: Option<DType>) -> Result<Tensor> {
    let (start, stop) = stop.map_or((Operand::Int(0), start.clone()), |stop| (start, stop));
    let number = |n: &Operand| match n {
        Operand::Int(v) => *v as f64,
        Operand::Float(v) => *v,
        Operand::Tensor(_) | Operand::Bool(_) => f64::NAN,
    };
    let whole = [&start, &stop, &step].iter().all(|n| matches!(n, Operand::Int(_)));
    let dtype = dtype.unwrap_or(if whole { DType::I32 } else { DType::F32 });
    Tensor::arange(number(&start), number(&stop), number(&step), dtype)
}

/// All in `dtype` where it is given.
fn linear(x: &Tensor, weight: &Tensor, bias: Option<Tensor>, dtype: Option<DType>) -> Result<Tensor> {
    let to = |t: &Tensor| dtype.map_or_else(|| Ok(t.clone()), |dtype| t.cast(dtype));
    to(x)?.linear(&to(weight)?, bias.as_ref().map(to).transpose()?.as_ref())
}

/// A lone size is meant for the two axes of an image.
fn kernel(sizes: Vec<usize>) -> Vec<usize> {
    if let [both] = sizes[..] { vec![both; 2] } else { sizes }
}

fn max_pool2d(x: &Tensor, kernel: &[usize], options: Pool2dOptions, return_indices: bool) -> Result<Value> {
    if return_indices {
        let (largest, at) = x.max_pool2d_with_indices(kernel, options)?;
        return Ok(vec![largest, at].into());
    }
    x.max_pool2d(kernel, options).map(Value::from)
}
