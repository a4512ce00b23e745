//! Submissions that repeat are recorded and launched as one. Their arguments move (a step writes its weights to fresh
//! memory), so a recorded call is told where its arguments are now before it is launched again.

use super::driver::{Call, Gpu, Graph, failed};
use crate::error::Result;
use rustc_hash::FxHashMap;

/// Fewer launches than this are no reason to record them.
const FEW: usize = 3;
const PLANS: usize = 512;

#[derive(Default)]
pub struct Graphs(FxHashMap<u64, Known>);

struct Known {
    calls: Vec<Call>,
    /// From the second time on.
    graph: Option<Graph>,
}

impl Graphs {
    /// Whether a graph was made.
    pub fn submit(&mut self, gpu: &Gpu, plan: u64, calls: Vec<Call>) -> Result<bool> {
        let run = |calls: &[Call]| calls.iter().try_for_each(|call| gpu.launch(call)).map_err(failed("run"));
        if calls.len() < FEW {
            run(&calls)?;
            return Ok(false);
        }
        let repeats = |k: &&mut Known| {
            k.calls.len() == calls.len() && k.calls.iter().zip(&calls).all(|(a, b)| a.is_like(b))
        };
        let Some(known) = self.0.get_mut(&plan).filter(repeats) else {
            run(&calls)?;
            self.forget(gpu, plan);
            self.0.insert(plan, Known { calls, graph: None });
            return Ok(false);
        };
        let made = known.graph.is_none();
        match &known.graph {
            Some(graph) => gpu.move_args(graph, &known.calls, &calls).map_err(failed("run"))?,
            None => known.graph = Some(gpu.record(&calls).map_err(failed("record"))?),
        }
        known.calls = calls;
        known.graph.iter().try_for_each(|graph| gpu.replay(graph))?;
        Ok(made)
    }

    /// Makes room for a plan.
    fn forget(&mut self, gpu: &Gpu, plan: u64) {
        if self.0.len() >= PLANS {
            self.clear(gpu);
        }
        self.0.remove(&plan).and_then(|k| k.graph).into_iter().for_each(|g| gpu.forget(g));
    }

    pub fn clear(&mut self, gpu: &Gpu) {
        self.0.drain().filter_map(|(_, k)| k.graph).for_each(|g| gpu.forget(g));
    }
}
