//! How languages write an index and a padding. A part of an index is: an int; null for a new axis; `"..."`; `":"`,
//! `"1:5"`, `"::2"` or `[1, 5]`, `[null, null, 2]` for a range; a bool; a tensor; `[[0, 2, 1]]` for positions.

use super::Value;
use crate::{
    error::{Error, Result},
    tensor::{Index, Operand, Padding, Tensor},
};

/// Null or a whole number.
fn end(value: &Value) -> Option<Option<isize>> {
    match value {
        Value::None => Some(None),
        Value::Int(v) => isize::try_from(*v).ok().map(Some),
        _ => None,
    }
}

fn range(ends: &[Option<isize>]) -> Option<Index> {
    let at = |i: usize| ends.get(i).copied().flatten();
    let ranges = (2..=3).contains(&ends.len());
    ranges.then(|| Index::Range { start: at(0), stop: at(1), step: at(2).unwrap_or(1) })
}

pub(super) fn part(value: &Value) -> Option<Index> {
    Some(match value {
        Value::None => Index::New,
        Value::Bool(v) => Index::Bool(*v),
        Value::Int(v) => Index::At(isize::try_from(*v).ok()?),
        Value::Tensor(t) => Index::Tensor(t.clone()),
        Value::Str(text) => match text.trim() {
            "..." | "…" => Index::Ellipsis,
            ":" => Index::All,
            text => {
                let read = |end: &str| match end.trim() {
                    "" => Some(None),
                    number => number.parse().ok().map(Some),
                };
                range(&text.split(':').map(read).collect::<Option<Vec<_>>>()?)?
            }
        },
        Value::List(list) => match &list[..] {
            [Value::List(places)] => {
                Index::List(places.iter().map(|p| end(p).flatten()).collect::<Option<Vec<_>>>()?)
            }
            ends => range(&ends.iter().map(end).collect::<Option<Vec<_>>>()?)?,
        },
        Value::Float(_) | Value::DType(_) => return None,
    })
}

/// All numbers, or null or a pair for each axis.
pub(super) fn padding(value: &Value) -> Option<Padding> {
    let Value::List(list) = value else { return None };
    let whole = |v: &Value| end(v).flatten();
    if list.iter().all(|v| matches!(v, Value::Int(_))) && !list.is_empty() {
        return Some(Padding::Flat(list.iter().map(whole).collect::<Option<_>>()?));
    }
    let pair = |v: &Value| match v {
        Value::None => Some(None),
        Value::List(two) => match &two[..] {
            [a, b] => Some(Some((whole(a)?, whole(b)?))),
            _ => None,
        },
        _ => None,
    };
    Some(Padding::Axes(list.iter().map(pair).collect::<Option<_>>()?))
}

/// `pad(padding, mode, value)`; a number in the place of the mode is the value.
pub(super) fn pad(x: &Tensor, padding: &Padding, mode: &Value, value: Operand) -> Result<Tensor> {
    match mode {
        Value::Str(mode) => x.pad_mode(padding, mode, value),
        Value::Int(v) => x.pad_mode(padding, "constant", *v),
        Value::Float(v) => x.pad_mode(padding, "constant", *v),
        other => {
            Err(Error::argument("pad", format!("mode {other}"), "the name of a mode", "write \"constant\""))
        }
    }
}

/// `rearrange(formula, [[name, size], …])`.
pub(super) fn rearrange(x: &Tensor, formula: &str, sizes: &Value) -> Result<Tensor> {
    let pair = |v: &Value| match v {
        Value::List(two) => match &two[..] {
            [Value::Str(name), Value::Int(n)] => Some((name.clone(), usize::try_from(*n).ok()?)),
            _ => None,
        },
        _ => None,
    };
    let named: Option<Vec<_>> = match sizes {
        Value::None => Some(Vec::new()),
        Value::List(list) => list.iter().map(pair).collect(),
        _ => None,
    };
    let Some(named) = named else {
        let got = format!("sizes {sizes}");
        return Err(Error::argument("rearrange", got, "names with their sizes", "write e.g. [[\"h\", 2]]"));
    };
    let named: Vec<(&str, usize)> = named.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    x.rearrange(formula, &named)
}
