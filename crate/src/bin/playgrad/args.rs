//! The command line as typed data, or the sentence that says what is wrong with it.

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
      --device D                 auto (default), cpu, vulkan or metal
      --data DIR                 folder with MNIST's four .gz files; without it, generated digits
      --steps N  --batch N  --lr X  --optimizer O  --seed N
      --save FILE                writes the weights as safetensors
  playgrad --version

MODEL is xor, mnist-mlp, mnist-cnn, beautiful-mnist or gpt-nano.
";

#[derive(Debug, PartialEq)]
pub enum Command {
    Help,
    Version,
    Devices,
    Count(Options),
    Train(Options),
}

/// What `count` and `train` were told; `None` leaves the model's own default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    pub model: String,
    pub optimizer: Option<String>,
    pub batch: Option<usize>,
    pub device: Option<String>,
    pub data: Option<PathBuf>,
    pub steps: Option<usize>,
    pub lr: Option<f64>,
    pub seed: Option<u32>,
    pub save: Option<PathBuf>,
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
        "count" | "train" => options(&mut parser, &command),
        other => Err(format!("unknown command \"{other}\", expected devices, count or train").into()),
    }
}

fn options(parser: &mut Parser, command: &str) -> Result<Command, lexopt::Error> {
    let mut o = Options::default();
    let train = command == "train";
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Value(name) if o.model.is_empty() => o.model = one_of("MODEL", name, &MODELS)?,
            Arg::Long("optimizer") => {
                o.optimizer = Some(one_of("--optimizer", parser.value()?, &OPTIMIZERS)?)
            }
            Arg::Long("batch") => o.batch = Some(positive("--batch", parser.value()?)?),
            Arg::Long("device") if train => o.device = Some(parser.value()?.string()?),
            Arg::Long("data") if train => o.data = Some(parser.value()?.into()),
            Arg::Long("steps") if train => o.steps = Some(positive("--steps", parser.value()?)?),
            Arg::Long("lr") if train => o.lr = Some(positive("--lr", parser.value()?)?),
            Arg::Long("seed") if train => o.seed = Some(parser.value()?.parse()?),
            Arg::Long("save") if train => o.save = Some(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    if o.model.is_empty() {
        return Err(format!("{command} needs a MODEL: {}", MODELS.join(", ")).into());
    }
    Ok(if train { Command::Train(o) } else { Command::Count(o) })
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
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
