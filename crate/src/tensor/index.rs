//! NumPy's `x[…]`: what an index keeps, read and written. Nothing is overwritten: writing makes a new value.

use super::{Operand, Tensor, build, picks, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Node, Pairs, Shape, Window},
};

/// One part of an index, as Python writes it between brackets. Negative positions count from the end.
#[derive(Clone, Debug)]
pub enum Index {
    /// `:` keeps an axis.
    All,
    /// One position; the axis goes away. Outside the axis is an error.
    At(isize),
    /// `start:stop:step`, clipped to the axis; a negative step walks backward.
    Range { start: Option<isize>, stop: Option<isize>, step: isize },
    /// `None` adds an axis of size 1.
    New,
    /// `...` keeps as many axes as the other parts leave.
    Ellipsis,
    /// A bool adds an axis: of size 1 for true, 0 for false.
    Bool(bool),
    /// Positions along an axis. Outside the axis is an error.
    List(Vec<isize>),
    /// Integers of any shape pick positions along an axis, and outside gives 0; bools are a mask over as many axes
    /// as they have.
    Tensor(Tensor),
}

impl Index {
    fn axes(&self) -> usize {
        match self {
            Index::New | Index::Ellipsis | Index::Bool(_) => 0,
            Index::All | Index::At(_) | Index::Range { .. } | Index::List(_) => 1,
            Index::Tensor(t) if t.dtype() == DType::Bool => t.ndim(),
            Index::Tensor(_) => 1,
        }
    }
}

/// What ints and ranges keep of one axis: `from..to`, perhaps backward, then every `step`th.
struct Span {
    from: usize,
    to: usize,
    step: usize,
    back: bool,
}

impl Span {
    fn count(&self) -> usize {
        (self.to - self.from).div_ceil(self.step)
    }
}

/// An index made for one shape: a view, then picks along some of its axes, or a mask from one axis on.
struct Plan {
    spans: Vec<Span>,
    view: Shape,
    picks: Vec<(usize, Tensor)>,
    mask: Option<(usize, Tensor)>,
}

impl Tensor {
    /// Python's `self[…]`: axes not named are kept whole. Integer tensors and lists broadcast together; their axes
    /// stand where the first of them is, or in front where other parts lie between them (ints do not count as
    /// picks, as in PyTorch and tinygrad). A mask's result has a size that must be read back: see
    /// [`Tensor::get_masked`].
    ///
    /// Gradients flow back to what was kept; to a position picked twice they add up. For picks that is a product
    /// with one-hot rows, picks · positions in work.
    pub fn get(&self, index: &[Index]) -> Result<Tensor> {
        self.read("get", index)
    }

    /// Another name of [`Tensor::get`].
    pub fn slice(&self, parts: &[Index]) -> Result<Tensor> {
        self.read("slice", parts)
    }

    /// [`Tensor::get`] where the index may hold masks: a mask stands for the integer tensors of its
    /// [`Tensor::nonzero`], whose count is read back.
    pub async fn get_masked(&self, index: &[Index]) -> Result<Tensor> {
        Plan::new("get", &self.shape(), index, true)?;
        let mut parts = Vec::with_capacity(index.len());
        for part in index {
            match part {
                Index::Tensor(mask) if mask.dtype() == DType::Bool && mask.ndim() == 0 => {
                    parts.push(Index::Bool(mask.scalar_value().await? != 0.0));
                }
                Index::Tensor(mask) if mask.dtype() == DType::Bool => {
                    let places = mask.nonzero(None, 0).await?;
                    for axis in 0..mask.ndim() {
                        parts.push(Index::Tensor(places.get(&[Index::All, Index::At(axis as isize)])?));
                    }
                }
                part => parts.push(part.clone()),
            }
        }
        self.get(&parts)
    }

