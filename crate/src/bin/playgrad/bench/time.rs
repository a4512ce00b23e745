//! Times that end in waiting for the device, of work that is proven to have run.

use playgrad::{
    Error, Tensor,
    error::Result,
    graph::Node,
    runtime::Device,
    schedule::capture::{self, Capture},
    tensor::{block_on, finish_capture, realize_all},
};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};

/// Laps of which the median counts.
const LAPS: usize = 7;

/// Seconds of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    pub median: f64,
    pub best: f64,
    /// Runs that were timed.
    pub runs: usize,
}

/// Times `run(n)`, which queues `n` runs: laps of as many as fill a part of the budget, each waited for.
pub fn time(
    device: &Rc<dyn Device>,
    budget: Duration,
    mut run: impl FnMut(usize) -> Result<()>,
) -> Result<Timing> {
    let mut lap = |n: usize| {
        let (before, start) = (device.counters().kernels, Instant::now());
        run(n)?;
        block_on(device.idle())?;
        let seconds = start.elapsed().as_secs_f64();
        let kernels = device.counters().kernels - before;
        if kernels < n as u64 {
            let got = format!("{kernels} kernels in {n} runs");
            return Err(Error::device(
                "bench",
                got,
                "one or more in each run",
                "report this: nothing was measured",
            ));
        }
        Ok(seconds)
    };
    // A device may compile at the first run and again at the second.
    lap(2)?;
    let share = budget.as_secs_f64() / LAPS as f64;
    let (mut n, mut seconds) = (1, lap(1)?);
    while seconds < share / 2.0 {
        n *= 2;
        seconds = lap(n)?;
    }
    let mut laps = (0..LAPS).map(|_| Ok(lap(n)? / n as f64)).collect::<Result<Vec<f64>>>()?;
    laps.sort_by(f64::total_cmp);
    Ok(Timing { median: laps[LAPS / 2], best: laps[0], runs: LAPS * n })
}

/// An operation that was captured: replaying it builds no graph.
pub struct Replay {
    captured: Capture,
    inputs: Vec<Node>,
}

impl Replay {
    pub fn new(run: impl Fn(&[Tensor]) -> Result<Tensor>, inputs: &[Tensor]) -> Result<(Replay, Tensor)> {
        realize_all(inputs)?;
        capture::begin()?;
        let out = run(inputs).and_then(|out| out.realize()).inspect_err(|_| capture::abandon())?;
        let inputs: Vec<Node> = inputs.iter().map(Tensor::node).collect();
        Ok((Replay { captured: finish_capture(&inputs, &[out.node()]), inputs }, out))
    }

    pub fn run(&self, n: usize) -> Result<()> {
        // One by one: a result of one element would be kept for every run.
        (0..n).try_for_each(|_| self.captured.replay(&self.inputs).map(drop))
    }
}
