//! Losses: what a model is trained to make small.

use super::{Tensor, activation, build, math, reduce, select, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Node, Shape},
};

/// What a loss gives of its costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    #[default]
    Mean,
    Sum,
    /// One cost per row or element.
    None,
}

impl Reduction {
    /// `"mean"`, `"sum"` or `"none"`.
    pub fn parse(op: &str, name: &str) -> Result<Reduction> {
        match name {
            "mean" => Ok(Reduction::Mean),
            "sum" => Ok(Reduction::Sum),
            "none" => Ok(Reduction::None),
            _ => {
                let got = format!("reduction {name:?}");
                Err(Error::argument(op, got, "\"mean\", \"sum\" or \"none\"", "name one of these"))
            }
        }
    }

    fn of(self, costs: &Node) -> Tensor {
        let axes: Axes = (0..costs.shape.len()).collect();
        let total = match self {
            Reduction::Mean => reduce::mean(costs, &axes),
            Reduction::Sum => build::sum(costs, &axes),
            Reduction::None => return Tensor::from_node(costs.clone()),
        };
        Tensor::from_node(shape::without(&total, &axes))
    }

    /// The mean divides by the sum of `weights`; a weight of 0 leaves nothing of an infinite cost.
    fn weighed(self, costs: &Node, weights: &Node) -> Result<Tensor> {
        let none = build::eq(weights, &build::like(weights, 0.0));
        let costs = build::select(&none, &build::like(costs, 0.0), &build::mul(costs, weights));
        if self != Reduction::Mean {
            return Ok(self.of(&costs));
        }
        Reduction::Sum.of(&costs).div(Reduction::Sum.of(weights))
    }
}

fn mismatch(op: &str, got: &Tensor, target: &Tensor, expected: String) -> Error {
    Error::shape(
        op,
        format!(
            "input {:?} and target {:?} {}",
            got.shape().as_slice(),
            target.shape().as_slice(),
            target.dtype()
        ),
        expected,
        "reshape the target, or check what the model returns",
    )
}

fn probability(op: &str, name: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    let expected = format!("{name} from 0 to 1");
    Err(Error::argument(op, format!("{name} {value}"), expected, "pass 0.1, or 0 for none"))
}

/// Input whose classes lie along one axis, and integer targets, one for each row.
struct Classes {
    /// In the dtype to compute in, and the one the loss is given in.
    x: Node,
    dtype: DType,
    axis: usize,
    /// The targets in the shape of the rows.
    target: Node,
    /// True at each row's class; nowhere in a row whose target is no class.
    hit: Node,
}

impl Classes {
    fn new(op: &str, input: &Tensor, axis: usize, target: &Tensor) -> Result<Classes> {
        let dtype = input.dtype().float();
        let x = build::cast(&input.node(), dtype.accumulator());
        if x.shape.is_empty() {
            return Err(Error::shape(op, "a scalar", "[batch, classes]", "reshape the input"));
        }
        let mut rows = x.shape.clone();
        rows.remove(axis);
        if target.shape() != rows || target.dtype().is_float() {
            let expected = format!("integer classes of shape {:?}", rows.as_slice());
            return Err(mismatch(op, input, target, expected));
        }
        let target = select::integers(op, target)?;
        let mut line = rows;
        line.insert(axis, 1);
        let wanted = build::expand(&build::reshape(&target, &line), &x.shape);
        let hit = build::eq(&wanted, &build::iota_along(&x.shape, axis, DType::I32));
        Ok(Classes { x, dtype, axis, target, hit })
    }

    /// One value per row: the sum along the classes.
    fn summed(&self, values: &Node) -> Node {
        shape::without(&build::sum(values, &[self.axis]), &[self.axis])
    }

    /// One value per row: the one at its class, 0 where it has none.
    fn picked(&self, values: &Node) -> Node {
        self.summed(&build::select(&self.hit, values, &build::like(values, 0.0)))
    }

    /// 1 for rows that count, 0 for those whose target is `ignored`.
    fn counted(&self, ignored: Option<isize>) -> Node {
        let one = build::like(&self.picked(&self.x), 1.0);
        let Some(ignored) = ignored else { return one };
        let skipped = build::eq(&self.target, &build::like(&self.target, ignored as f64));
        build::select(&skipped, &build::like(&one, 0.0), &one)
    }
}

/// Axis 1, or that of a vector.
fn class_axis(x: &Tensor) -> usize {
    usize::from(x.ndim() > 1)
}

