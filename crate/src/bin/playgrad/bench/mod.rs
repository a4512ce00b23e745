//! `playgrad bench`: times operations and training steps, and checks what they compute.

pub mod cases;
mod check;
mod report;
mod time;

use crate::{args::Options, save_tensors};
use cases::{Case, Rate, SUITES, Size, cases};
pub use check::training;
use playgrad::{DType, Error, Tensor, error::Result, models::MODELS, nn, runtime, runtime::Device};
use report::{Outcome, Report};
use std::{fs, path::Path, rc::Rc, time::Duration};
pub use time::{Replay, time};

/// What is measured of a model.
pub const TRAIN: &str = "train";
const OPTIMIZER: &str = "adam";
/// Losses that are kept, so that another engine's can be compared.
const LOSSES: usize = 8;
/// Seconds a case is measured, unless told otherwise.
const SECONDS: f64 = 0.5;

pub fn bench(options: &Options) -> Result<()> {
    let earlier = options.compare.as_deref().map(report::read).transpose()?;
    options.save.as_deref().map(make_folder).transpose()?;
    let device = select(options.device.as_deref())?;
    let size = options.size.unwrap_or(suited(&*device));
    let budget = Duration::from_secs_f64(options.seconds.unwrap_or(SECONDS));
    let wanted = |suite: &str| options.suites.is_empty() || options.suites.iter().any(|s| s == suite);
    let copy = copy_bandwidth(&device, size, budget)?;
    let mut report = Report::new(&*device, size, copy, options.json, earlier);
    for case in cases(size).into_iter().filter(|c| wanted(c.suite)) {
        if device.holds(case.dtype) {
            report.add(operation(&case, &device, budget)?);
        }
    }
    if wanted(TRAIN) {
        for model in MODELS.into_iter().filter(|m| *m != "xor") {
            report.add(steps(model, size, &device, budget, options.save.as_deref())?);
        }
    }
    report.finish()
}

/// The device of that name, or the one that large work is given to; from now on this thread's.
pub fn select(name: Option<&str>) -> Result<Rc<dyn Device>> {
    let device = match name {
        Some(name) if name != "auto" => runtime::device(name)?,
        _ => runtime::choose(u64::MAX)?,
    };
    runtime::set_default(device.name())?;
    Ok(device)
}

/// What fits the device.
pub fn suited(device: &dyn Device) -> Size {
    if device.name() == "cpu" || device.limits().emulated { Size::Small } else { Size::Large }
}

/// Bytes a second, read and written, of a large tensor's negation: what a copy moves.
pub fn copy_bandwidth(device: &Rc<dyn Device>, size: Size, budget: Duration) -> Result<f64> {
    let n = size.pick([1 << 12, 1 << 24, 1 << 28]);
    let x = Tensor::uniform(&[n], -1.0, 1.0)?.realize()?;
    let (replay, _) = Replay::new(|x| x[0].neg(), &[x])?;
    Ok((8 * n) as f64 / time(device, budget, |n| replay.run(n))?.best)
}

/// Operations a second of the fastest matrix product of float32.
pub fn matmul_rate(device: &Rc<dyn Device>, size: Size, budget: Duration) -> Result<f64> {
    let mut products = cases(size).into_iter().filter(|c| c.op == "matmul" && c.dtype == DType::F32);
    let largest = products.next_back().expect("there is a matmul");
    let (replay, _) = Replay::new(largest.run, &check::inputs(&largest)?)?;
    let Rate::Flops(flops) = largest.rate else { unreachable!("a matmul counts operations") };
    Ok(flops / time(device, budget, |n| replay.run(n))?.best)
}

fn operation(case: &Case, device: &Rc<dyn Device>, budget: Duration) -> Result<Outcome> {
    let error = check::against_float64(case, device.name())?;
    let (replay, result) = Replay::new(case.run, &check::inputs(case)?)?;
    check::finite(&case.name(), &result)?;
    drop(result);
    let timing = time(device, budget, |n| replay.run(n))?;
    Ok(Outcome::operation(case, timing, error))
}

fn steps(
    model: &'static str,
    size: Size,
    device: &Rc<dyn Device>,
    budget: Duration,
    save: Option<&Path>,
) -> Result<Outcome> {
    let error = match device.name() {
        "cpu" => None,
        name => Some(check::against_cpu(model, OPTIMIZER, name)?),
    };
    let batch = match model {
        "mnist-mlp" => size.pick([4, 128, 128]),
        "mnist-cnn" => size.pick([4, 64, 64]),
        "beautiful-mnist" => size.pick([4, 64, 512]),
        "gpt-nano" => size.pick([2, 32, 32]),
        _ => size.pick([1, 8, 32]),
    };
    let mut training = training(model, OPTIMIZER, batch)?;
    if let Some(dir) = save {
        let (x, labels) = training.rows();
        let mut all = nn::state_dict(&training.model().net);
        all.extend([("rows".to_string(), x.clone()), ("labels".to_string(), labels.clone())]);
        save_tensors(&all, &dir.join(format!("{model}.safetensors")))?;
    }
    let losses = (0..LOSSES).map(|_| training.step()?.item()).collect::<Result<Vec<f64>>>()?;
    let timing = time(device, budget, |n| training.run(n))?;
    check::finite(model, &training.step()?)?;
    Ok(Outcome::training(model, (OPTIMIZER, training.lr()), batch, timing, error, losses))
}

/// Every suite by name.
pub fn suites() -> Vec<&'static str> {
    SUITES.into_iter().chain([TRAIN]).collect()
}

fn make_folder(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| {
        let got = format!("{}: {e}", dir.display());
        Error::data("bench --save", got, "a folder that can be written", "name another --save DIR")
    })
}
