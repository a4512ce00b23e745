//! Models: those of the command line, the tests and the work counts, minGPT and Mamba. User code on `Tensor` only.

mod gpt;
pub mod mamba;
pub mod mingpt;

use crate::{
    data::{Images, Sequences},
    error::{Error, Result},
    nn::{BatchNorm, Conv2d, Linear, Module, Sequential, parameters},
    optim::{AdamOptions, Optimizer, SgdOptions},
    runtime, schedule,
    tensor::{Conv2dOptions, Pool2dOptions, Tensor, no_grad, with_training},
};

pub const MODELS: [&str; 6] = ["xor", "mnist-mlp", "mnist-cnn", "beautiful-mnist", "gpt-nano", "gpt-mini"];
pub const OPTIMIZERS: [&str; 3] = ["adam", "adamw", "sgd"];

/// A network with what it learns from and how it is trained unless told otherwise.
pub struct Model {
    pub net: Sequential,
    /// Rows drawn for each step; `None` trains on all rows at once.
    pub batch: Option<usize>,
    pub steps: usize,
    recipe: Recipe,
}

#[derive(Clone, Copy)]
struct Recipe {
    name: &'static str,
    net: fn() -> Result<Sequential>,
    input: Input,
    batch: Option<usize>,
    steps: usize,
    /// Learning rates for Adam (and AdamW) and for SGD.
    lr: [f64; 2],
}

#[derive(Clone, Copy)]
enum Input {
    /// Float rows; the target is one float each, 0 or 1.
    Points,
    /// Grey bytes scaled to 0..1, as rows of 784 or as pictures of one channel; the target is a class each.
    Rows,
    Pictures,
    /// Grey bytes as they are.
    RawPictures,
    /// Sequences of tokens; the target is the next token at each place.
    Tokens,
}

const RECIPES: [Recipe; 6] = [
    Recipe { name: "xor", net: xor, input: Input::Points, batch: None, steps: 600, lr: [0.05, 1.0] },
    Recipe {
        name: "mnist-mlp",
        net: mlp,
        input: Input::Rows,
        batch: Some(128),
        steps: 1000,
        lr: [0.002, 0.1],
    },
    Recipe {
        name: "mnist-cnn",
        net: cnn,
        input: Input::Pictures,
        batch: Some(64),
        steps: 500,
        lr: [0.001, 0.1],
    },
    Recipe {
        name: "beautiful-mnist",
        net: beautiful,
        input: Input::RawPictures,
        batch: Some(512),
        steps: 70,
        lr: [0.001, 0.01],
    },
    Recipe {
        name: "gpt-nano",
        net: gpt::gpt_nano,
        input: Input::Tokens,
        batch: Some(32),
        steps: 300,
        lr: [0.003, 0.1],
    },
    Recipe {
        name: "gpt-mini",
        net: gpt::gpt_mini,
        input: Input::Tokens,
        batch: Some(32),
        steps: 300,
        lr: [0.001, 0.1],
    },
];

/// What a model learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The four rows of exclusive or.
    Xor,
    Images,
    /// Sequences of that many tokens, of that many kinds.
    Tokens {
        length: usize,
        vocabulary: usize,
    },
}

fn xor() -> Result<Sequential> {
    Ok(Sequential::default()
        .then(Linear::new(2, 8, true)?)
        .apply(Tensor::tanh)
        .then(Linear::new(8, 1, true)?)
        .apply(Tensor::sigmoid))
}

fn mlp() -> Result<Sequential> {
    Ok(Sequential::default()
        .then(Linear::new(784, 128, true)?)
        .apply(Tensor::relu)
        .then(Linear::new(128, 10, true)?))
}

fn conv(inputs: usize, outputs: usize, kernel: usize) -> Result<Conv2d> {
    Conv2d::new(inputs, outputs, &[kernel, kernel], Conv2dOptions::default(), true)
}

fn half(x: &Tensor) -> Result<Tensor> {
    x.max_pool2d(&[2, 2], Pool2dOptions::default())
}