impl Tensor {
    /// The mean of `-log_softmax(self)` at the target class. Classes lie along axis 1 (axis 0 of a vector). The
    /// target holds integer classes (the shape without the class axis) or probabilities (the same shape).
    pub fn cross_entropy(&self, target: &Tensor) -> Result<Tensor> {
        self.cross_entropy_with(target, Reduction::Mean, 0.0)
    }

    /// [`Tensor::cross_entropy`] with a reduction, and the part of the target that is spread over all classes
    /// (Szegedy et al. 2015).
    pub fn cross_entropy_with(
        &self,
        target: &Tensor,
        reduction: Reduction,
        label_smoothing: f64,
    ) -> Result<Tensor> {
        probability("cross_entropy", "label_smoothing", label_smoothing)?;
        let axis = class_axis(self);
        if target.shape() == self.shape() && self.ndim() > 0 {
            let dtype = self.dtype().float();
            let x = build::cast(&self.node(), dtype.accumulator());
            let log_p = reduce::log_softmax(&x, &Axes::from_slice(&[axis]));
            let share = label_smoothing / x.shape[axis].max(1) as f64;
            let target = build::cast(&target.node(), x.dtype);
            let target = build::offset(&build::scale(&target, 1.0 - label_smoothing), share);
            let costs = build::sum(&build::mul(&build::neg(&log_p), &target), &[axis]);
            return reduction.of(&shape::without(&costs, &[axis])).cast(dtype);
        }
        if target.dtype().is_float() && self.ndim() > 0 {
            let expected =
                format!("probabilities of shape {:?}, or integer classes", self.shape().as_slice());
            return Err(mismatch("cross_entropy", self, target, expected));
        }
        let classes = Classes::new("cross_entropy", self, axis, target)?;
        reduction.of(&smoothed(&classes, label_smoothing)).cast(classes.dtype)
    }

    /// `-log_softmax(self)` at the integer target class; classes lie along the last axis. Rows whose target is
    /// `ignore_index` cost nothing and do not count in the mean; -1 ignores none, as tinygrad's.
    pub fn sparse_categorical_crossentropy(
        &self,
        target: &Tensor,
        ignore_index: isize,
        label_smoothing: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let op = "sparse_categorical_crossentropy";
        probability(op, "label_smoothing", label_smoothing)?;
        let classes = Classes::new(op, self, self.ndim().saturating_sub(1), target)?;
        let counted = classes.counted((ignore_index != -1).then_some(ignore_index));
        reduction.weighed(&smoothed(&classes, label_smoothing), &counted)?.cast(classes.dtype)
    }

    /// The negative of `self`, which holds logarithms of probabilities, at the integer target class (axis 1, axis 0
    /// of a vector), times the class's `weight` `[classes]`. The mean divides by the sum of the weights; rows whose
    /// target is `ignore_index` weigh nothing.
    pub fn nll_loss(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        ignore_index: Option<isize>,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let classes = Classes::new("nll_loss", self, class_axis(self), target)?;
        let costs = build::neg(&classes.picked(&classes.x));
        let counted = classes.counted(ignore_index);
        let Some(weight) = weight else { return reduction.weighed(&costs, &counted)?.cast(classes.dtype) };
        let (x, axis) = (&classes.x, classes.axis);
        if weight.shape()[..] != [x.shape[axis]] {
            let got = format!("weight {:?}", weight.shape().as_slice());
            let expected = format!("[{}], one per class", x.shape[axis]);
            return Err(Error::shape("nll_loss", got, expected, "pass a weight for each class"));
        }
        let mut line = Shape::from_elem(1, x.shape.len());
        line[axis] = x.shape[axis];
        let weight = build::reshape(&build::cast(&weight.node(), x.dtype), &line);
        let weights = classes.picked(&build::expand(&weight, &x.shape));
        reduction.weighed(&costs, &build::mul(&weights, &counted))?.cast(classes.dtype)
    }

    /// The mean squared difference; shapes must be equal.
    pub fn mse(&self, target: &Tensor) -> Result<Tensor> {
        self.mse_loss(target, Reduction::Mean)
    }

