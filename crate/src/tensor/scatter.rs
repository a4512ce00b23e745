//! Putting elements along an axis where an index says, alone or reduced with what is there.

use super::{Operand, Tensor, build, join, select, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Node, Pairs, Reduce, Unary},
};

/// Sources and positions against each other: the shape of the target, but with the sources along `axis` and the
/// positions along one more, last axis.
#[derive(Clone)]
struct Lines {
    axis: usize,
    /// Whether the source is for the position.
    hit: Node,
    source: Node,
    /// What is there: size 1 along `axis`.
    own: Node,
}

impl Tensor {
    /// A copy with `out[index[i][j]][j] = src[i][j]` for axis 0, and so on for other axes. `index` has as many axes
    /// as this; it is no larger than `src`, nor than this except along `axis`; positions outside are left out. Of
    /// several sources for one place the last stays and gets the gradient. `reduce` may be `"add"` or
    /// `"multiply"`: then they are taken together with what is there. Work: elements of `index` times the size of
    /// the axis, as for [`Tensor::gather`].
    pub fn scatter(
        &self,
        axis: isize,
        index: &Tensor,
        src: impl Into<Operand>,
        reduce: Option<&str>,
    ) -> Result<Tensor> {
        let src = match src.into() {
            Operand::Tensor(t) => t,
            number => Tensor::from_node(number.node(&index.shape(), self.dtype())),
        };
        let x = self.node();
        match reduce {
            Some("add") => self.scatter_reduce(axis, index, &src, "sum", true),
            Some("multiply") => self.scatter_reduce(axis, index, &src, "prod", true),
            Some(other) => Err(unknown("scatter", other, "\"add\" or \"multiply\"")),
            None => {
                let l = Lines::new("scatter", &x, axis, index, &src)?;
                Ok(Tensor::from_node(build::cast(&l.back(&l.last()), self.dtype())))
            }
        }
    }

    /// The sources for each place of [`Tensor::scatter`] reduced by `"sum"`, `"prod"`, `"mean"`, `"amax"` or
    /// `"amin"`, together with what is there unless `include_self` is false. Places without a source stay. Ties
    /// share the gradient of `amax` and `amin` equally. The mean of integers is float32.
    pub fn scatter_reduce(
        &self,
        axis: isize,
        index: &Tensor,
        src: &Tensor,
        reduce: &str,
        include_self: bool,
    ) -> Result<Tensor> {
        let op = "scatter_reduce";
        let mean = reduce == "mean";
        let float = |t: &Tensor| {
            if mean && !t.dtype().is_float() { t.cast(t.dtype().float()) } else { Ok(t.clone()) }
        };
        let x = float(self)?;
        let l = Lines::new(op, &x.node(), axis, index, &float(src)?)?;
        let out = match reduce {
            "sum" => l.sum(include_self),
            "mean" => {
                let count = build::sum(&build::cast(&l.hit, l.own.dtype), &[l.axis]);
                let one = Node::constant(1.0, l.own.shape.clone(), l.own.dtype);
                let zero = build::like(&one, 0.0);
                let own = if include_self { one } else { build::select(&l.touched(), &zero, &one) };
                build::div(&l.sum(include_self), &build::add(&count, &own))
            }
            "prod" => {
                let kept = build::select(&l.hit, &l.source, &build::like(&l.source, 1.0));
                let product = build::reduce(Reduce::Prod, &kept, &[l.axis]);
                build::mul(&product, &l.own(include_self, 1.0))
            }
            "amax" => l.largest(include_self),
            "amin" => {
                let turn =
                    |x: &Node| if x.dtype.is_float() { build::neg(x) } else { build::unary(Unary::Not, x) };
                let turned = Lines { source: turn(&l.source), own: turn(&l.own), ..l.clone() };
                turn(&turned.largest(include_self))
            }
            other => return Err(unknown(op, other, "\"sum\", \"prod\", \"mean\", \"amax\" or \"amin\"")),
        };
        Ok(Tensor::from_node(build::cast(&l.back(&out), x.dtype())))
    }
}

fn unknown(op: &str, got: &str, known: &str) -> Error {
    Error::argument(op, format!("reduce \"{got}\""), known, "name one of these")
}

