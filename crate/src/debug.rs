//! `DEBUG=n` on the command line: 2 prints each new plan, kernel by kernel; 3 times every kernel;
//! 4 adds the kernels' expressions.

use crate::{
    error::Result,
    kernel::Kernel,
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
        "plan {}: {} launches, {} flops, {} bytes moved, {} bytes of temporaries\n",
        plan.id, plan.work.kernels, plan.work.flops, plan.work.bytes, plan.temp_bytes
    );
    for step in &plan.steps {
        let mut args = &step.args[..];
        for (i, kernel) in step.bundle.kernels.iter().enumerate() {
            let (own, rest) = args.split_at(kernel.args.len());
            args = rest;
            let mark = match (i, step.bundle.ordered) {
                (0, _) => ' ',
                (_, true) => '↓',
                (_, false) => '+',
            };
            let _ = writeln!(out, "{mark} {:32} {own:?}", kernel.name);
            if expressions {
                write_expressions(&mut out, kernel);
            }
        }
    }
    out
}

fn write_expressions(out: &mut String, kernel: &Kernel) {
    for (i, e) in kernel.exprs.iter().enumerate() {
        let _ = writeln!(out, "    e{i} {} = {:?}", e.dtype, e.expr);
    }
    kernel.accs.iter().for_each(|a| {
        let _ = writeln!(out, "    {a:?}");
    });
    kernel.stores.iter().for_each(|s| {
        let _ = writeln!(out, "    {s:?}");
    });
}

/// Submits the launches one by one and prints how long each took, from submission to idle.
pub fn timed(plan: &Plan, device: &Rc<dyn Device>, launches: &[Launch]) -> Result<()> {
    for (step, launch) in plan.steps.iter().zip(launches) {
        let start = Instant::now();
        device.submit(plan.id, std::slice::from_ref(launch))?;
        if let Some(done) = ready(device.idle()) {
            done?;
        }
        let names: Vec<&str> = step.bundle.kernels.iter().map(|k| k.name.as_str()).collect();
        eprintln!("{:10.1} us  {}", start.elapsed().as_secs_f64() * 1e6, names.join(" + "));
    }
    Ok(())
}
