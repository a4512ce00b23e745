//! The command line as typed data, or the sentence that says what is wrong with it.

use crate::bench::{
    cases::{SIZES, Size},
    suites,
};
use lexopt::{Arg, Parser, ValueExt};
use playgrad::models::{MODELS, OPTIMIZERS};
use std::{ffi::OsString, path::PathBuf, str::FromStr};

pub const HELP: &str = "\
playgrad: a small deep-learning engine

  playgrad devices               every device, and why one is missing
  playgrad count MODEL           what one training step costs, as key=value
      --optimizer O              adam (default), adamw or sgd
      --batch N
  playgrad train MODEL
      --device D                 auto (default) or a device's name
      --data DIR                 folder with MNIST's four .gz files; without it, generated digits
      --steps N  --batch N  --lr X  --optimizer O  --seed N
      --save FILE                writes the weights as safetensors
                                 under torchrun --no-python or mpirun: one model in all processes
  playgrad bench [SUITE...]      times operations and training steps, and checks their results
      --device D                 auto (default) or a device's name
      --size S                   tiny, small (default on a CPU) or large (default on a GPU)
      --seconds X                how long each case is measured (default 0.5)
      --json                     results as JSON
      --compare FILE             beside an earlier run's JSON
      --save DIR                 what the training steps start from, as safetensors
  playgrad profile MODEL         each kernel of a training step beside what the device reaches
      --device D  --batch N  --optimizer O  --steps N  --size S  --seconds X  --json
  playgrad onnx FILE             what a model is made of; runs it with random inputs and times it
      --device D                 auto (default) or a device's name
      --size N                   what stands for sizes that the file leaves open (default 1)
      --seconds X                how long it is measured (default 1)
  playgrad --version

MODEL is xor, mnist-mlp, mnist-cnn, beautiful-mnist, gpt-nano or gpt-mini.
SUITE is matmul, map, reduce, softmax, layernorm, conv, attention or train; without one, all are run.
";

#[derive(Debug, PartialEq)]
pub enum Command {
    Help,
    Version,
    Devices,
    Count(Options),
    Train(Options),
    Bench(Options),
    Profile(Options),
    #[cfg(feature = "onnx")]
    Onnx(OnnxOptions),
}

#[cfg(feature = "onnx")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnnxOptions {
    pub file: PathBuf,
    pub device: Option<String>,
    pub size: Option<usize>,
    pub seconds: Option<f64>,
}

/// What a command was told; `None` leaves its own default, or the model's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Empty for `bench`.
    pub model: String,
    /// None for all.
    pub suites: Vec<String>,
    pub optimizer: Option<String>,
    pub batch: Option<usize>,
    pub device: Option<String>,
    pub data: Option<PathBuf>,
    pub steps: Option<usize>,
    pub lr: Option<f64>,
    pub seed: Option<u32>,
    pub save: Option<PathBuf>,
    pub size: Option<Size>,
    pub seconds: Option<f64>,
    pub json: bool,
    pub compare: Option<PathBuf>,
}

/// The options each command takes.
fn takes(command: &str, option: &str) -> bool {
    let known: &[&str] = match command {
        "count" => &["optimizer", "batch"],
        "train" => &["optimizer", "batch", "device", "data", "steps", "lr", "seed", "save"],
        "bench" => &["device", "size", "seconds", "json", "compare", "save"],
        _ => &["optimizer", "batch", "device", "steps", "size", "seconds", "json"],
    };
    known.contains(&option)
}

pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    read(Parser::from_args(arguments)).map_err(|e| e.to_string())
}

fn read(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let command = match parser.next()? {
        None | Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Help),
        Some(Arg::Long("version") | Arg::Short('V')) => return Ok(Command::Version),
        Some(Arg::Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected()),
    };
    match command.as_str() {
        "help" => Ok(Command::Help),
        "devices" => match parser.next()? {
            None => Ok(Command::Devices),
            Some(other) => Err(other.unexpected()),
        },
        "count" | "train" | "bench" | "profile" => options(&mut parser, &command),
        #[cfg(feature = "onnx")]
        "onnx" => onnx(&mut parser),
        other => {
            let expected = "devices, count, train, bench, profile or onnx";
            Err(format!("unknown command \"{other}\", expected {expected}").into())
        }
    }
}