    /// A copy with `value` at the index, cast to this dtype and broadcast to what [`Tensor::get`] would give.
    /// Of several values for one place the last stays. A mask takes one value for all its places, or one for each
    /// in order along one axis. The gradient flows to what stayed of this and of `value`.
    pub fn with(&self, index: &[Index], value: impl Into<Operand>) -> Result<Tensor> {
        let (x, value) = (self.node(), value.into());
        let plan = Plan::new("set", &x.shape, index, true)?;
        let view = plan.view(&x);
        let new = match (&plan.mask, picks::rows("set", &plan.view, &plan.picks)?) {
            (Some((axis, mask)), None) => picks::masked(&view, *axis, &mask.node(), &value)?,
            (Some(_), Some(_)) => {
                return Err(Error::argument(
                    "set",
                    "a mask beside other tensors",
                    "one mask, or integer tensors",
                    "combine them into one mask, or use the mask's nonzero()",
                ));
            }
            (None, Some(rows)) => rows.write(&view, &picks::fitted(&value, &rows.shape(&view), x.dtype)?),
            (None, None) => picks::fitted(&value, &view.shape, x.dtype)?,
        };
        Ok(Tensor::from_node(plan.put(&x, &new)))
    }

    /// Gives this handle the value of [`Tensor::with`], as Python's `self[…] = value`. Tensors computed before keep
    /// the old value; see [`Tensor::assign`].
    pub fn set(&self, index: &[Index], value: impl Into<Operand>) -> Result<()> {
        self.assign(&self.with(index, value)?)
    }

    fn read(&self, op: &str, index: &[Index]) -> Result<Tensor> {
        let plan = Plan::new(op, &self.shape(), index, false)?;
        let view = plan.view(&self.node());
        let Some(rows) = picks::rows(op, &plan.view, &plan.picks)? else {
            return Ok(Tensor::from_node(view));
        };
        shape::checked(op, &rows.shape(&view))?;
        Ok(Tensor::from_node(rows.read(&view)))
    }
}

impl Plan {
    fn new(op: &str, shape: &[usize], parts: &[Index], masks: bool) -> Result<Plan> {
        let named: usize = parts.iter().map(Index::axes).sum();
        let dots = parts.iter().filter(|p| matches!(p, Index::Ellipsis)).count();
        if named > shape.len() || dots > 1 {
            let got = format!("an index of {named} axes with {dots} ellipses for shape {shape:?}");
            let expected = format!("at most {} axes and one ellipsis", shape.len());
            return Err(Error::shape(op, got, expected, "remove a part"));
        }
        let mut plan = Plan { spans: Vec::new(), view: Shape::new(), picks: Vec::new(), mask: None };
        let rest = (dots == 0).then_some(Index::Ellipsis);
        for part in parts.iter().chain(&rest) {
            let axis = plan.spans.len();
            match part {
                Index::New => plan.view.push(1),
                Index::Ellipsis => shape[axis..axis + shape.len() - named].iter().for_each(|n| plan.keep(*n)),
                Index::All => plan.keep(shape[axis]),
                Index::At(i) => {
                    let at = position(op, *i, shape[axis])?;
                    plan.spans.push(Span { from: at, to: at + 1, step: 1, back: false });
                }
                Index::Range { start, stop, step } => {
                    let span = span(op, shape[axis], *start, *stop, *step)?;
                    plan.view.push(span.count());
                    plan.spans.push(span);
                }
                Index::Bool(on) => {
                    plan.picks.push((
                        plan.view.len(),
                        Tensor::from_slice(&[0i32][..usize::from(*on)], &[usize::from(*on)])?,
                    ));
                    plan.view.push(1);
                }
                Index::List(list) => {
                    let n = shape[axis];
                    let at =
                        list.iter().map(|i| Ok(position(op, *i, n)? as i32)).collect::<Result<Vec<_>>>()?;
                    plan.picks.push((plan.view.len(), Tensor::from_slice(&at, &[at.len()])?));
                    plan.keep(n);
                }
                Index::Tensor(t) if t.dtype() == DType::Bool => {
                    let over = &shape[axis..axis + t.ndim()];
                    plan.add_mask(op, t, over, masks)?;
                }
                Index::Tensor(t) => {
                    plan.picks.push((plan.view.len(), t.clone()));
                    plan.keep(shape[axis]);
                }
            }
        }
        Ok(plan)
    }

    fn keep(&mut self, n: usize) {
        self.view.push(n);
        self.spans.push(Span { from: 0, to: n, step: 1, back: false });
    }

