//! Training end to end: models learn, keep no memory, repeat by seed and survive saving.

use playgrad::{
    Tensor, data,
    error::{Kind, Result},
    graph, io, manual_seed,
    models::Model,
    nn::{self, Linear, Module, Sequential},
    optim::{AdamOptions, Optimizer},
    runtime,
    tensor::{block_on, live_tensors},
};
use std::path::Path;

const MNIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/mnist");

/// Runs `f` on every device of this machine that computes.
fn on_each_device(f: impl Fn() -> Result<()>) {
    for name in ["cpu", "vulkan", "metal"] {
        match runtime::set_default(name) {
            Ok(()) => {
                println!("{name}");
                f().unwrap_or_else(|e| panic!("{name}: {e}"));
            }
            Err(why) => println!("{name}: skipped, {why}"),
        }
    }
}

fn trained(
    model: &Model,
    optimizer: &str,
    lr: Option<f64>,
    steps: usize,
    (x, y): &(Tensor, Tensor),
) -> Result<f64> {
    let optimizer = model.optimizer(optimizer, lr)?;
    let mut loss = f64::NAN;
    for step in 1..=steps {
        let now = model.step(&optimizer, x, y)?;
        if step == steps {
            loss = now.item()?;
        }
    }
    Ok(loss)
}

#[test]
fn xor_learns_with_every_optimizer() {
    on_each_device(|| {
        let rows = data::xor().tensors()?;
        for (optimizer, lr, steps) in [("adam", None, 400), ("adamw", None, 400), ("sgd", Some(2.0), 1500)] {
            manual_seed(42);
            let model = Model::new("xor")?;
            let loss = trained(&model, optimizer, lr, steps, &rows)?;
            println!("{optimizer}: loss {loss:.5} after {steps} steps");
            assert!(loss < 0.01, "{optimizer}: loss {loss}");
            assert_eq!(model.accuracy(&rows.0, &rows.1)?, 1.0);
        }
        Ok(())
    });
}

#[test]
fn a_network_separates_the_moons() -> Result<()> {
    runtime::set_default("cpu")?;
    manual_seed(1);
    let (x, y) = data::moons(200, 0.1, 7).tensors()?;
    let net = Sequential::default()
        .then(Linear::new(2, 16, true)?)
        .apply(Tensor::relu)
        .then(Linear::new(16, 2, true)?);
    let optimizer =
        Optimizer::adam(&nn::parameters(&net), AdamOptions { lr: 0.02, ..AdamOptions::default() })?;
    for _ in 0..300 {
        let loss = net.forward(&x)?.cross_entropy(&y)?;
        optimizer.zero_grad();
        loss.backward()?;
        optimizer.step()?;
    }
    let right = net.forward(&x)?.argmax(Some(1), false)?.eq(&y)?.sum((), false)?.item()?;
    assert!(right >= 195.0, "{right} of 200");
    Ok(())
}

#[test]
fn an_mlp_reads_handwriting() {
    runtime::set_default("cpu").unwrap();
    manual_seed(42);
    let (train, test) = match data::mnist::from_dir(Path::new(MNIST)) {
        Ok(mnist) => (mnist.train, mnist.test),
        Err(why) => {
            println!("no MNIST here, using generated digits: {why}");
            (data::digits(10_000, 1), data::digits(1_000, 2))
        }
    };
    let model = Model::new("mnist-mlp").unwrap();
    let loss = trained(&model, "adam", None, 300, &train.tensors().unwrap()).unwrap();
    let (x, y) = test.tensors().unwrap();
    let accuracy = model.accuracy(&x, &y).unwrap();
    println!("loss {loss:.4}, accuracy {accuracy:.4} of {} digits it never saw", y.numel());
    assert!(accuracy > 0.92, "accuracy {accuracy}");
}

#[test]
fn convolutional_models_start_to_learn() {
    on_each_device(|| {
        let digits = data::digits(500, 3).tensors()?;
        for (name, batch, steps, below) in [("mnist-cnn", 32, 30, 1.5), ("beautiful-mnist", 16, 8, 1.5)] {
            manual_seed(42);
            let mut model = Model::new(name)?;
            model.batch = Some(batch);
            let loss = trained(&model, "adam", None, steps, &digits)?;
            println!("{name}: loss {loss:.4} after {steps} steps");
            assert!(loss < below, "{name}: loss {loss}");
        }
        Ok(())
    });
}

#[test]
fn a_seed_gives_the_same_training_again() -> Result<()> {
    runtime::set_default("cpu")?;
    let digits = data::digits(200, 3).tensors()?;
    let run = || {
        manual_seed(9);
        trained(&Model::new("mnist-mlp")?, "adam", None, 5, &digits)
    };
    assert_eq!(run()?.to_bits(), run()?.to_bits());
    Ok(())
}

#[test]
fn a_long_run_keeps_no_nodes_and_no_memory() {
    on_each_device(|| {
        let (x, y) = data::xor().tensors()?;
        let model = Model::new("xor")?;
        let optimizer = model.optimizer("adam", None)?;
        let held = || Ok((graph::live_nodes(), live_tensors(), runtime::choose(0)?.counters().bytes));
        let mut early = None;
        for step in 0..500 {
            model.step(&optimizer, &x, &y)?;
            if step == 20 {
                early = Some(held()?);
            }
        }
        assert_eq!(early, Some(held()?), "live nodes, live tensors, bytes after 20 and 500 steps");
        Ok(())
    });
}

#[test]
fn a_saved_model_predicts_the_same() -> Result<()> {
    runtime::set_default("cpu")?;
    let digits = data::digits(100, 5).tensors()?;
    for name in ["mnist-mlp", "beautiful-mnist"] {
        let mut model = Model::new(name)?;
        model.batch = Some(16);
        trained(&model, "adam", None, 3, &digits)?;
        let bytes = block_on(io::save_safetensors(&nn::state_dict(&model.net), &io::Notes::new()))?;
        let loaded = Model::new(name)?;
        nn::load_state_dict(&loaded.net, &io::load_safetensors("model.safetensors", &bytes)?, true)?;
        let values = |model: &Model| model.forward(&digits.0)?.to_vec::<f32>();
        assert_eq!(values(&model)?, values(&loaded)?, "{name}");
        assert_eq!(
            block_on(io::save_safetensors(&nn::state_dict(&loaded.net), &io::Notes::new()))?,
            bytes,
            "{name}"
        );
    }
    Ok(())
}

#[test]
fn weights_of_another_model_are_refused_by_name() -> Result<()> {
    let (mlp, cnn) = (Model::new("mnist-mlp")?, Model::new("mnist-cnn")?);
    let error = nn::load_state_dict(&cnn.net, &nn::state_dict(&mlp.net), true).unwrap_err();
    assert_eq!(error.kind, Kind::Data);
    assert!(error.got.contains("9.weight") && error.got.contains("2.weight"), "{error}");
    Ok(())
}

#[test]
fn a_transformer_learns_to_count() {
    runtime::set_default("cpu").unwrap();
    manual_seed(42);
    let mut model = Model::new("gpt-nano").unwrap();
    model.batch = Some(8);
    let sequences = data::counting(100, 64, 64, 1).tensors().unwrap();
    let loss = trained(&model, "adam", None, 16, &sequences).unwrap();
    println!("loss {loss:.3}");
    assert!(loss < 3.6, "loss {loss}, and {:.3} for guesses", 64f64.ln());
}
