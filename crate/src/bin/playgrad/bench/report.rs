//! What was measured: a table as it comes, or JSON at the end; beside an earlier run where one is given.

use super::{
    cases::{Case, Rate, SIZES, Size},
    time::Timing,
};
use crate::units::{rate, seconds};
use playgrad::{Error, error::Result, runtime::Device};
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

/// A measured case; `record` is what the JSON says of it.
pub struct Outcome {
    name: String,
    timing: Timing,
    /// The speed in words, and its share of the copy bandwidth where memory bounds it.
    rate: String,
    bytes: Option<f64>,
    checked: String,
    record: Map<String, Value>,
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => unreachable!("an object"),
    }
}

impl Outcome {
    pub fn operation(case: &Case, timing: Timing, error: f64) -> Outcome {
        let (per_second, unit, bytes) = match case.rate {
            Rate::Flops(flops) => (flops / timing.median, "FLOP/s", None),
            Rate::Bytes(bytes) => (bytes / timing.median, "B/s", Some(bytes / timing.median)),
        };
        Outcome {
            name: case.name(),
            timing,
            rate: rate(per_second, unit),
            bytes,
            checked: format!("{error:.0e} off float64"),
            record: fields(json!({
                "suite": case.suite, "op": case.op, "dtype": case.dtype.name(), "shapes": case.shapes,
                "rate": per_second, "unit": unit, "error": error,
            })),
        }
    }

    pub fn training(
        model: &str,
        (optimizer, lr): (&str, f64),
        batch: usize,
        timing: Timing,
        error: Option<f64>,
        losses: Vec<f64>,
    ) -> Outcome {
        let last = losses.last().copied().unwrap_or(f64::NAN);
        let off = error.map_or(String::new(), |e| format!(", {e:.0e} off the cpu"));
        Outcome {
            name: format!("train {model} {batch}"),
            timing,
            rate: rate(1.0 / timing.median, "steps/s"),
            bytes: None,
            checked: format!("loss {:.4} to {last:.4}{off}", losses[0]),
            record: fields(json!({
                "suite": "train", "model": model, "batch": batch, "optimizer": optimizer, "lr": lr,
                "rate": 1.0 / timing.median, "unit": "steps/s", "error": error, "losses": losses,
            })),
        }
    }
}

pub struct Report {
    json: bool,
    copy: f64,
    head: Value,
    results: Vec<Value>,
    earlier: Option<Value>,
}

impl Report {
    pub fn new(device: &dyn Device, size: Size, copy: f64, json: bool, earlier: Option<Value>) -> Report {
        let head = json!({
            "playgrad": env!("CARGO_PKG_VERSION"), "device": device.name(),
            "description": device.description(), "size": SIZES[size as usize], "copy": copy,
        });
        if !json {
            println!("{}: {}", device.name(), device.description());
            println!("copy {} (read and written)\n", rate(copy, "B/s"));
            let beside = if earlier.is_some() { format!(" {:>8}", "before") } else { String::new() };
            println!("{:44} {:>10} {:>14} {:>6}{beside}  checked", "case", "time", "speed", "copy");
        }
        if let Some(before) = &earlier
            && before["device"] != head["device"]
        {
            eprintln!("the earlier run was on {}, this one is on {}", before["device"], head["device"]);
        }
        Report { json, copy, head, results: Vec::new(), earlier }
    }

    pub fn add(&mut self, outcome: Outcome) {
        let Outcome { name, timing, rate, bytes, checked, mut record } = outcome;
        let before = self.before(&name).map(|before| before / timing.median);
        if !self.json {
            let share = bytes.map_or(String::new(), |b| format!("{:.0} %", 100.0 * b / self.copy));
            let beside = match (&self.earlier, before) {
                (None, _) => String::new(),
                (Some(_), None) => format!(" {:>8}", "new"),
                (Some(_), Some(ratio)) => format!(" {:>7}x", format!("{ratio:.2}")),
            };
            println!("{name:44} {:>10} {rate:>14} {share:>6}{beside}  {checked}", seconds(timing.median));
        }
        let timed = json!({
            "name": name, "seconds": timing.median, "best": timing.best, "runs": timing.runs,
        });
        record.extend(fields(timed));
        if let Some(ratio) = before {
            record.insert("faster".into(), json!(ratio));
        }
        self.results.push(Value::Object(record));
    }

    /// How long the case of that name took in the earlier run.
    fn before(&self, name: &str) -> Option<f64> {
        let results = self.earlier.as_ref()?["results"].as_array()?;
        results.iter().find(|r| r["name"] == name)?["seconds"].as_f64()
    }

    pub fn finish(mut self) -> Result<()> {
        if self.json {
            self.head["results"] = Value::Array(self.results);
            println!("{:#}", self.head);
        } else if self.earlier.is_some() {
            println!("\nbefore: how many times as fast as in the earlier run");
        }
        Ok(())
    }
}

/// An earlier run's JSON.
pub fn read(path: &Path) -> Result<Value> {
    let wrong = |got: String| {
        let fix = "make one with: playgrad bench --json > FILE";
        Error::data("bench --compare", got, "a file that playgrad bench --json wrote", fix)
    };
    let text = fs::read_to_string(path).map_err(|e| wrong(format!("{}: {e}", path.display())))?;
    let value: Value = serde_json::from_str(&text).map_err(|e| wrong(format!("{}: {e}", path.display())))?;
    if value["results"].is_array() {
        Ok(value)
    } else {
        Err(wrong(format!("{} without results", path.display())))
    }
}