    fn add_mask(&mut self, op: &str, mask: &Tensor, over: &[usize], allowed: bool) -> Result<()> {
        if !allowed {
            return Err(Error::argument(
                op,
                "a mask",
                "ints, ranges and integer tensors, whose result has a known shape",
                "await x.masked_select(mask) or the form of at() that waits, or use where()",
            ));
        }
        if mask.shape()[..] != *over {
            let got = format!("a mask of shape {:?} over axes of shape {over:?}", mask.shape().as_slice());
            return Err(Error::shape(op, got, "the same shape", "reshape or expand the mask"));
        }
        if self.mask.replace((self.view.len(), mask.clone())).is_some() && op == "set" {
            let fix = "combine the masks with &";
            return Err(Error::argument(op, "two masks", "one mask", fix));
        }
        over.iter().for_each(|n| self.keep(*n));
        Ok(())
    }

    fn counts(&self) -> Shape {
        self.spans.iter().map(Span::count).collect()
    }

    fn backward(&self) -> Axes {
        (0..self.spans.len()).filter(|a| self.spans[*a].back).collect()
    }

    fn view(&self, x: &Node) -> Node {
        let kept = build::shrink(x, self.spans.iter().map(|s| (s.from, s.to)).collect());
        let turned = build::flip(&kept, &self.backward());
        let picked = (0..self.spans.len()).fold(turned, |x, a| every(&x, a, self.spans[a].step));
        build::reshape(&picked, &self.view)
    }

    /// `x` with `new` where [`Plan::view`] looks.
    fn put(&self, x: &Node, new: &Node) -> Node {
        if self.spans.iter().zip(&x.shape).all(|(s, n)| s.count() == *n && !s.back) {
            return build::reshape(new, &x.shape);
        }
        let inside = self.spread(&Node::constant(1.0, new.shape.clone(), DType::Bool), x);
        build::select(&inside, &self.spread(new, x), x)
    }

    /// The places of the view in the shape of `x`, zeros elsewhere.
    fn spread(&self, new: &Node, x: &Node) -> Node {
        let mut node = build::reshape(new, &self.counts());
        for (axis, s) in self.spans.iter().enumerate().filter(|(_, s)| s.step > 1) {
            let w = Window { axis, size: s.to - s.from, stride: s.step, dilation: 1 };
            let mut column = node.shape.clone();
            column.push(1);
            let wide = build::unwindow(&build::reshape(&node, &column), w);
            node = build::reshape(&wide, &wide.shape[..self.spans.len()]);
        }
        let turned = build::flip(&node, &self.backward());
        let around: Pairs = self.spans.iter().zip(&x.shape).map(|(s, n)| (s.from, n - s.to)).collect();
        build::pad(&turned, around)
    }
}

fn position(op: &str, i: isize, n: usize) -> Result<usize> {
    let size = n as isize;
    if (-size..size).contains(&i) {
        return Ok(i.rem_euclid(size) as usize);
    }
    Err(Error::shape(
        op,
        format!("position {i} of an axis of size {n}"),
        format!("a position from {} to {}", -size, size - 1),
        "stay inside the axis",
    ))
}

/// Python's `slice.indices`.
fn span(op: &str, n: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> Result<Span> {
    if step == 0 {
        return Err(Error::argument(op, "step 0", "a step other than 0", "use step 1"));
    }
    let (size, back) = (n as isize, step < 0);
    let (low, high) = if back { (-1, size - 1) } else { (0, size) };
    let end = |at: Option<isize>, open: isize| {
        at.map_or(open, |i| if i < 0 { i.saturating_add(size) } else { i }.clamp(low, high))
    };
    let (first, past) =
        if back { (end(start, high), end(stop, low)) } else { (end(start, low), end(stop, high)) };
    let (from, to) = if back { (past + 1, first + 1) } else { (first, past) };
    // A step beyond the axis takes one element, as one across it does.
    let step = step.unsigned_abs().min(n.max(1));
    Ok(Span { from: from as usize, to: to.max(from) as usize, step, back })
}

/// Every `step`th element of an axis, from the first.
pub(super) fn every(x: &Node, axis: usize, step: usize) -> Node {
    if step == 1 || x.shape[axis] == 0 {
        return x.clone();
    }
    let windows = Window { axis, size: 1, stride: step, dilation: 1 };
    let picked = build::window(x, windows, x.shape[axis].div_ceil(step));
    build::reshape(&picked, &picked.shape[..x.shape.len()])
}
