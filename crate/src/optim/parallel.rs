//! Data-parallel training: every process has the whole model, and its steps follow the mean of all gradients.

use super::Optimizer;
use crate::{
    error::Result,
    graph::{DType, Node},
    runtime::ProcessGroup,
    schedule,
    tensor::{Tensor, block_on, finish_step},
};
use std::rc::Rc;

impl Optimizer {
    /// The same optimizer in every process of a group: from now on `step` follows the mean of their gradients, which
    /// is the gradient of a batch as large as all of theirs where each has equally many rows. Parameters become those
    /// of the first process. What a model keeps beside them (BatchNorm's running statistics) stays each process's own.
    ///
    /// # Errors
    /// `Device` when a process is gone or has another model.
    pub fn data_parallel(mut self, group: &Rc<ProcessGroup>) -> Result<Optimizer> {
        if group.size() == 1 {
            return Ok(self);
        }
        for param in self.params() {
            let mut bytes = block_on(param.data())?.to_bytes().to_vec();
            group.share(&mut bytes)?;
            let first = Tensor::from_bytes(bytes, &param.shape(), param.dtype())?;
            param.assign(&first)?;
        }
        self.processes = Some(group.clone());
        Ok(self)
    }
}

/// The mean of each gradient over the group's processes. What waits for the optimizer's step is computed with them.
pub(super) fn mean(group: &Rc<ProcessGroup>, gradients: &[Node]) -> Result<Vec<Node>> {
    let float = |g: &Node| Tensor::from_node(g.clone()).cast(DType::F32).map(|g| g.contiguous().node());
    let own = gradients.iter().map(float).collect::<Result<Vec<_>>>()?;
    finish_step(&[], &own)?;
    let share = 1.0 / group.size() as f64;
    let sums = schedule::sum(group, &own)?.into_iter().zip(gradients);
    sums.map(|(sum, g)| Ok(Tensor::from_node(sum).mul(share)?.cast(g.dtype)?.node())).collect()
}