fn cnn() -> Result<Sequential> {
    Ok(Sequential::default()
        .then(conv(1, 24, 5)?)
        .apply(half)
        .apply(Tensor::relu)
        .then(conv(24, 32, 3)?)
        .apply(half)
        .apply(Tensor::relu)
        .apply(|x| x.flatten(1))
        .then(Linear::new(800, 128, true)?)
        .apply(Tensor::relu)
        .then(Linear::new(128, 10, true)?))
}

/// tinygrad's `beautiful_mnist.py`.
fn beautiful() -> Result<Sequential> {
    let norm = |channels| BatchNorm::new(channels, true, 1e-5, 0.1);
    Ok(Sequential::default()
        .then(conv(1, 32, 5)?)
        .apply(Tensor::relu)
        .then(conv(32, 32, 5)?)
        .apply(Tensor::relu)
        .then(norm(32)?)
        .apply(half)
        .then(conv(32, 64, 3)?)
        .apply(Tensor::relu)
        .then(conv(64, 64, 3)?)
        .apply(Tensor::relu)
        .then(norm(64)?)
        .apply(half)
        .apply(|x| x.flatten(1))
        .then(Linear::new(576, 10, true)?))
}

impl Model {
    pub fn new(name: &str) -> Result<Model> {
        let recipe = RECIPES.into_iter().find(|r| r.name == name).ok_or_else(|| {
            let expected = format!("one of {}", MODELS.join(", "));
            Error::argument("model", format!("\"{name}\""), expected, "name one of these")
        })?;
        Ok(Model { net: (recipe.net)()?, batch: recipe.batch, steps: recipe.steps, recipe })
    }

    pub fn kind(&self) -> Kind {
        match self.recipe.input {
            Input::Points => Kind::Xor,
            Input::Rows | Input::Pictures | Input::RawPictures => Kind::Images,
            Input::Tokens => Kind::Tokens { length: gpt::LENGTH, vocabulary: gpt::VOCABULARY },
        }
    }

    /// `adam`, `adamw` or `sgd` over the model's parameters; without a learning rate, the model's own.
    pub fn optimizer(&self, name: &str, lr: Option<f64>) -> Result<Optimizer> {
        let (params, [adam, sgd]) = (parameters(&self.net), self.recipe.lr);
        let options = AdamOptions { lr: lr.unwrap_or(adam), ..AdamOptions::default() };
        match name {
            "adam" => Optimizer::adam(&params, options),
            "adamw" => Optimizer::adamw(&params, AdamOptions { weight_decay: 0.01, ..options }),
            "sgd" => Optimizer::sgd(&params, SgdOptions { lr: lr.unwrap_or(sgd), ..SgdOptions::default() }),
            other => {
                let expected = format!("one of {}", OPTIMIZERS.join(", "));
                Err(Error::argument("optimizer", format!("\"{other}\""), expected, "name one of these"))
            }
        }
    }

