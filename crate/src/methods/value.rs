//! What languages pass to methods and get back.

use crate::{graph::DType, tensor::Tensor};
use std::fmt;

/// An argument or a result.
#[derive(Clone)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Tensor(Tensor),
    DType(DType),
    List(Vec<Value>),
}

/// How many items of a list an error shows.
const SHOWN: usize = 12;

/// As an error shows what was given.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("none"),
            Value::Bool(v) => v.fmt(f),
            Value::Int(v) => v.fmt(f),
            Value::Float(v) => v.fmt(f),
            Value::Str(v) => write!(f, "\"{v}\""),
            Value::Tensor(t) => write!(f, "a tensor of shape {:?}", t.shape().as_slice()),
            Value::DType(d) => f.write_str(d.name()),
            Value::List(list) => {
                f.write_str("[")?;
                for (i, v) in list.iter().take(SHOWN).enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    v.fmt(f)?;
                }
                f.write_str(if list.len() > SHOWN { ", …]" } else { "]" })
            }
        }
    }
}

macro_rules! from {
    ($($t:ty => $make:expr),* $(,)?) => {$(
        impl From<$t> for Value {
            fn from(value: $t) -> Value {
                $make(value)
            }
        }
    )*};
}
from! {
    bool => Value::Bool,
    i64 => Value::Int,
    i32 => |v| Value::Int(i64::from(v)),
    isize => |v| Value::Int(v as i64),
    usize => |v| Value::Int(v as i64),
    f64 => Value::Float,
    String => Value::Str,
    &str => |v: &str| Value::Str(v.into()),
    Tensor => Value::Tensor,
    &Tensor => |v: &Tensor| Value::Tensor(v.clone()),
    DType => Value::DType,
    Vec<Tensor> => |v: Vec<Tensor>| Value::List(v.into_iter().map(Value::Tensor).collect()),
    Vec<isize> => |v: Vec<isize>| Value::List(v.into_iter().map(Value::from).collect()),
    Vec<usize> => |v: Vec<usize>| Value::List(v.into_iter().map(Value::from).collect()),
}
