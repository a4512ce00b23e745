//! `DEBUG=n` on the command line: 2 prints each new plan, kernel by kernel; 3 times every kernel;
//! 4 adds the kernels' expressions.

use crate::{
    error::Result,
    kernel::Kernel,
    runtime::{Device, Launch},
    schedule::{Plan, Work},
};
use std::{cell::RefCell, fmt::Write, rc::Rc, sync::OnceLock};

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

/// A launch that was timed.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Its kernels' names, joined.
    pub name: String,
    pub seconds: f64,
    pub work: Work,
}

thread_local! {
    static PROFILE: RefCell<Option<Vec<Timed>>> = const { RefCell::new(None) };
}

/// Runs `f` with every launch timed by its device, which keeps launches from overlapping; natively only.
pub fn profile<R>(f: impl FnOnce() -> R) -> (R, Vec<Timed>) {
    let outer = PROFILE.replace(Some(Vec::new()));
    let result = f();
    (result, PROFILE.replace(outer).unwrap_or_default())
}

/// Whether launches are to be timed.
pub fn times() -> bool {
    level() >= 3 || PROFILE.with_borrow(Option::is_some)
}

/// Submits the launches, timed for `profile` or to be printed.
pub fn timed(plan: &Plan, device: &Rc<dyn Device>, launches: &[Launch]) -> Result<()> {
    let seconds = device.timed(plan.id, launches)?;
    for (step, seconds) in plan.steps.iter().zip(seconds) {
        let names: Vec<&str> = step.bundle.kernels.iter().map(|k| k.name.as_str()).collect();
        let name = names.join(" + ");
        if level() >= 3 {
            eprintln!("{:10.1} us  {name}", seconds * 1e6);
        }
        PROFILE.with_borrow_mut(|p| {
            if let Some(p) = p {
                p.push(Timed { name, seconds, work: step.work() });
            }
        });
    }
    Ok(())
}
