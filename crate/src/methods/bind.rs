//! Takes what was given; gives each parameter a value of its type, or the error that names it.

use super::{Arg, Default, Given, Kind, Method, Value, index};
use crate::{
    error::{Error, Result},
    graph::DType,
    tensor::{AxisList, Index, Operand, Padding, Slice, Tensor},
};
use std::mem;

/// The checked arguments of one call, by place.
pub struct Bound {
    this: Option<Tensor>,
    values: Given,
}

impl Bound {
    pub(super) fn new(
        method: &Method,
        this: Option<Tensor>,
        given: Given,
        named: Vec<(usize, Value)>,
    ) -> Result<Bound> {
        if this.is_none() && !method.on_class {
            let fix = format!("write x.{}(…)", method.name);
            return Err(Error::argument(method.name, "no tensor", "to be called on a tensor", fix));
        }
        let mut values = spread(method, given, &named);
        let (got, most) = (values.len(), method.args.len());
        if got > most && values[most..].iter().any(Option::is_some) {
            let got = format!("{got} arguments");
            return Err(Error::argument(method.name, got, format!("at most {most}"), "leave the rest out"));
        }
        values.resize(most, None);
        for (place, value) in named {
            if values[place].replace(value).is_some() {
                let got = format!("`{}` twice", method.args[place].name);
                return Err(Error::argument(method.name, got, "each argument once", "leave one out"));
            }
        }
        for (arg, value) in method.args.iter().zip(&mut values) {
            match value {
                Some(Value::None) if arg.optional => {}
                Some(given) => arg.check(method.name, given)?,
                None => {
                    let mut standard = arg.standard(method.name)?;
                    if !matches!(standard, Value::None) {
                        arg.check(method.name, &mut standard)?;
                    }
                    *value = Some(standard);
                }
            }
        }
        Ok(Bound { this, values })
    }

    pub fn this(&mut self) -> Tensor {
        self.this.take().expect("checked when bound")
    }

    fn take(&mut self, i: usize) -> Value {
        self.values[i].take().unwrap_or(Value::None)
    }

    fn list(&mut self, i: usize) -> Option<Vec<Value>> {
        if let Value::List(list) = self.take(i) { Some(list) } else { None }
    }
}

/// `f(2, 3)` as `f([2, 3])`, for the parameter that takes both.
fn spread(method: &Method, mut given: Given, named: &[(usize, Value)]) -> Given {
    let Some(place) = method.args.iter().position(|a| a.kind.spreads()) else { return given };
    let arg = &method.args[place];
    let count = match (arg.kind, given.get(place)) {
        (Kind::Tensors, Some(Some(Value::Tensor(_)))) => {
            given[place..].iter().take_while(|v| matches!(v, Some(Value::Tensor(_)))).count()
        }
        (Kind::Tensors, _) => return given,
        (_, None) => {
            let told = named.iter().any(|(p, _)| *p == place);
            if given.len() == place && !told && matches!(arg.default, Default::Required) {
                given.push(Some(Value::List(Vec::new())));
            }
            return given;
        }
        (Kind::Slices | Kind::Index, _) if place + 1 < method.positional => return given,
        (Kind::Slices | Kind::Index, _) => given.len() - place,
        (_, Some(None | Some(Value::None | Value::List(_)))) => return given,
        (_, Some(Some(_))) => given.len() - place,
    };
    let rest: Given = given.drain(place + count..).collect();
    let list = given.drain(place..).map(|v| v.unwrap_or(Value::None)).collect();
    given.push(Some(Value::List(list)));
    given.extend(rest);
    given
}

impl Kind {
    fn spreads(self) -> bool {
        matches!(self, Kind::Shape | Kind::Dims | Kind::Slices | Kind::Index | Kind::Tensors)
    }

    /// What an error says was expected, and how to write it.
    fn expected(self) -> (&'static str, &'static str) {
        match self {
            Kind::Tensor => ("a tensor", "wrap it: tensor(…)"),
            Kind::Operand => ("a tensor or a number", "wrap it: tensor(…)"),
            Kind::Number | Kind::Float => ("a number", "pass a number"),
            Kind::Int => ("a whole number", "pass a whole number"),
            Kind::Size => ("a whole number from 0", "pass a whole number"),
            Kind::Bool => ("true or false", "pass true or false"),
            Kind::Str => ("a text", "put it in quotes"),
            Kind::DType => ("the name of a dtype", "write e.g. \"float32\""),
            Kind::Axes | Kind::Ints => ("a whole number or a list of them", "write e.g. 1 or [0, 1]"),
            Kind::Dims => ("whole numbers", "give each axis a whole number"),
            Kind::Sizes | Kind::Shape => ("whole numbers from 0", "give each axis a whole number"),
            Kind::Ranges => ("null or [from, to] per axis", "write e.g. [null, [1, 3]]"),
            Kind::Pads => ("null or [before, after] per axis, or a flat list", "write e.g. [null, [1, 2]]"),
            Kind::Any => ("a value", "pass a value"),
            Kind::Tensors => ("a list of tensors", "write [a, b]"),
            Kind::Slices => ("none, a number or [start, stop, step] per axis", "write e.g. [0, 10]"),
            Kind::Index => {
                ("ints, \"1:5\", null, \"...\", bools or tensors", "write e.g. 0, \":\" or [1, 5, 2]")
            }
        }
    }
}

