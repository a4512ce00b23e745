//! The `playgrad` command: devices, count, train, bench, profile, onnx.

mod args;
mod bench;
#[cfg(feature = "onnx")]
mod onnx;
mod profile;
mod progress;
mod steps;
mod train;
mod units;

use args::{Command, Options};
use playgrad::{Error, io, models, nn::StateDict, runtime, tensor::block_on};
use std::{fs, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let command = match args::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(mistake) => {
            eprintln!("playgrad: {mistake}\nTry playgrad --help.");
            return ExitCode::from(2);
        }
    };
    let done = match command {
        Command::Help => {
            print!("{}", args::HELP);
            Ok(())
        }
        Command::Version => {
            println!("playgrad {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Command::Devices => {
            devices();
            Ok(())
        }
        Command::Count(options) => count(&options),
        Command::Train(options) => train::train(&options),
        Command::Bench(options) => bench::bench(&options),
        Command::Profile(options) => profile::profile(&options),
        #[cfg(feature = "onnx")]
        Command::Onnx(options) => onnx::onnx(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("playgrad: {e}");
            ExitCode::FAILURE
        }
    }
}

fn devices() {
    for device in runtime::devices() {
        let mark = if device.available { "available" } else { "missing" };
        println!("{:8} {mark:10} {}", device.name, device.description);
    }
}

fn count(options: &Options) -> Result<(), Error> {
    let optimizer = options.optimizer.as_deref().unwrap_or("adam");
    let c = models::count(&options.model, optimizer, options.batch)?;
    println!(
        "kernels={} bytes={} flops={} peak_bytes={} params={}",
        c.kernels, c.bytes, c.flops, c.peak_bytes, c.params
    );
    Ok(())
}

/// Writes tensors as safetensors; their bytes.
fn save_tensors(tensors: &StateDict, path: &Path) -> Result<usize, Error> {
    let bytes = block_on(io::save_safetensors(tensors, &io::Notes::new()))?;
    fs::write(path, &bytes).map_err(|e| {
        let got = format!("{}: {e}", path.display());
        Error::data("save", got, "a file that can be written", "name another --save")
    })?;
    Ok(bytes.len())
}