fn options(parser: &mut Parser, command: &str) -> Result<Command, lexopt::Error> {
    let mut o = Options::default();
    let has_model = command != "bench";
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Value(name) if has_model && o.model.is_empty() => o.model = one_of("MODEL", name, &MODELS)?,
            Arg::Value(name) if !has_model => o.suites.push(one_of("SUITE", name, &suites())?),
            Arg::Long(name) if takes(command, name) => {
                let name = name.to_string();
                option(parser, &name, &mut o)?;
            }
            other => return Err(other.unexpected()),
        }
    }
    if has_model && o.model.is_empty() {
        return Err(format!("{command} needs a MODEL: {}", MODELS.join(", ")).into());
    }
    Ok(match command {
        "count" => Command::Count(o),
        "train" => Command::Train(o),
        "bench" => Command::Bench(o),
        _ => Command::Profile(o),
    })
}

#[cfg(feature = "onnx")]
fn onnx(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut o = OnnxOptions::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Value(file) if o.file.as_os_str().is_empty() => o.file = file.into(),
            Arg::Long("device") => o.device = Some(parser.value()?.string()?),
            Arg::Long("size") => o.size = Some(positive("--size", parser.value()?)?),
            Arg::Long("seconds") => o.seconds = Some(positive("--seconds", parser.value()?)?),
            other => return Err(other.unexpected()),
        }
    }
    if o.file.as_os_str().is_empty() { Err("onnx needs a FILE".into()) } else { Ok(Command::Onnx(o)) }
}

fn option(parser: &mut Parser, name: &str, o: &mut Options) -> Result<(), lexopt::Error> {
    match name {
        "json" => {
            o.json = true;
            return Ok(());
        }
        "size" => {
            let name = one_of("--size", parser.value()?, &SIZES)?;
            o.size = Size::parse(&name);
            return Ok(());
        }
        _ => {}
    }
    let value = parser.value()?;
    match name {
        "optimizer" => o.optimizer = Some(one_of("--optimizer", value, &OPTIMIZERS)?),
        "batch" => o.batch = Some(positive("--batch", value)?),
        "device" => o.device = Some(value.string()?),
        "data" => o.data = Some(value.into()),
        "steps" => o.steps = Some(positive("--steps", value)?),
        "lr" => o.lr = Some(positive("--lr", value)?),
        "seed" => o.seed = Some(value.parse()?),
        "save" => o.save = Some(value.into()),
        "seconds" => o.seconds = Some(positive("--seconds", value)?),
        "compare" => o.compare = Some(value.into()),
        _ => unreachable!("`takes` knows no other"),
    }
    Ok(())
}

fn one_of(what: &str, value: OsString, known: &[&str]) -> Result<String, lexopt::Error> {
    let value = value.string()?;
    if known.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(format!("{what} is \"{value}\", expected one of {}", known.join(", ")).into())
}

fn positive<T: FromStr + PartialOrd + Default>(what: &str, value: OsString) -> Result<T, lexopt::Error> {
    let value = value.string()?;
    match value.parse() {
        Ok(number) if number > T::default() && value != "inf" => Ok(number),
        _ => Err(format!("{what} is \"{value}\", expected a number above 0").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn commands_carry_their_options() {
        assert_eq!(parsed(""), Ok(Command::Help));
        assert_eq!(parsed("--version"), Ok(Command::Version));
        assert_eq!(parsed("devices"), Ok(Command::Devices));
        let count = Options { model: "xor".into(), batch: Some(4), ..Options::default() };
        assert_eq!(parsed("count xor --batch 4"), Ok(Command::Count(count)));
        let train = Options {
            model: "mnist-mlp".into(),
            optimizer: Some("sgd".into()),
            lr: Some(0.1),
            data: Some("a/b".into()),
            ..Options::default()
        };
        assert_eq!(parsed("train --lr=0.1 mnist-mlp --data a/b --optimizer sgd"), Ok(Command::Train(train)));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, says) in [
            ("run", "\"run\""),
            ("count", "needs a MODEL"),
            ("count resnet", "mnist-mlp"),
            ("count xor --batch 0", "--batch is \"0\""),
            ("count xor --device cpu", "--device"),
            ("train xor --lr nan", "--lr is \"nan\""),
            ("train xor --steps many", "--steps is \"many\""),
            ("train xor --optimizer lion", "adamw"),
            ("train xor --data", "--data"),
            ("devices all", "all"),
            ("onnx", "needs a FILE"),
            ("onnx a.onnx --size 0", "--size is \"0\""),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