    /// The squared difference; shapes must be equal.
    pub fn mse_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        let (x, t, dtype) = self.same_shape("mse", target)?;
        let difference = build::sub(&x, &t);
        reduction.of(&build::mul(&difference, &difference)).cast(dtype)
    }

    /// The size of the difference; shapes must be equal.
    pub fn l1_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        let (x, t, dtype) = self.same_shape("l1_loss", target)?;
        reduction.of(&super::elementwise::abs(&build::sub(&x, &t))).cast(dtype)
    }

    /// Half the squared difference up to `delta`, and from there on a line of slope `delta` (Huber 1964).
    pub fn huber_loss(&self, target: &Tensor, reduction: Reduction, delta: f64) -> Result<Tensor> {
        if delta.is_nan() || delta <= 0.0 {
            let got = format!("delta {delta}");
            return Err(Error::argument("huber_loss", got, "a delta above 0", "use l1_loss for the limit"));
        }
        let (x, t, dtype) = self.same_shape("huber_loss", target)?;
        let difference = build::sub(&x, &t);
        let near = math::within(&difference, delta);
        let small = math::only(&near, &difference, 0.0);
        let square = build::scale(&build::mul(&small, &small), 0.5);
        let line = build::scale(&build::offset(&super::elementwise::abs(&difference), -0.5 * delta), delta);
        reduction.of(&build::select(&near, &square, &line)).cast(dtype)
    }

    /// [`Tensor::huber_loss`] divided by `beta`, its `delta` (Girshick 2015); with 0, [`Tensor::l1_loss`].
    pub fn smooth_l1_loss(&self, target: &Tensor, reduction: Reduction, beta: f64) -> Result<Tensor> {
        if beta == 0.0 {
            return self.l1_loss(target, reduction);
        }
        self.huber_loss(target, reduction, beta)?.mul(1.0 / beta)
    }

    /// The mean of `-(t·log(x) + (1-t)·log(1-x))` for probabilities `x`.
    pub fn binary_cross_entropy(&self, target: &Tensor) -> Result<Tensor> {
        self.binary_crossentropy(target, Reduction::Mean)
    }

    /// `-(t·log(x) + (1-t)·log(1-x))` for probabilities `x`; no logarithm is below -100, as PyTorch's. Shapes must be
    /// equal.
    pub fn binary_crossentropy(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        let (x, t, dtype) = self.same_shape("binary_crossentropy", target)?;
        let log = |x: &Node| {
            let is_zero = build::eq(x, &build::like(x, 0.0));
            let safe = build::select(&is_zero, &build::like(x, 1.0), x);
            build::select(&is_zero, &build::like(x, -100.0), &math::log(&safe))
        };
        let one_minus = |x: &Node| build::sub(&build::like(x, 1.0), x);
        let (hit, miss) = (build::mul(&t, &log(&x)), build::mul(&one_minus(&t), &log(&one_minus(&x))));
        reduction.of(&build::neg(&build::add(&hit, &miss))).cast(dtype)
    }

    /// [`Tensor::binary_crossentropy`] of `sigmoid(self)`, without overflow. `pos_weight` multiplies the cost of
    /// positive targets and broadcasts to the input.
    pub fn binary_crossentropy_logits(
        &self,
        target: &Tensor,
        reduction: Reduction,
        pos_weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        let op = "binary_crossentropy_logits";
        let (x, t, dtype) = self.same_shape(op, target)?;
        let mut positive = build::mul(&t, &activation::softplus(&build::neg(&x)));
        if let Some(weight) = pos_weight {
            if shape::broadcast(op, &x.shape, &weight.shape())? != x.shape {
                let got = format!("pos_weight {:?}", weight.shape().as_slice());
                let expected = format!("a shape that broadcasts to {:?}", x.shape.as_slice());
                return Err(Error::shape(op, got, expected, "pass one weight per class"));
            }
            let weight = shape::broadcast_node(&build::cast(&weight.node(), x.dtype), &x.shape);
            positive = build::mul(&positive, &weight);
        }
        let one_minus = build::sub(&build::like(&t, 1.0), &t);
        let negative = build::mul(&one_minus, &activation::softplus(&x));
        reduction.of(&build::add(&positive, &negative)).cast(dtype)
    }

    /// Both in the float the loss is computed in, and the one it is given in.
    fn same_shape(&self, op: &str, target: &Tensor) -> Result<(Node, Node, DType)> {
        if self.shape() == target.shape() {
            let dtype = self.dtype().promote(target.dtype()).float();
            let wide = dtype.accumulator();
            return Ok((build::cast(&self.node(), wide), build::cast(&target.node(), wide), dtype));
        }
        Err(mismatch(op, self, target, "equal shapes".into()))
    }
}

/// One cost per row: `-log_softmax` at the target, and a part spread over all classes.
fn smoothed(classes: &Classes, label_smoothing: f64) -> Node {
    let log_p = reduce::log_softmax(&classes.x, &Axes::from_slice(&[classes.axis]));
    let costs = classes.picked(&build::neg(&log_p));
    if label_smoothing == 0.0 {
        return costs;
    }
    let share = label_smoothing / classes.x.shape[classes.axis].max(1) as f64;
    let spread = build::scale(&classes.summed(&build::neg(&log_p)), share);
    build::add(&build::scale(&costs, 1.0 - label_smoothing), &spread)
}
