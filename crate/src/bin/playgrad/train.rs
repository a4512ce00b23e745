//! `playgrad train`: runs a model's recipe and says how it goes.

use crate::{args::Options, progress::Progress, save_tensors, steps::Steps};
use playgrad::{
    Tensor, data,
    error::Result,
    manual_seed,
    models::{Kind, Model},
    nn, runtime,
};
use std::{path::Path, rc::Rc};

const GENERATED: (usize, usize) = (20_000, 2_000);

type Labelled = (Tensor, Tensor);

pub fn train(options: &Options) -> Result<()> {
    runtime::set_default(options.device.as_deref().unwrap_or("auto"))?;
    let processes = runtime::ProcessGroup::from_env()?.map(Rc::new);
    let rank = processes.as_ref().map_or(0, |p| p.rank());
    let seed = options.seed.unwrap_or(42);
    manual_seed(seed);
    let mut model = Model::new(&options.model)?;
    model.batch = options.batch.or(model.batch);
    let steps = options.steps.unwrap_or(model.steps);
    let ((x, labels), test) = load(&model, options.data.as_deref(), rank == 0)?;
    let mut optimizer = model.optimizer(options.optimizer.as_deref().unwrap_or("adam"), options.lr)?;
    if let Some(processes) = &processes {
        optimizer = optimizer.data_parallel(processes)?;
        manual_seed(seed.wrapping_add(rank as u32));
    }

    let mut training = Steps::new(model, optimizer, x, labels);
    let mut progress = (rank == 0).then(|| Progress::new(steps));
    for step in 1..=steps {
        let loss = training.step()?;
        match &mut progress {
            Some(progress) => progress.after(step, &loss)?,
            None if step == steps => drop(loss.item()?),
            None => {}
        }
    }
    let Some(progress) = progress else { return Ok(()) };
    let seconds = progress.finish();
    let device = runtime::used().unwrap_or_default();
    let accuracy = 100.0 * training.model().accuracy(&test.0, &test.1)?;
    let many = processes.map_or(String::new(), |p| format!(" in {} processes", p.size()));
    println!(
        "{steps} steps of {} on {device}{many} in {seconds:.2} s, accuracy {accuracy:.2} % of {} test targets",
        options.model,
        test.1.numel()
    );
    match &options.save {
        Some(path) => {
            let bytes = save_tensors(&nn::state_dict(&training.model().net), path)?;
            println!("weights in {} ({bytes} bytes)", path.display());
            Ok(())
        }
        None => Ok(()),
    }
}

/// What to train on and what to test on; says so where it could be something else.
fn load(model: &Model, dir: Option<&Path>, say: bool) -> Result<(Labelled, Labelled)> {
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
        if say {
            println!("MNIST from {}: {} training images", dir.display(), mnist.train.labels.len());
        }
        return Ok((mnist.train.tensors()?, mnist.test.tensors()?));
    }
    if say {
        println!("{} generated digits (--data DIR trains on MNIST)", GENERATED.0);
    }
    Ok((data::digits(GENERATED.0, 1).tensors()?, data::digits(GENERATED.1, 2).tensors()?))
}