    /// What the network says about rows of a data set: probabilities for points, a row of logits for each image or
    /// token.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let n = x.shape()[0] as isize;
        if let Input::Tokens = self.recipe.input {
            return self.net.forward(x)?.reshape(&[-1, gpt::VOCABULARY as isize]);
        }
        self.net.forward(&match self.recipe.input {
            Input::Points | Input::Tokens => x.clone(),
            Input::Rows => x.float()?.div(255.0)?.reshape(&[n, 784])?,
            Input::Pictures => x.float()?.div(255.0)?.reshape(&[n, 1, 28, 28])?,
            Input::RawPictures => x.float()?.reshape(&[n, 1, 28, 28])?,
        })
    }

    fn loss(&self, x: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let out = self.forward(x)?;
        match self.kind() {
            Kind::Xor => out.mse(&labels.float()?.reshape(&[-1, 1])?),
            Kind::Images | Kind::Tokens { .. } => out.cross_entropy(&labels.flatten(0)?),
        }
    }

    /// One training step on rows drawn on the device; gives the loss, computed in the same submission.
    pub fn step(&self, optimizer: &Optimizer, x: &Tensor, labels: &Tensor) -> Result<Tensor> {
        with_training(true, || {
            let loss = match self.batch {
                Some(batch) => {
                    let rows = Tensor::randint(&[batch], 0, labels.shape()[0] as i32)?;
                    self.loss(&x.index(&rows)?, &labels.index(&rows)?)?
                }
                None => self.loss(x, labels)?,
            };
            optimizer.zero_grad();
            loss.backward()?;
            optimizer.step()?;
            Ok(loss)
        })
    }

    /// The share of rows it classifies rightly, a thousand at a time.
    pub fn accuracy(&self, x: &Tensor, labels: &Tensor) -> Result<f64> {
        let n = labels.shape()[0];
        let mut right = 0.0;
        for start in (0..n).step_by(1000) {
            let rows = (start, n.min(start + 1000));
            let part = |t: &Tensor| {
                let whole = t.shape();
                let ranges: Vec<_> =
                    whole.iter().enumerate().map(|(i, s)| if i == 0 { rows } else { (0, *s) }).collect();
                t.shrink(&ranges)
            };
            let hits = no_grad(|| {
                let out = self.forward(&part(x)?)?;
                let guess = match self.kind() {
                    Kind::Xor => out.gt(0.5)?.int()?.flatten(0)?,
                    Kind::Images | Kind::Tokens { .. } => out.argmax(Some(1), false)?,
                };
                guess.eq(&part(labels)?.flatten(0)?)?.sum((), false)
            })?;
            right += hits.item()?;
        }
        Ok(right / labels.numel().max(1) as f64)
    }
}

/// What one training step costs once plans are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Dispatches a GPU needs.
    pub kernels: u64,
    /// Bytes the kernels read and write, each element once per kernel.
    pub bytes: u64,
    pub flops: u64,
    /// The most device memory held at once, weights and data included.
    pub peak_bytes: usize,
    /// Trained values.
    pub params: usize,
}

/// Counts the third training step on the null device, which becomes this thread's device. The data set has as many
/// rows as the batch, so that its size does not count.
pub fn count(name: &str, optimizer: &str, batch: Option<usize>) -> Result<Counts> {
    runtime::set_default("null")?;
    let mut model = Model::new(name)?;
    model.batch = batch.or(model.batch);
    let n = model.batch.unwrap_or(1);
    let (x, labels) = match model.kind() {
        Kind::Xor => crate::data::xor().tensors()?,
        Kind::Images => {
            Images { pixels: vec![0; n * 784], labels: vec![0; n], height: 28, width: 28 }.tensors()?
        }
        Kind::Tokens { length, .. } => {
            Sequences { tokens: vec![0; n * length], next: vec![0; n * length], length }.tensors()?
        }
    };
    let optimizer = model.optimizer(optimizer, None)?;
    for _ in 0..2 {
        model.step(&optimizer, &x, &labels)?;
    }
    let device = runtime::device("null")?;
    let (before, kernels) = (schedule::stats(), device.counters().kernels);
    model.step(&optimizer, &x, &labels)?;
    let after = schedule::stats();
    Ok(Counts {
        kernels: device.counters().kernels - kernels,
        bytes: after.bytes - before.bytes,
        flops: after.flops - before.flops,
        peak_bytes: device.counters().peak_bytes,
        params: parameters(&model.net).iter().map(Tensor::numel).sum(),
    })
}

/// The tensors of modules by `name.inner`.
fn inside<const N: usize>(modules: [(&str, &dyn Module); N]) -> Vec<(String, Tensor)> {
    let named = |(name, module): (&str, &dyn Module)| -> Vec<(String, Tensor)> {
        module.tensors().into_iter().map(|(inner, t)| (format!("{name}.{inner}"), t)).collect()
    };
    modules.into_iter().flat_map(named).collect()
}