impl Arg {
    fn standard(&self, method: &str) -> Result<Value> {
        Ok(match self.default {
            Default::Required => {
                let (expected, fix) = self.kind.expected();
                return Err(Error::argument(
                    method,
                    format!("no {}", self.name),
                    format!("{} to be {expected}", self.name),
                    fix,
                ));
            }
            Default::None => Value::None,
            Default::Bool(v) => Value::Bool(v),
            Default::Int(v) => Value::Int(v),
            Default::Float(v) => Value::Float(v),
            Default::Str(v) => match DType::parse(v) {
                Some(dtype) if self.kind == Kind::DType => Value::DType(dtype),
                _ => Value::from(v),
            },
            Default::Ints(v) => Value::List(v.iter().map(|n| Value::Int(*n)).collect()),
        })
    }

    /// Brings the value into the form the accessors of [`Bound`] read.
    fn check(&self, method: &str, value: &mut Value) -> Result<()> {
        if let (Kind::DType, Value::Str(name)) = (self.kind, &*value) {
            *value = Value::DType(dtype(method, name)?);
        }
        if self.kind.is_list() && !matches!(value, Value::List(_)) {
            *value = Value::List(vec![mem::replace(value, Value::None)]);
        }
        if fits(self.kind, value) {
            return Ok(());
        }
        let (expected, fix) = self.kind.expected();
        let class = if self.kind.is_shape() { crate::Kind::Shape } else { crate::Kind::Argument };
        let what = if matches!(value, Value::List(_)) && !self.kind.is_list() { "the array " } else { "" };
        Err(Error::new(class, method, format!("{} {what}{value}", self.name), expected, fix))
    }
}

impl Kind {
    fn is_list(self) -> bool {
        match self {
            Kind::Tensor | Kind::Operand | Kind::Number | Kind::Int | Kind::Size => false,
            Kind::Float | Kind::Bool | Kind::Str | Kind::DType | Kind::Any => false,
            Kind::Axes | Kind::Ints | Kind::Sizes => true,
            Kind::Ranges | Kind::Pads => true,
            Kind::Tensors | Kind::Slices | Kind::Shape | Kind::Dims | Kind::Index => true,
        }
    }

    fn is_shape(self) -> bool {
        matches!(self, Kind::Axes | Kind::Sizes | Kind::Ranges | Kind::Pads | Kind::Shape | Kind::Dims)
    }
}

fn fits(kind: Kind, value: &Value) -> bool {
    let all = |kind| matches!(value, Value::List(list) if list.iter().all(|v| fits(kind, v)));
    match kind {
        Kind::Tensor => matches!(value, Value::Tensor(_)),
        Kind::Operand => matches!(value, Value::Tensor(_) | Value::Bool(_)) || fits(Kind::Float, value),
        Kind::Number | Kind::Float => matches!(value, Value::Int(_) | Value::Float(_)),
        Kind::Int => matches!(value, Value::Int(v) if isize::try_from(*v).is_ok()),
        Kind::Size => matches!(value, Value::Int(v) if usize::try_from(*v).is_ok()),
        Kind::Bool => matches!(value, Value::Bool(_)),
        Kind::Str => matches!(value, Value::Str(_)),
        Kind::DType => matches!(value, Value::DType(_)),
        Kind::Axes | Kind::Ints | Kind::Dims => all(Kind::Int),
        Kind::Sizes | Kind::Shape => all(Kind::Size),
        Kind::Ranges => matches!(value, Value::List(list) if list.iter().all(|v| range(v).is_some())),
        Kind::Pads => index::padding(value).is_some(),
        Kind::Any => true,
        Kind::Tensors => all(Kind::Tensor),
        Kind::Slices => matches!(value, Value::List(list) if list.iter().all(|v| slice(v).is_some())),
        Kind::Index => matches!(value, Value::List(list) if list.iter().all(|v| index::part(v).is_some())),
    }
}

/// The dtype of that name.
pub fn dtype(method: &str, name: &str) -> Result<DType> {
    DType::parse(name).ok_or_else(|| {
        let known: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
        Error::dtype(method, format!("\"{name}\""), known.join(", "), "name one of these")
    })
}

fn range(value: &Value) -> Option<Option<(usize, usize)>> {
    match value {
        Value::None => Some(None),
        Value::List(two) if two.len() == 2 && fits(Kind::Sizes, value) => {
            Some(Some((int(&two[0])? as usize, int(&two[1])? as usize)))
        }
        _ => None,
    }
}

