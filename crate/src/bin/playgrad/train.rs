//! `playgrad train`: runs a model's recipe and says how it goes.

use crate::args::Options;
use playgrad::{
    Error, Tensor, data,
    error::Result,
    io, manual_seed,
    models::{Kind, Model},
    nn, runtime,
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

const GENERATED: (usize, usize) = (20_000, 2_000);
/// Lines of progress a run prints.
const LINES: usize = 20;

type Labelled = (Tensor, Tensor);

pub fn train(options: &Options) -> Result<()> {
    runtime::set_default(options.device.as_deref().unwrap_or("auto"))?;
    manual_seed(options.seed.unwrap_or(42));
    let mut model = Model::new(&options.model)?;
    model.batch = options.batch.or(model.batch);
    let steps = options.steps.unwrap_or(model.steps);
    let ((x, labels), test) = load(&model, options.data.as_deref())?;
    let optimizer = model.optimizer(options.optimizer.as_deref().unwrap_or("adam"), options.lr)?;

    let start = Instant::now();
    let mut lap = (0, Duration::ZERO);
    for step in 1..=steps {
        let loss = model.step(&optimizer, &x, &labels)?;
        if step % steps.div_ceil(LINES) == 0 || step == steps {
            let (loss, now) = (loss.item()?, start.elapsed());
            if step == steps.div_ceil(LINES).min(steps) {
                println!("{} on {}, {steps} steps", options.model, x.device()?);
            }
            let per_step = (now - lap.1).as_secs_f64() * 1e3 / (step - lap.0) as f64;
            println!("step {step:6}  loss {loss:.6}  {per_step:.2} ms/step");
            lap = (step, now);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let accuracy = 100.0 * model.accuracy(&test.0, &test.1)?;
    println!("accuracy {accuracy:.2} % of {} test targets, trained in {seconds:.2} s", test.1.numel());
    match &options.save {
        Some(path) => save(&model, path),
        None => Ok(()),
    }
}

/// What to train on and what to test on.
fn load(model: &Model, dir: Option<&Path>) -> Result<(Labelled, Labelled)> {
    match model.kind() {
        Kind::Images => {}
        Kind::Xor => {
            let rows = data::xor().tensors()?;
            return Ok((rows.clone(), rows));
        }
        Kind::Tokens { length, vocabulary } => {
            let sequences = |n, seed| data::counting(n, length, vocabulary, seed).tensors();
            return Ok((sequences(2_000, 1)?, sequences(100, 2)?));
        }
    }
    if let Some(dir) = dir {
        let mnist = data::mnist::from_dir(dir)?;
        println!("MNIST from {}: {} training images", dir.display(), mnist.train.labels.len());
        return Ok((mnist.train.tensors()?, mnist.test.tensors()?));
    }
    println!("{} generated digits (--data DIR trains on MNIST)", GENERATED.0);
    Ok((data::digits(GENERATED.0, 1).tensors()?, data::digits(GENERATED.1, 2).tensors()?))
}

fn save(model: &Model, path: &Path) -> Result<()> {
    let bytes =
        playgrad::tensor::block_on(io::save_safetensors(&nn::state_dict(&model.net), &io::Notes::new()))?;
    fs::write(path, &bytes).map_err(|e| {
        let got = format!("{}: {e}", path.display());
        Error::data("save", got, "a file that can be written", "name another --save FILE")
    })?;
    println!("weights in {} ({} bytes)", path.display(), bytes.len());
    Ok(())
}
