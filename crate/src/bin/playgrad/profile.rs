//! `playgrad profile`: what each kernel of a training step costs, beside what the device was measured to reach.

use crate::{
    args::Options,
    bench::{self, copy_bandwidth, matmul_rate, select, suited},
    units::{rate, seconds},
};
use playgrad::{debug, error::Result, models::Model, schedule::Work, tensor::block_on};
use serde_json::json;
use std::time::Duration;

const STEPS: usize = 10;
/// Seconds that each of the device's limits is measured.
const SECONDS: f64 = 0.5;

struct Row {
    name: String,
    launches: usize,
    seconds: f64,
    work: Work,
}

/// What the device reaches: operations and bytes a second.
struct Peaks {
    flops: f64,
    bytes: f64,
}

impl Row {
    /// How long the work would take at the device's best, as a part of how long it took.
    fn share(&self, peaks: &Peaks) -> f64 {
        (self.work.flops as f64 / peaks.flops).max(self.work.bytes as f64 / peaks.bytes) / self.seconds
    }
}

pub fn profile(options: &Options) -> Result<()> {
    let device = select(options.device.as_deref())?;
    let (size, budget) = (
        options.size.unwrap_or(suited(&*device)),
        Duration::from_secs_f64(options.seconds.unwrap_or(SECONDS)),
    );
    let peaks =
        Peaks { flops: matmul_rate(&device, size, budget)?, bytes: copy_bandwidth(&device, size, budget)? };
    let steps = options.steps.unwrap_or(STEPS);
    let optimizer = options.optimizer.as_deref().unwrap_or("adam");
    let batch = options.batch.or(Model::new(&options.model)?.batch).unwrap_or(4);
    let mut training = bench::training(&options.model, optimizer, batch)?;
    // Compiled, and replayed once.
    training.run(3)?;
    block_on(device.idle())?;
    let (done, launches) = debug::profile(|| training.run(steps));
    done?;

    let mut rows: Vec<Row> = Vec::new();
    for launch in launches {
        let at = rows.iter().position(|r| r.name == launch.name).unwrap_or(rows.len());
        if at == rows.len() {
            rows.push(Row { name: launch.name, launches: 0, seconds: 0.0, work: Work::default() });
        }
        let row = &mut rows[at];
        row.launches += 1;
        row.seconds += launch.seconds;
        row.work.flops += launch.work.flops;
        row.work.bytes += launch.work.bytes;
    }
    rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let total: f64 = rows.iter().map(|r| r.seconds).sum();
    if options.json {
        let kernels = rows.iter().map(|r| {
            json!({
                "name": r.name, "launches": r.launches, "seconds": r.seconds, "flops": r.work.flops,
                "bytes": r.work.bytes, "share_of_peak": r.share(&peaks),
            })
        });
        let all = json!({
            "device": device.name(), "description": device.description(), "clock": device.clock(),
            "model": options.model, "batch": batch, "optimizer": optimizer, "steps": steps,
            "peak": { "flops": peaks.flops, "bytes": peaks.bytes },
            "seconds": total, "kernels": kernels.collect::<Vec<_>>(),
        });
        println!("{all:#}");
        return Ok(());
    }
    println!("{}: {}", device.name(), device.description());
    println!("clock: {}", device.clock());
    println!("peak: matmul {}, copy {}\n", rate(peaks.flops, "FLOP/s"), rate(peaks.bytes, "B/s"));
    println!(
        "{:>10} {:>6} {:>8} {:>14} {:>12} {:>7}  kernel",
        "time/step", "part", "launches", "arithmetic", "memory", "of peak"
    );
    for row in &rows {
        println!(
            "{:>10} {:>4.1} % {:>8} {:>14} {:>12} {:>5.0} %  {}",
            seconds(row.seconds / steps as f64),
            100.0 * row.seconds / total,
            row.launches / steps,
            rate(row.work.flops as f64 / row.seconds, "FLOP/s"),
            rate(row.work.bytes as f64 / row.seconds, "B/s"),
            100.0 * row.share(&peaks),
            row.name
        );
    }
    println!(
        "\n{} a step of {} with {optimizer}, batch {batch}, in {} launches",
        seconds(total / steps as f64),
        options.model,
        rows.iter().map(|r| r.launches).sum::<usize>() / steps
    );
    Ok(())
}