impl Lines {
    fn new(op: &str, x: &Node, axis: isize, index: &Tensor, src: &Tensor) -> Result<Lines> {
        let axis = shape::axis(op, axis, x.shape.len())?;
        let at = select::integers(op, index)?;
        let (to, from) = (&x.shape, src.shape());
        let fits = at.shape.len() == to.len()
            && from.len() == to.len()
            && (0..to.len()).all(|i| at.shape[i] <= from[i] && (i == axis || at.shape[i] <= to[i]));
        if !fits {
            return Err(Error::shape(
                op,
                format!(
                    "indices {:?} of {:?} into {:?}",
                    at.shape.as_slice(),
                    from.as_slice(),
                    to.as_slice()
                ),
                format!(
                    "as many axes, indices no larger than the source, nor than the target except along axis {axis}"
                ),
                "reshape or slice the indices",
            ));
        }
        if src.dtype() != x.dtype {
            let fix = "cast the source";
            return Err(Error::dtype(op, src.dtype().name(), x.dtype.name(), fix));
        }
        let reach = at.shape.iter().map(|n| (0, *n)).collect();
        let grown: Pairs =
            (0..to.len()).map(|i| (0, if i == axis { 0 } else { to[i] - at.shape[i] })).collect();
        let mut pairs = grown.clone();
        pairs.push((0, 0));
        let mut full = at.shape.clone();
        full.push(to[axis]);
        let hit = build::pad(&select::one_hot(&at, &full), pairs);
        let source = build::pad(&build::shrink(&select::wide(&src.node()), reach), grown);
        let mut column = source.shape.clone();
        column.push(1);
        let source = build::expand(&build::reshape(&source, &column), &hit.shape);
        let mut order: Axes = (0..to.len()).filter(|i| *i != axis).collect();
        order.push(axis);
        let mut line = hit.shape.clone();
        line[axis] = 1;
        let own = build::reshape(&build::permute(&select::wide(x), &order), &line);
        Ok(Lines { axis, hit, source, own })
    }

    /// From `own`'s shape to the target's.
    fn back(&self, x: &Node) -> Node {
        let last = x.shape.len() - 1;
        let mut order: Axes = (0..last).collect();
        order[self.axis] = last;
        order.push(self.axis);
        shape::without(&build::permute(x, &order), &[last])
    }

    fn touched(&self) -> Node {
        let count = build::sum(&build::cast(&self.hit, DType::I32), &[self.axis]);
        build::lt(&build::like(&count, 0.0), &count)
    }

    /// What is there, or `empty` where it does not take part.
    fn own(&self, include_self: bool, empty: f64) -> Node {
        if include_self {
            return self.own.clone();
        }
        build::select(&self.touched(), &build::like(&self.own, empty), &self.own)
    }

    fn sum(&self, include_self: bool) -> Node {
        let total = build::sum(&select::kept(&self.hit, &self.source), &[self.axis]);
        build::add(&total, &self.own(include_self, 0.0))
    }

    /// One reduction over the sources and what is there, so that all that tie share the gradient.
    fn largest(&self, include_self: bool) -> Node {
        let least = self.own.dtype.min_value();
        let kept = build::select(&self.hit, &self.source, &build::like(&self.source, least));
        let all = join::joined(&[kept, self.own(include_self, least)], self.axis);
        build::reduce(Reduce::Max, &all, &[self.axis])
    }

    /// The last source of each position; what is there where it has none.
    fn last(&self) -> Node {
        let place = build::offset(&build::iota_along(&self.hit.shape, self.axis, DType::I32), 1.0);
        let named = build::select(&self.hit, &place, &build::like(&place, 0.0));
        let last = build::reduce(Reduce::Max, &named, &[self.axis]);
        let hit = build::eq(&named, &build::expand(&last, &named.shape));
        let hit = build::binary(Binary::And, &hit, &self.hit);
        let value = build::sum(&select::kept(&hit, &self.source), &[self.axis]);
        let touched = build::lt(&build::like(&last, 0.0), &last);
        build::select(&touched, &value, &self.own)
    }
}
