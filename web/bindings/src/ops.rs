//! Arithmetic and reductions. The enums are the table of methods that JavaScript shares.

use crate::{
    Js,
    error::ToJs,
    table::{get, put},
};
use playgrad::{
    Error, Result,
    graph::DType,
    tensor::{Operand, Tensor},
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Unary {
    Neg,
    Exp,
    Exp2,
    Log,
    Log2,
    Sqrt,
    Rsqrt,
    Reciprocal,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    Relu,
    Gelu,
    Silu,
    Softplus,
    Abs,
    Sign,
    Square,
    Floor,
    Ceil,
    Round,
    Trunc,
    LogicalNot,
}

#[wasm_bindgen]
pub fn unary(op: Unary, x: u32) -> Js<u32> {
    let x = get(x).js()?;
    put(match op {
        Unary::Neg => x.neg(),
        Unary::Exp => x.exp(),
        Unary::Exp2 => x.exp2(),
        Unary::Log => x.log(),
        Unary::Log2 => x.log2(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => x.rsqrt(),
        Unary::Reciprocal => x.reciprocal(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => x.sigmoid(),
        Unary::Relu => x.relu(),
        Unary::Gelu => x.gelu(),
        Unary::Silu => x.silu(),
        Unary::Softplus => x.softplus(),
        Unary::Abs => x.abs(),
        Unary::Sign => x.sign(),
        Unary::Square => x.square(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round(),
        Unary::Trunc => x.trunc(),
        Unary::LogicalNot => x.logical_not(),
    })
}

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum UnaryWith {
    LeakyRelu,
    Elu,
    Dropout,
}

#[wasm_bindgen(js_name = unaryWith)]
pub fn unary_with(op: UnaryWith, x: u32, value: f64) -> Js<u32> {
    let x = get(x).js()?;
    put(match op {
        UnaryWith::LeakyRelu => x.leaky_relu(value),
        UnaryWith::Elu => x.elu(value),
        UnaryWith::Dropout => x.dropout(value),
    })
}

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Mod,
    Maximum,
    Minimum,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Matmul,
    Mse,
    CrossEntropy,
    BinaryCrossEntropy,
}

fn apply(op: Binary, a: &Tensor, b: Operand) -> Result<Tensor> {
    match op {
        Binary::Add => a.add(b),
        Binary::Sub => a.sub(b),
        Binary::Mul => a.mul(b),
        Binary::Div => a.div(b),
        Binary::Pow => a.pow(b),
        Binary::Mod => a.rem(b),
        Binary::Maximum => a.maximum(b),
        Binary::Minimum => a.minimum(b),
        Binary::Eq => a.eq(b),
        Binary::Ne => a.ne(b),
        Binary::Lt => a.lt(b),
        Binary::Le => a.le(b),
        Binary::Gt => a.gt(b),
        Binary::Ge => a.ge(b),
        Binary::Matmul => a.matmul(&tensor_of(b)?),
        Binary::Mse => a.mse(&tensor_of(b)?),
        Binary::CrossEntropy => a.cross_entropy(&tensor_of(b)?),
        Binary::BinaryCrossEntropy => a.binary_cross_entropy(&tensor_of(b)?),
    }
}

fn tensor_of(operand: Operand) -> Result<Tensor> {
    match operand {
        Operand::Tensor(t) => Ok(t),
        number => Tensor::scalar(number),
    }
}

/// A JavaScript number: whole ones take an integer tensor's dtype.
pub fn number(value: f64) -> Operand {
    if value.fract() == 0.0 && value.abs() <= 9e15 {
        Operand::Int(value as i64)
    } else {
        Operand::Float(value)
    }
}

#[wasm_bindgen]
pub fn binary(op: Binary, a: u32, b: u32) -> Js<u32> {
    let (a, b) = (get(a).js()?, get(b).js()?);
    put(apply(op, &a, Operand::Tensor(b)))
}

#[wasm_bindgen(js_name = binaryNumber)]
pub fn binary_number(op: Binary, a: u32, b: f64) -> Js<u32> {
    put(apply(op, &get(a).js()?, number(b)))
}

/// A branch is tensor `yes` or, where that is 0, `yes_number`.
#[wasm_bindgen(js_name = "where")]
pub fn where_(condition: u32, yes: u32, no: u32, yes_number: f64, no_number: f64) -> Js<u32> {
    let branch = |id, value| if id == 0 { Ok(number(value)) } else { get(id).map(Operand::Tensor) };
    put(get(condition).js()?.where_(branch(yes, yes_number).js()?, branch(no, no_number).js()?))
}

#[wasm_bindgen]
pub fn clip(x: u32, low: f64, high: f64) -> Js<u32> {
    put(get(x).js()?.clip(number(low), number(high)))
}

pub fn dtype_named(op: &str, name: &str) -> Result<DType> {
    DType::parse(name).ok_or_else(|| {
        let known: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
        Error::dtype(op, format!("\"{name}\""), known.join(", "), "name one of these")
    })
}

#[wasm_bindgen]
pub fn cast(x: u32, dtype: &str) -> Js<u32> {
    put(get(x).js()?.cast(dtype_named("cast", dtype).js()?))
}

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Reduce {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    Var,
    Std,
    Logsumexp,
}

/// `axes` left out means all.
#[wasm_bindgen]
pub fn reduce(op: Reduce, x: u32, axes: Option<Vec<isize>>, keepdim: bool, correction: u32) -> Js<u32> {
    let x = get(x).js()?;
    put(match op {
        Reduce::Sum => x.sum(axes, keepdim),
        Reduce::Mean => x.mean(axes, keepdim),
        Reduce::Max => x.max(axes, keepdim),
        Reduce::Min => x.min(axes, keepdim),
        Reduce::Prod => x.prod(axes, keepdim),
        Reduce::Var => x.var(axes, keepdim, correction as usize),
        Reduce::Std => x.std(axes, keepdim, correction as usize),
        Reduce::Logsumexp => x.logsumexp(axes, keepdim),
    })
}

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum AlongAxis {
    Argmax,
    Argmin,
    Softmax,
    LogSoftmax,
}

#[wasm_bindgen(js_name = alongAxis)]
pub fn along_axis(op: AlongAxis, x: u32, axis: Option<isize>, keepdim: bool) -> Js<u32> {
    let x = get(x).js()?;
    let last = axis.unwrap_or(-1);
    put(match op {
        AlongAxis::Argmax => x.argmax(axis, keepdim),
        AlongAxis::Argmin => x.argmin(axis, keepdim),
        AlongAxis::Softmax => x.softmax(last),
        AlongAxis::LogSoftmax => x.log_softmax(last),
    })
}
