//! The `playgrad` command: devices, count, train.

mod args;
mod train;

use args::{Command, Options};
use playgrad::{Error, models, runtime};
use std::process::ExitCode;

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
