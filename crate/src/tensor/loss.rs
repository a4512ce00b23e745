//! Losses: one scalar each, the mean over all rows.

use super::{Tensor, build, index, reduce, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Node, Shape},
};

/// The smallest normal float32; its logarithm is what a probability of 0 costs.
const TINY: f64 = f32::MIN_POSITIVE as f64;

fn mean_of_all(x: &Node, dtype: DType) -> Tensor {
    let axes: Axes = (0..x.shape.len()).collect();
    Tensor::from_node(build::cast(&shape::without(&reduce::mean(x, &axes), &axes), dtype))
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

impl Tensor {
    /// The mean of `-log_softmax(self)` at the target class. Classes lie along axis 1 (axis 0 of a vector). The
    /// target holds integer classes (the shape without the class axis) or float probabilities (the same shape).
    pub fn cross_entropy(&self, target: &Tensor) -> Result<Tensor> {
        let dtype = self.dtype().float();
        let x = build::cast(&self.node(), dtype.accumulator());
        let axis = match x.shape.len() {
            0 => {
                return Err(Error::shape(
                    "cross_entropy",
                    "a scalar",
                    "[batch, classes]",
                    "reshape the logits",
                ));
            }
            1 => 0,
            _ => 1,
        };
        let axes = Axes::from_slice(&[axis]);
        let rows: Shape = x.shape.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, n)| *n).collect();
        let log_p = reduce::log_softmax(&x, &axes);
        let cost = if target.dtype().is_float() {
            if target.shape() != x.shape {
                let expected = format!("probabilities of shape {:?}, or integer classes", x.shape.as_slice());
                return Err(mismatch("cross_entropy", self, target, expected));
            }
            build::mul(&build::neg(&log_p), &build::cast(&target.node(), x.dtype))
        } else {
            if target.shape() != rows {
                let expected = format!("integer classes of shape {:?}", rows.as_slice());
                return Err(mismatch("cross_entropy", self, target, expected));
            }
            let mut line = rows;
            line.insert(axis, 1);
            let classes = build::reshape(&index::integers("cross_entropy", target)?, &line);
            let wanted = build::expand(&classes, &x.shape);
            let hit = build::eq(&wanted, &build::iota_along(&x.shape, axis, DType::I32));
            build::select(&hit, &build::neg(&log_p), &build::like(&log_p, 0.0))
        };
        Ok(mean_of_all(&build::sum(&cost, &axes), dtype))
    }

    /// The mean squared difference; shapes must be equal.
    pub fn mse(&self, target: &Tensor) -> Result<Tensor> {
        let (x, t, dtype) = self.same_shape("mse", target)?;
        let difference = build::sub(&x, &t);
        Ok(mean_of_all(&build::mul(&difference, &difference), dtype))
    }

    /// The mean of `-(t·log(x) + (1-t)·log(1-x))` for probabilities `x`, which are kept off exact 0 and 1.
    pub fn binary_cross_entropy(&self, target: &Tensor) -> Result<Tensor> {
        let (x, t, dtype) = self.same_shape("binary_cross_entropy", target)?;
        let log = |x: &Node| -> Result<Node> {
            Ok(Tensor::from_node(x.clone()).clip(TINY, f64::INFINITY)?.log()?.node())
        };
        let one_minus = |x: &Node| build::sub(&build::like(x, 1.0), x);
        let hit = build::mul(&t, &log(&x)?);
        let miss = build::mul(&one_minus(&t), &log(&one_minus(&x))?);
        Ok(mean_of_all(&build::neg(&build::add(&hit, &miss)), dtype))
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