fn slice(value: &Value) -> Option<Slice> {
    Some(match value {
        Value::None => Slice::All,
        Value::Int(at) => Slice::At(*at as isize),
        Value::List(ends) if (2..=3).contains(&ends.len()) => {
            let end = |i: usize| match ends.get(i) {
                None | Some(Value::None) => Some(None),
                Some(Value::Int(v)) => Some(Some(*v as isize)),
                Some(_) => None,
            };
            Slice::Range { start: end(0)?, stop: end(1)?, step: end(2)?.unwrap_or(1) }
        }
        _ => return None,
    })
}

/// The accessors `crate/build.rs` writes calls of. What they read has been checked.
#[allow(dead_code, reason = "a type that no row needs")]
impl Bound {
    pub fn tensor(&mut self, i: usize) -> Tensor {
        self.optional_tensor(i).expect("checked when bound")
    }

    pub fn optional_tensor(&mut self, i: usize) -> Option<Tensor> {
        if let Value::Tensor(t) = self.take(i) { Some(t) } else { None }
    }

    pub fn operand(&mut self, i: usize) -> Operand {
        self.optional_operand(i).expect("checked when bound")
    }

    pub fn optional_operand(&mut self, i: usize) -> Option<Operand> {
        Some(match self.take(i) {
            Value::Tensor(t) => Operand::Tensor(t),
            Value::Bool(v) => Operand::Bool(v),
            Value::Int(v) => Operand::Int(v),
            Value::Float(v) => Operand::Float(v),
            _ => return None,
        })
    }

    pub fn int(&mut self, i: usize) -> isize {
        self.optional_int(i).unwrap_or(0)
    }

    pub fn optional_int(&mut self, i: usize) -> Option<isize> {
        int(&self.take(i)).map(|v| v as isize)
    }

    pub fn size(&mut self, i: usize) -> usize {
        self.optional_size(i).unwrap_or(0)
    }

    pub fn optional_size(&mut self, i: usize) -> Option<usize> {
        int(&self.take(i)).map(|v| v as usize)
    }

    pub fn float(&mut self, i: usize) -> f64 {
        self.optional_float(i).unwrap_or(0.0)
    }

    pub fn optional_float(&mut self, i: usize) -> Option<f64> {
        float(&self.take(i))
    }

    pub fn bool(&mut self, i: usize) -> bool {
        self.optional_bool(i).unwrap_or(false)
    }

    pub fn optional_bool(&mut self, i: usize) -> Option<bool> {
        if let Value::Bool(v) = self.take(i) { Some(v) } else { None }
    }

    pub fn str(&mut self, i: usize) -> String {
        self.optional_str(i).unwrap_or_default()
    }

    pub fn optional_str(&mut self, i: usize) -> Option<String> {
        if let Value::Str(v) = self.take(i) { Some(v) } else { None }
    }

    pub fn dtype(&mut self, i: usize) -> DType {
        self.optional_dtype(i).expect("checked when bound")
    }

    pub fn optional_dtype(&mut self, i: usize) -> Option<DType> {
        if let Value::DType(v) = self.take(i) { Some(v) } else { None }
    }

    pub fn axes(&mut self, i: usize) -> AxisList {
        self.optional_ints(i).into()
    }

    pub fn ints(&mut self, i: usize) -> Vec<isize> {
        self.optional_ints(i).unwrap_or_default()
    }

    pub fn optional_ints(&mut self, i: usize) -> Option<Vec<isize>> {
        Some(self.list(i)?.iter().filter_map(|v| int(v).map(|v| v as isize)).collect())
    }

    pub fn sizes(&mut self, i: usize) -> Vec<usize> {
        self.optional_sizes(i).unwrap_or_default()
    }

    pub fn optional_sizes(&mut self, i: usize) -> Option<Vec<usize>> {
        Some(self.list(i)?.iter().filter_map(|v| int(v).map(|v| v as usize)).collect())
    }

    pub fn ranges(&mut self, i: usize) -> Vec<Option<(usize, usize)>> {
        self.list(i).unwrap_or_default().iter().filter_map(range).collect()
    }

    pub fn pads(&mut self, i: usize) -> Padding {
        index::padding(&self.take(i)).expect("checked when bound")
    }

    pub fn any(&mut self, i: usize) -> Value {
        self.take(i)
    }

    pub fn index(&mut self, i: usize) -> Vec<Index> {
        self.list(i).unwrap_or_default().iter().filter_map(index::part).collect()
    }

    pub fn tensors(&mut self, i: usize) -> Vec<Tensor> {
        let tensor = |v| if let Value::Tensor(t) = v { Some(t) } else { None };
        self.list(i).unwrap_or_default().into_iter().filter_map(tensor).collect()
    }

    pub fn slices(&mut self, i: usize) -> Vec<Slice> {
        self.list(i).unwrap_or_default().iter().filter_map(slice).collect()
    }
}

fn int(value: &Value) -> Option<i64> {
    if let Value::Int(v) = value { Some(*v) } else { None }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        _ => None,
    }
}
