//! `DEBUG=n` on the command line: 2 prints each new plan, kernel by kernel; 3 times every kernel;
//! 4 adds the kernels' expressions.

use crate::{
    error::Result,
    runtime::{Device, Launch, ready},
    schedule::Plan,
};
use std::{fmt::Write, rc::Rc, sync::OnceLock, time::Instant};

/// The value of `DEBUG`, 0 where it is not set.
pub fn level() -> u32 {
    static LEVEL: OnceLock<u32> = OnceLock::new();
    *LEVEL.get_or_init(|| std::env::var("DEBUG").ok().and_then(|v| v.parse().ok()).unwrap_or(0))
}

/// A plan for people: a line for each kernel, its arguments and their places.
pub fn describe(plan: &Plan, expressions: bool) -> String {
    let mut out = format!(
        "plan {}: {} kernels, {} flops, {} bytes moved, {} bytes of temporaries\n",
        plan.id, plan.work.kernels, plan.work.flops, plan.work.bytes, plan.temp_bytes
    );
    for step in &plan.steps {
        let _ = writeln!(out, "  {:32} {:?}", step.kernel.name, step.args);
        if expressions {
            for (i, e) in step.kernel.exprs.iter().enumerate() {
                let _ = writeln!(out, "    e{i} {} = {:?}", e.dtype, e.expr);
            }
            step.kernel.accs.iter().for_each(|a| {
                let _ = writeln!(out, "    {a:?}");
            });
            step.kernel.stores.iter().for_each(|s| {
                let _ = writeln!(out, "    {s:?}");
            });
        }
    }
    out
}

/// Submits the launches one by one and prints how long each took, from submission to idle.
pub fn timed(plan: &Plan, device: &Rc<dyn Device>, launches: &[Launch]) -> Result<()> {
    for (step, launch) in plan.steps.iter().zip(launches) {
        let start = Instant::now();
        device.submit(plan.id, std::slice::from_ref(launch))?;
        if let Some(done) = ready(device.idle()) {
            done?;
        }
        eprintln!("{:10.1} us  {}", start.elapsed().as_secs_f64() * 1e6, step.kernel.name);
    }
    Ok(())
}
