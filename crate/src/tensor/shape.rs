//! Takes shapes and axes as users write them; gives checked ones, or the error that names the fix.

use super::build;
use crate::{
    error::{Error, Result},
    graph::{Axes, Node, Shape},
};
use smallvec::SmallVec;

/// The axes of a reduction: none written means all. Negative axes count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisList(Option<SmallVec<[isize; 4]>>);

impl From<()> for AxisList {
    fn from(_: ()) -> Self {
        Self(None)
    }
}
impl From<i32> for AxisList {
    fn from(axis: i32) -> Self {
        Self(Some(SmallVec::from_slice(&[axis as isize])))
    }
}
impl From<isize> for AxisList {
    fn from(axis: isize) -> Self {
        Self(Some(SmallVec::from_slice(&[axis])))
    }
}
impl From<&[isize]> for AxisList {
    fn from(axes: &[isize]) -> Self {
        Self(Some(SmallVec::from_slice(axes)))
    }
}
impl<const N: usize> From<[isize; N]> for AxisList {
    fn from(axes: [isize; N]) -> Self {
        Self::from(&axes[..])
    }
}
impl<const N: usize> From<&[isize; N]> for AxisList {
    fn from(axes: &[isize; N]) -> Self {
        Self::from(&axes[..])
    }
}
impl From<Option<Vec<isize>>> for AxisList {
    fn from(axes: Option<Vec<isize>>) -> Self {
        Self(axes.map(SmallVec::from_vec))
    }
}

impl AxisList {
    /// The axes as positions, in order, each once.
    pub(crate) fn resolve(&self, op: &str, ndim: usize) -> Result<Axes> {
        let Some(list) = &self.0 else { return Ok((0..ndim).collect()) };
        let mut axes = list.iter().map(|a| axis(op, *a, ndim)).collect::<Result<Axes>>()?;
        axes.sort_unstable();
        axes.dedup();
        if axes.len() != list.len() {
            return Err(Error::shape(
                op,
                format!("axes {list:?}"),
                "each axis once",
                "remove the repeated axis",
            ));
        }
        Ok(axes)
    }
}

/// The position of an axis that may count from the end.
pub(crate) fn axis(op: &str, axis: isize, ndim: usize) -> Result<usize> {
    let rank = ndim as isize;
    if (-rank..rank).contains(&axis) {
        return Ok(axis.rem_euclid(rank) as usize);
    }
    let expected = if ndim == 0 {
        "no axis, as a scalar has none".to_string()
    } else {
        format!("an axis from {} to {}", -rank, rank - 1)
    };
    Err(Error::shape(op, format!("axis {axis}"), expected, "name an axis the tensor has"))
}

/// Refuses a shape whose elements cannot be counted on this machine. Whether its bytes find room is asked when it is
/// computed: a product that is summed at once needs none.
pub(crate) fn checked(op: &str, shape: &[usize]) -> Result<Shape> {
    let elements = shape.iter().try_fold(1, |n: usize, s| n.checked_mul(*s));
    match elements {
        Some(n) if n <= isize::MAX as usize => Ok(Shape::from_slice(shape)),
        _ => Err(Error::shape(
            op,
            format!("shape {shape:?}"),
            "a number of elements this machine can address",
            "use a smaller shape",
        )),
    }
}

/// The shape both broadcast to, by NumPy's rule: aligned at the end, sizes equal or 1.
pub(crate) fn broadcast(op: &str, a: &[usize], b: &[usize]) -> Result<Shape> {
    let ndim = a.len().max(b.len());
    let size = |s: &[usize], i: usize| if i + s.len() < ndim { 1 } else { s[i + s.len() - ndim] };
    (0..ndim)
        .map(|i| match (size(a, i), size(b, i)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            (x, y) => Err(Error::shape(
                op,
                format!("shapes {a:?} and {b:?}"),
                format!("equal sizes or 1 in every axis, from the last ({x} meets {y})"),
                "reshape or expand one of them",
            )),
        })
        .collect()
}

/// `x` at the broadcast shape `to`: axes added in front, axes of size 1 grown.
pub(crate) fn broadcast_node(x: &Node, to: &[usize]) -> Node {
    if x.shape[..] == *to {
        return x.clone();
    }
    let mut line = Shape::from_elem(1, to.len() - x.shape.len());
    line.extend_from_slice(&x.shape);
    build::expand(&build::reshape(x, &line), to)
}

/// Drops the axes a reduction left with size 1.
pub(crate) fn without(x: &Node, axes: &[usize]) -> Node {
    let shape: Shape =
        x.shape.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, n)| *n).collect();
    build::reshape(x, &shape)
}
