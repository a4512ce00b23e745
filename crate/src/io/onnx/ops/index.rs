//! Picking and placing by index. Negative positions count from the end.

use super::super::{
    call::{Call, int64, signed},
    value::Value,
};
use crate::{
    error::Result,
    graph::DType,
    tensor::{Index, Tensor},
};

/// One known position is a view.
pub fn gather(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let axis = c.axis(c.int("axis", 0)?, x.ndim())?;
    let mut index = vec![Index::All; axis];
    if let (Value::Known(known), true) = (c.need(1)?, c.shape(1)?.is_empty()) {
        index.push(Index::At(known.data.get(0) as isize));
    } else {
        index.push(Index::Tensor(c.x(1)?));
    }
    x.get(&index)
}

/// int32 positions along an axis of `n`, none negative.
fn wrapped(at: &Tensor, n: usize) -> Result<Tensor> {
    let at = at.int()?;
    at.lt(0)?.where_(at.add(n as i64)?, &at)
}

pub fn gather_elements(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let axis = c.axis(c.int("axis", 0)?, x.ndim())?;
    x.gather(axis as isize, &wrapped(&c.x(1)?, x.shape()[axis])?)
}

/// The columns of indices `[…, k]` as positions along `k` axes.
fn columns(c: &Call, at: &Tensor, first: usize, x: &Tensor) -> Result<Vec<Tensor>> {
    let k = at.shape().last().copied().unwrap_or(0);
    if first + k > x.ndim() || at.ndim() == 0 {
        let got = format!("indices {:?} into {:?}", at.shape().as_slice(), x.shape().as_slice());
        return Err(c.error(
            got,
            "a last size of at most the axes there are",
            "check the shapes of the model's inputs",
        ));
    }
    (0..k as isize).map(|i| at.get(&[Index::Ellipsis, Index::At(i)])).collect()
}

pub fn gather_nd(c: &Call) -> Result<Tensor> {
    let (x, at) = (c.x(0)?, c.x(1)?);
    let batch = c.sizes("batch_dims", &[c.int("batch_dims", 0)?])?[0];
    if batch >= at.ndim().max(1) {
        return Err(c.error(
            format!("batch_dims {batch}"),
            "fewer than the indices' axes",
            "export the model again",
        ));
    }
    let mut index = Vec::new();
    for axis in 0..batch {
        let mut line = vec![1; at.ndim() - 1];
        line[axis] = -1;
        let rows = Tensor::arange(0.0, x.shape()[axis] as f64, 1.0, DType::I32)?;
        index.push(Index::Tensor(rows.reshape(&line)?));
    }
    index.extend(columns(c, &at, batch, &x)?.into_iter().map(Index::Tensor));
    x.get(&index)
}

/// ONNX's names of how values meet, in ours.
fn reduction<'a>(c: &'a Call) -> Result<Option<&'a str>> {
    match c.text("reduction", "none")? {
        "none" => Ok(None),
        "add" => Ok(Some("sum")),
        "mul" => Ok(Some("prod")),
        "max" => Ok(Some("amax")),
        "min" => Ok(Some("amin")),
        other => Err(c.error(
            format!("reduction \"{other}\""),
            "none, add, mul, max or min",
            "export the model again",
        )),
    }
}

fn scattered(x: &Tensor, axis: isize, at: &Tensor, new: &Tensor, how: Option<&str>) -> Result<Tensor> {
    match how {
        None => x.scatter(axis, at, new, None),
        Some(how) => x.scatter_reduce(axis, at, new, how, true),
    }
}

pub fn scatter_elements(c: &Call) -> Result<Tensor> {
    let x = c.x(0)?;
    let axis = c.axis(c.int("axis", 0)?, x.ndim())?;
    let at = wrapped(&c.x(1)?, x.shape()[axis])?;
    scattered(&x, axis as isize, &at, &c.x(2)?, reduction(c)?)?.cast(x.dtype())
}

/// Rows at index tuples: the indexed axes become one.
pub fn scatter_nd(c: &Call) -> Result<Tensor> {
    let (x, at, new) = (c.x(0)?, c.x(1)?, c.x(2)?);
    let (shape, columns) = (x.shape(), columns(c, &at, 0, &x)?);
    let k = columns.len();
    let mut place = Tensor::full(&at.shape()[..at.ndim() - 1], 0.0, DType::I32)?;
    for (column, n) in columns.iter().zip(&shape) {
        place = place.mul(*n as i64)?.add(wrapped(column, *n)?)?;
    }
    let (rows, row): (usize, usize) = (shape[..k].iter().product(), shape[k..].iter().product());
    let count = place.numel();
    let place = place.reshape(&[-1, 1])?.expand(&signed(&[count, row]))?;
    let flat = x.reshape(&signed(&[rows, row]))?;
    let new = new.reshape(&signed(&[count, row]))?;
    scattered(&flat, 0, &place, &new, reduction(c)?)?.cast(x.dtype())?.reshape(&signed(&shape))
}

/// `values` holds what is off and what is on.
pub fn one_hot(c: &Call) -> Result<Tensor> {
    let (at, values) = (c.x(0)?, c.x(2)?);
    let depth = c.data(1)?.filter(|d| d.len() == 1).map_or(-1, |d| d.get(0) as i64);
    let depth = c.sizes("depth", &[depth])?[0];
    let axis = c.axis(c.int("axis", -1)?, at.ndim() + 1)?;
    let mut order: Vec<isize> = (0..at.ndim() as isize).collect();
    order.insert(axis, at.ndim() as isize);
    let on = wrapped(&at, depth)?.one_hot(depth)?.permute(&order)?;
    let value = |i: isize| values.get(&[Index::At(i)]);
    on.bool()?.where_(value(1)?, value(0)?)
}

/// The positions that are not 0, one column each. Their number is read back.
pub fn nonzero(c: &Call) -> Result<Tensor> {
    let (shape, data) = (c.shape(0)?, c.need_data(0)?);
    let places: Vec<usize> = (0..data.len()).filter(|i| data.get(*i) != 0.0).collect();
    let mut inner: usize = shape.iter().product();
    let row = |n: &usize| {
        inner /= (*n).max(1);
        let (inner, n) = (inner, *n);
        places.iter().map(move |i| (i / inner.max(1) % n.max(1)) as i32)
    };
    let rows: Vec<i32> = shape.iter().flat_map(row).collect();
    Tensor::from_slice(&rows, &[shape.len(), places.len()])?.cast(int64())
}

/// The slices where the condition holds. It is read back.
pub fn compress(c: &Call) -> Result<Tensor> {
    let data = c.need_data(1)?;
    let at: Vec<isize> = (0..data.len()).filter(|i| data.get(*i) != 0.0).map(|i| i as isize).collect();
    let (x, axis) = match c.maybe_int("axis")? {
        Some(axis) => (c.x(0)?, c.axis(axis, c.shape(0)?.len())?),
        None => (c.x(0)?.flatten(0)?, 0),
    };
    let mut index = vec![Index::All; axis];
    index.push(Index::List(at));
    x.get(&index)
}
