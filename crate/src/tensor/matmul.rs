//! Matrix product and linear layer: multiply, then sum. The scheduler recognises the contraction.

use super::{Tensor, build, operand, shape};
use crate::{
    error::{Error, Result},
    graph::{Axes, DType, Shape},
};

impl Tensor {
    /// The matrix product over the last axis of this and the last but one of `other`, batch axes broadcast, as
    /// NumPy's `@`: `[…, m, k] · […, k, n] → […, m, n]`; a vector on either side loses its axis.
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        self.dot(other, None)
    }

    /// [`Tensor::matmul`] with the dtype of the result, and at least of its sums.
    pub fn dot(&self, other: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
        let (x, w, dtype) = operand::factors(self, other, dtype);
        let (dx, dw) = (x.shape.len(), w.shape.len());
        let inner = |n: usize| n.saturating_sub(2);
        if dx == 0 || dw == 0 || x.shape[dx - 1] != w.shape[inner(dw)] {
            return Err(Error::shape(
                "matmul",
                format!("shapes {:?} and {:?}", x.shape.as_slice(), w.shape.as_slice()),
                "the last size of the first equal to the last but one of the second",
                "transpose or reshape one of them",
            ));
        }
        let k = x.shape[dx - 1];
        let (m, n) = (if dx > 1 { x.shape[dx - 2] } else { 1 }, if dw > 1 { w.shape[dw - 1] } else { 1 });
        let batch = |s: &[usize]| Shape::from_slice(&s[..inner(s.len())]);
        let (bx, bw) = (batch(&x.shape), batch(&w.shape));
        let both = shape::broadcast("matmul", &bx, &bw)?;
        let with =
            |front: &[usize], tail: [usize; 3]| -> Shape { front.iter().copied().chain(tail).collect() };

        let full = with(&both, [m, n, k]);
        shape::checked("matmul", &[&both[..], &[m, n]].concat())?;
        let turned = if dw > 1 {
            let axes: Axes = (0..dw - 2).chain([dw - 1, dw - 2]).collect();
            build::permute(&w, &axes)
        } else {
            w
        };
        let rows = shape::broadcast_node(&build::reshape(&x, &with(&bx, [m, 1, k])), &full);
        let columns = shape::broadcast_node(&build::reshape(&turned, &with(&bw, [1, n, k])), &full);
        let total = build::sum(&build::mul(&rows, &columns), &[full.len() - 1]);

        let mut out = both;
        out.extend((dx > 1).then_some(m));
        out.extend((dw > 1).then_some(n));
        Ok(Tensor::from_node(build::cast(&build::reshape(&total, &out), dtype)))
    }

    /// `self · weight + bias`, weight of shape [in, out] and bias of shape [out]; a weight of one axis scales
    /// each feature. As tinygrad's `linear`: PyTorch's keeps weights as [out, in].
    pub fn linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (x, w) = (self.shape(), weight.shape());
        if !matches!(w.len(), 1 | 2) || x.last() != Some(&w[0]) {
            return Err(Error::shape(
                "linear",
                format!("input {:?} and weight {:?}", x.as_slice(), w.as_slice()),
                "a weight [in, out] with in equal to the input's last size",
                format!("give an input with {} features, or transpose the weight", w.first().unwrap_or(&0)),
            ));
        }
        let out = if w.len() == 1 { self.mul(weight)? } else { self.matmul(weight)? };
        match bias {
            Some(bias) => out.add(bias),
            None => Ok(out),
        }
    }
}
