//! What is known from shapes and constants.

use super::super::{
    call::{Call, signed},
    value::{Value, held, known_dtype, scalar},
};
use crate::{
    error::Result,
    graph::DType,
    tensor::{Data, Tensor},
};

/// The sizes from `start` to `end`; both may count from the end and are clipped.
pub fn shape(c: &Call) -> Result<Value> {
    let sizes: Vec<i64> = c.shape(0)?.iter().map(|n| *n as i64).collect();
    let n = sizes.len() as i64;
    let clip = |at: i64| (if at < 0 { at.saturating_add(n) } else { at }).clamp(0, n) as usize;
    let (start, end) = (clip(c.int("start", 0)?), clip(c.int("end", n)?));
    let part = sizes.get(start..end).unwrap_or_default().to_vec();
    Ok(Value::ints(&[part.len()], part))
}

pub fn size(c: &Call) -> Result<Value> {
    Ok(Value::ints(&[], vec![c.shape(0)?.iter().product::<usize>() as i64]))
}

pub fn constant(c: &Call) -> Result<Value> {
    if let Some(value) = c.value("value")? {
        return Ok(value.clone());
    }
    if let Some(list) = c.floats("value_floats")? {
        return Ok(Value::known(&[list.len()], Data::F32(list.to_vec())));
    }
    if let Some(list) = c.list("value_ints")? {
        return Ok(Value::ints(&[list.len()], list.to_vec()));
    }
    if let Some(value) = c.maybe_int("value_int")? {
        return Ok(Value::ints(&[], vec![value]));
    }
    if c.has("value_float") {
        return Ok(Value::known(&[], scalar(c.float("value_float", 0.0)? as f32)));
    }
    Err(c.error("no value of numbers", "value, value_float(s) or value_int(s)", "export the model again"))
}

pub fn constant_of_shape(c: &Call) -> Result<Tensor> {
    let shape = c.sizes("shape", &c.need_ints(0)?)?;
    let data = c.value("value")?.map(Value::data).transpose()?.unwrap_or(Data::F32(vec![0.0]));
    if data.len() != 1 {
        return Err(c.error(format!("{} values", data.len()), "one", "export the model again"));
    }
    Tensor::full(&shape, data.get(0), held(data.dtype()))
}

pub fn range(c: &Call) -> Result<Tensor> {
    let number = |i: usize| -> Result<(f64, DType)> {
        let data = c.need_data(i)?;
        if data.len() != 1 {
            return Err(c.error(
                format!("{} values at input {i}", data.len()),
                "one",
                "export the model again",
            ));
        }
        Ok((data.get(0), data.dtype()))
    };
    let (start, dtype) = number(0)?;
    Tensor::arange(start, number(1)?.0, number(2)?.0, held(dtype))
}

pub fn eye_like(c: &Call) -> Result<Tensor> {
    let own = match c.need(0)? {
        Value::Tensor(t) => t.dtype(),
        Value::Known(known) => known.data.dtype(),
    };
    let dtype = match c.maybe_int("dtype")? {
        Some(code) => known_dtype(&c.node.title, i32::try_from(code).unwrap_or(0))?,
        None => own,
    };
    let &[rows, columns] = &c.shape(0)?[..] else {
        return Err(c.error(format!("shape {:?}", c.shape(0)?), "a matrix", "reshape it to two axes"));
    };
    let k = c.int("k", 0)?;
    let row = Tensor::arange(0.0, rows as f64, 1.0, DType::I32)?.reshape(&[-1, 1])?;
    let column = Tensor::arange(0.0, columns as f64, 1.0, DType::I32)?;
    let limit = rows.max(columns) as i64;
    row.add(k.clamp(-limit, limit))?.eq(column)?.cast(held(dtype))
}

pub fn trilu(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let k = match c.get(1) {
        Some(_) => isize::try_from(c.need_int(1)?).unwrap_or(isize::MAX),
        None => 0,
    };
    if c.flag("upper", true)? { x.triu(k) } else { x.tril(k) }
}

/// Broadcasts both ways.
pub fn expand(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let to = c.sizes("shape", &c.need_ints(1)?)?;
    let own = x.shape();
    let n = to.len().max(own.len());
    let size = |list: &[usize], i: usize| (i + list.len()).checked_sub(n).map_or(1, |i| list[i]);
    let both: Vec<usize> =
        (0..n).map(|i| if size(&to, i) == 1 { size(&own, i) } else { size(&to, i) }).collect();
    x.expand(&signed(&both))
}
