//! One operator at work: its inputs and attributes, and the errors that name it.

use super::value::{Value, integers};
use crate::{
    error::{Error, Result},
    graph::DType,
    tensor::{Data, Tensor},
};
use std::cell::RefCell;

#[derive(Clone, Debug)]
pub(super) enum Attribute {
    Float(f32),
    Int(i64),
    Text(String),
    Tensor(Value),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    /// Texts, a graph, a sparse tensor or a type: no operator of ours has one.
    Other,
}

/// A node of the graph, its values by number.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub op: String,
    /// As errors call it: `Conv "conv1"`.
    pub title: String,
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<Option<usize>>,
    pub attributes: Vec<(String, Attribute)>,
}

pub(super) struct Call<'a> {
    pub node: &'a Node,
    pub inputs: &'a [Option<&'a Value>],
    pub opset: i64,
    /// All inputs are known, so the result is evaluated on the host.
    pub folds: bool,
    /// The number and tensor of a value that was needed and could not be read.
    pub wanted: &'a RefCell<Option<(usize, Tensor)>>,
}

impl Call<'_> {
    pub fn error(&self, got: impl Into<String>, expected: impl Into<String>, fix: &str) -> Error {
        Error::argument(&self.node.title, got, expected, fix)
    }

    /// An input that may be left out.
    pub fn get(&self, i: usize) -> Option<&Value> {
        self.inputs.get(i).copied().flatten()
    }

    pub fn need(&self, i: usize) -> Result<&Value> {
        let missing = || {
            let got = format!("{} inputs, none at place {i}", self.inputs.len());
            self.error(got, "an input there", "export the model again")
        };
        self.get(i).ok_or_else(missing)
    }

    /// Input `i` as a tensor.
    pub fn x(&self, i: usize) -> Result<Tensor> {
        let value = self.need(i)?;
        if self.folds { value.host() } else { value.tensor() }
    }

    pub fn maybe(&self, i: usize) -> Result<Option<Tensor>> {
        self.get(i).map(|_| self.x(i)).transpose()
    }

    /// The sizes of input `i`.
    pub fn shape(&self, i: usize) -> Result<Vec<usize>> {
        Ok(match self.need(i)? {
            Value::Known(known) => known.shape.clone(),
            Value::Tensor(tensor) => tensor.shape().to_vec(),
        })
    }

    /// The values of input `i`, needed while the graph is built; read back where they are computed.
    pub fn data(&self, i: usize) -> Result<Option<Data>> {
        let read = |value: &Value| {
            value.data().inspect_err(|_| {
                if let (Value::Tensor(tensor), Some(at)) = (value, self.node.inputs[i]) {
                    self.wanted.replace(Some((at, tensor.clone())));
                }
            })
        };
        self.get(i).map(read).transpose()
    }

    pub fn need_data(&self, i: usize) -> Result<Data> {
        self.need(i)?;
        Ok(self.data(i)?.unwrap_or(Data::I64(Vec::new())))
    }

    /// [`Call::data`] as integers.
    pub fn ints(&self, i: usize) -> Result<Option<Vec<i64>>> {
        let Some(data) = self.data(i)? else { return Ok(None) };
        let got =
            || self.error(format!("{} at input {i}", data.dtype()), "integers", "export the model again");
        integers(&data).ok_or_else(got).map(Some)
    }

    pub fn need_ints(&self, i: usize) -> Result<Vec<i64>> {
        self.need(i)?;
        Ok(self.ints(i)?.unwrap_or_default())
    }

    /// One integer of input `i`.
    pub fn need_int(&self, i: usize) -> Result<i64> {
        match self.need_ints(i)?[..] {
            [one] => Ok(one),
            ref list => {
                let got = format!("{} values at input {i}", list.len());
                Err(self.error(got, "one", "export the model again"))
            }
        }
    }

    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.node.attributes.iter().find(|(n, _)| n == name).map(|(_, a)| a)
    }

    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    fn wrong(&self, name: &str, got: &Attribute, expected: &str) -> Error {
        self.error(format!("{name} = {got:?}"), expected, "export the model again")
    }

    pub fn maybe_int(&self, name: &str) -> Result<Option<i64>> {
        match self.attribute(name) {
            None => Ok(None),
            Some(Attribute::Int(v)) => Ok(Some(*v)),
            Some(other) => Err(self.wrong(name, other, "an integer")),
        }
    }

    pub fn int(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.maybe_int(name)?.unwrap_or(default))
    }

    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.int(name, default.into())? != 0)
    }

    pub fn float(&self, name: &str, default: f32) -> Result<f64> {
        match self.attribute(name) {
            None => Ok(default.into()),
            Some(Attribute::Float(v)) => Ok((*v).into()),
            Some(Attribute::Int(v)) => Ok(*v as f64),
            Some(other) => Err(self.wrong(name, other, "a number")),
        }
    }

    pub fn text<'b>(&'b self, name: &str, default: &'b str) -> Result<&'b str> {
        match self.attribute(name) {
            None => Ok(default),
            Some(Attribute::Text(v)) => Ok(v),
            Some(other) => Err(self.wrong(name, other, "a text")),
        }
    }

    pub fn list(&self, name: &str) -> Result<Option<&[i64]>> {
        match self.attribute(name) {
            None => Ok(None),
            Some(Attribute::Ints(v)) => Ok(Some(v)),
            Some(other) => Err(self.wrong(name, other, "a list of integers")),
        }
    }

    pub fn floats(&self, name: &str) -> Result<Option<&[f32]>> {
        match self.attribute(name) {
            None => Ok(None),
            Some(Attribute::Floats(v)) => Ok(Some(v)),
            Some(other) => Err(self.wrong(name, other, "a list of numbers")),
        }
    }

    pub fn value(&self, name: &str) -> Result<Option<&Value>> {
        match self.attribute(name) {
            None => Ok(None),
            Some(Attribute::Tensor(v)) => Ok(Some(v)),
            Some(other) => Err(self.wrong(name, other, "a tensor")),
        }
    }

    /// Integers that moved from the attribute `name` to input `i` with opset `since`.
    pub fn moved(&self, name: &str, i: usize, since: i64) -> Result<Option<Vec<i64>>> {
        if self.opset < since { Ok(self.list(name)?.map(<[i64]>::to_vec)) } else { self.ints(i) }
    }

    /// An axis, which may count from the end, of a tensor with `ndim` axes.
    pub fn axis(&self, axis: i64, ndim: usize) -> Result<usize> {
        let at = if axis < 0 { axis.saturating_add(ndim as i64) } else { axis };
        let out = || {
            let expected = format!("an axis of the {ndim} there are");
            self.error(format!("axis {axis}"), expected, "check the shapes of the model's inputs")
        };
        usize::try_from(at).ok().filter(|a| *a < ndim).ok_or_else(out)
    }

    /// Sizes, counts or steps, none of them negative.
    pub fn sizes(&self, what: &str, list: &[i64]) -> Result<Vec<usize>> {
        let size = |n: &i64| {
            let wrong =
                || self.error(format!("{what} {list:?}"), "no negative numbers", "export the model again");
            usize::try_from(*n).map_err(|_| wrong())
        };
        list.iter().map(size).collect()
    }

    /// How many outputs the graph reads, those left out in front of one counted.
    pub fn outputs(&self) -> usize {
        self.node.outputs.len()
    }

    /// Whether somebody reads output `i`.
    pub fn reads(&self, i: usize) -> bool {
        self.node.outputs.get(i).is_some_and(Option::is_some)
    }
}

pub(super) fn signed(list: &[usize]) -> Vec<isize> {
    list.iter().map(|n| isize::try_from(*n).unwrap_or(isize::MAX)).collect()
}

/// What an int64 result is on the device at hand.
pub(super) fn int64() -> DType {
    super::value::held(DType::I64)
}
