//! Putting elements along an axis where an index says, alone or reduced with what is there.

use super::{Operand, Tensor, build, compare, join, movement, picks, select, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, Binary, DType, Mark, Node, Pairs, Reduce, Shape, Unary},
};
use std::rc::Rc;

/// Sources and positions against each other: the shape of the target, but with the sources along `axis` and the
/// positions along one more, last axis.
#[derive(Clone)]
struct Lines {
    axis: usize,
    /// Whether the source is for the position.
    hit: Node,
    source: Node,
    /// What is there, and the sum and the number of the sources for it: size 1 along `axis`.
    own: Node,
    total: Node,
    count: Node,
}

impl Tensor {
    /// A copy with `out[index[i][j]][j] = src[i][j]` for axis 0, and so on for other axes. `index` has as many axes
    /// as this; it is no larger than `src`, nor than this except along `axis`; positions outside are left out. Of
    /// several sources for one place the last stays and gets the gradient. `reduce` may be `"add"` or
    /// `"multiply"`: then they are taken together with what is there. Work: elements of `index` times the size of
    /// the axis; where `index` is expanded along the other axes, its own elements for the last, and a contraction
    /// for sums.
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
                let (axis, at) = checked("scatter", &x, axis, index, &src)?;
                Ok(Tensor::from_node(last(&x, axis, &at, &src.node())?))
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
                let count = build::cast(&l.count, l.own.dtype);
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

/// The axis and the int32 positions.
fn checked(op: &str, x: &Node, axis: isize, index: &Tensor, src: &Tensor) -> Result<(usize, Node)> {
    let axis = shape::axis(op, axis, x.shape.len())?;
    let at = select::integers(op, index)?;
    let (to, from) = (&x.shape, src.shape());
    let fits = at.shape.len() == to.len()
        && from.len() == to.len()
        && (0..to.len()).all(|i| at.shape[i] <= from[i] && (i == axis || at.shape[i] <= to[i]));
    if !fits {
        return Err(Error::shape(
            op,
            format!("indices {:?} of {:?} into {:?}", at.shape.as_slice(), from.as_slice(), to.as_slice()),
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
    Ok((axis, at))
}

impl Lines {
    fn new(op: &str, x: &Node, axis: isize, index: &Tensor, src: &Tensor) -> Result<Lines> {
        let (axis, at) = checked(op, x, axis, index, src)?;
        let to = &x.shape;
        let part = reached(&select::wide(&src.node()), &at);
        let grown = growth(axis, &at, to);
        let mut pairs = grown.clone();
        pairs.push((0, 0));
        let hit = build::pad(&hits(&at, to[axis]), pairs);
        let source = build::pad(&part, grown);
        let mut column = source.shape.clone();
        column.push(1);
        let source = build::expand(&build::reshape(&source, &column), &hit.shape);
        let mut line = hit.shape.clone();
        line[axis] = 1;
        let order = picks::moved(to.len(), axis, 1, to.len() - 1);
        let lined = |x: &Node| build::reshape(&build::permute(x, &order), &line);
        let own = lined(&select::wide(x));
        let total = lined(&added(&part, axis, &at, to));
        let count = lined(&counted(axis, &at, to));
        Ok(Lines { axis, hit, source, own, total, count })
    }

    /// From `own`'s shape to the target's.
    fn back(&self, x: &Node) -> Node {
        swapped(x, self.axis)
    }

    fn touched(&self) -> Node {
        build::lt(&build::like(&self.count, 0.0), &self.count)
    }

    /// What is there, or `empty` where it does not take part.
    fn own(&self, include_self: bool, empty: f64) -> Node {
        if include_self {
            return self.own.clone();
        }
        build::select(&self.touched(), &build::like(&self.own, empty), &self.own)
    }

    fn sum(&self, include_self: bool) -> Node {
        build::add(&self.total, &self.own(include_self, 0.0))
    }

    /// One reduction over the sources and what is there, so that all that tie share the gradient.
    fn largest(&self, include_self: bool) -> Node {
        let least = self.own.dtype.min_value();
        let kept = build::select(&self.hit, &self.source, &build::like(&self.source, least));
        let all = join::joined(&[kept, self.own(include_self, least)], self.axis);
        build::reduce(Reduce::Max, &all, &[self.axis])
    }
}

/// `[…, 1, …, n]`, with 1 for `axis` → `[…, n, …]`.
fn swapped(x: &Node, axis: usize) -> Node {
    let last = x.shape.len() - 1;
    let mut order: Axes = (0..last).collect();
    order[axis] = last;
    order.push(axis);
    shape::without(&build::permute(x, &order), &[last])
}

/// The part of `src` that `at` has positions for.
fn reached(src: &Node, at: &Node) -> Node {
    build::shrink(src, at.shape.iter().map(|n| (0, *n)).collect())
}

/// What `at` lacks to be `to` along all axes but `axis`.
fn growth(axis: usize, at: &Node, to: &[usize]) -> Pairs {
    (0..to.len()).map(|i| (0, if i == axis { 0 } else { to[i] - at.shape[i] })).collect()
}

/// The shape of `at`, but with the target's size along `axis`.
fn targets(axis: usize, at: &Node, to: &[usize]) -> Shape {
    let mut shape = at.shape.clone();
    shape[axis] = to[axis];
    shape
}

/// Whether each position is each of `n`, along a new last axis.
fn hits(at: &Node, n: usize) -> Node {
    let mut full = at.shape.clone();
    full.push(n);
    select::one_hot(at, &full)
}

/// `src`, of the shape of `at`, added up at its positions along `axis` of a target of shape `to`. It and
/// [`select::gather`] are each other's gradients.
pub(super) fn added(src: &Node, axis: usize, at: &Node, to: &[usize]) -> Node {
    let total = match select::line(at, axis) {
        Some(line) if src.dtype.is_float() && src.numel() > 0 => {
            let front = build::permute(src, &picks::moved(to.len(), axis, 1, 0));
            let picks = line.numel();
            let rows = build::reshape(&front, &[picks, front.numel() / picks]);
            let mut shape = front.shape.clone();
            shape[0] = to[axis];
            let rows = build::reshape(&added_rows(&rows, &line, to[axis]), &shape);
            build::permute(&rows, &picks::moved(to.len(), 0, 1, axis))
        }
        // What is read so often is computed once.
        _ => added_each(&build::contiguous(src), axis, at, to[axis]),
    };
    let total = build::pad(&total, growth(axis, at, to));
    if !src.dtype.is_float() {
        return total;
    }
    let backward = move |mark: &Node, g: &Node| Ok(vec![Some(select::gather(g, axis, &mark.src[2])?), None]);
    build::mark(Mark::Custom(Rc::new(backward)), &total, &[src.clone(), at.clone()])
}

/// Every source against each of `n` positions.
fn added_each(src: &Node, axis: usize, at: &Node, n: usize) -> Node {
    let hit = hits(at, n);
    let mut column = src.shape.clone();
    column.push(1);
    let source = build::expand(&build::reshape(src, &column), &hit.shape);
    swapped(&build::sum(&select::kept(&hit, &source), &[axis]), axis)
}

/// Rows `[picks, width]` added up at the positions `line` `[picks]`, to `[n, width]`: a contraction with one-hot rows.
/// Zero times infinity or NaN would reach all rows, so these are counted in columns of their own.
fn added_rows(src: &Node, line: &Node, n: usize) -> Node {
    let (picks, width) = (src.shape[0], src.shape[1]);
    let zero = build::like(src, 0.0);
    let not_a_number = build::unary(Unary::Not, &build::eq(src, src));
    let endless = |limit: f64| {
        let at_limit = build::eq(src, &build::like(src, limit));
        build::cast(&build::binary(Binary::Or, &at_limit, &not_a_number), src.dtype)
    };
    let (up, down) = (f64::INFINITY, f64::NEG_INFINITY);
    let finite = build::select(&compare::is_finite(src), src, &zero);
    let columns = join::joined(&[finite, endless(up), endless(down)], 1);
    let full = [picks, n, 3 * width];
    let hit = build::reshape(&build::cast(&hits(line, n), src.dtype), &[picks, n, 1]);
    let columns = build::reshape(&columns, &[picks, 1, 3 * width]);
    let products = build::mul(&build::expand(&hit, &full), &build::expand(&columns, &full));
    // In a buffer: a kernel that sums each part apart would be no contraction.
    let total = build::contiguous(&build::reshape(&build::sum(&products, &[0]), &[n, 3 * width]));
    let part = |i: usize| movement::keep(&total, 1, i * width, (i + 1) * width);
    let limited = |sum: &Node, i: usize, limit: f64| {
        let count = part(i);
        let zero = build::like(&count, 0.0);
        build::add(sum, &build::select(&build::lt(&zero, &count), &build::like(&count, limit), &zero))
    };
    limited(&limited(&part(0), 1, up), 2, down)
}

/// How many sources there are for each place of the target.
fn counted(axis: usize, at: &Node, to: &[usize]) -> Node {
    let own = select::narrow(at, axis);
    let ones = Node::constant(1.0, own.shape.clone(), DType::I32);
    let count = added_each(&ones, axis, &own, to[axis]);
    build::pad(&build::expand(&count, &targets(axis, at, to)), growth(axis, at, to))
}

/// The last source of each place; what is there where it has none.
fn last(x: &Node, axis: usize, at: &Node, src: &Node) -> Result<Node> {
    let hit = hits(&select::narrow(at, axis), x.shape[axis]);
    let place = build::offset(&build::iota_along(&hit.shape, axis, DType::I32), 1.0);
    let named = build::select(&hit, &place, &build::like(&place, 0.0));
    let last = build::offset(&swapped(&build::reduce(Reduce::Max, &named, &[axis]), axis), -1.0);
    let last = build::expand(&last, &targets(axis, at, &x.shape));
    let grown = growth(axis, at, &x.shape);
    let value = build::pad(&select::gather(&reached(src, at), axis, &last)?, grown.clone());
    let touched = build::pad(&build::lt(&build::like(&last, -1.0), &last), grown);
    Ok(build::select(&touched, &value, x))
}
