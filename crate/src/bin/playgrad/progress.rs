//! How a training run goes: a bar on a terminal, lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use playgrad::{Tensor, error::Result};
use std::time::{Duration, Instant};

/// Lines that a run prints where there is no terminal.
const LINES: usize = 20;
/// Between two looks at the loss of a run on a terminal: to read it is to wait for the device.
const LOOK: Duration = Duration::from_millis(100);

pub struct Progress {
    steps: usize,
    bar: ProgressBar,
    start: Instant,
    /// The step of the last report, and when it was.
    last: (usize, Duration),
}

impl Progress {
    pub fn new(steps: usize) -> Progress {
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} steps, {eta} left, {msg}");
        let bar = ProgressBar::new(steps as u64).with_style(style.expect("the template is right"));
        Progress { steps, bar, start: Instant::now(), last: (0, Duration::ZERO) }
    }

    pub fn after(&mut self, step: usize, loss: &Tensor) -> Result<()> {
        let due = match self.bar.is_hidden() {
            true => step.is_multiple_of(self.steps.div_ceil(LINES)),
            false => self.start.elapsed() - self.last.1 >= LOOK,
        };
        if !due && step < self.steps {
            return Ok(());
        }
        let (loss, now) = (loss.item()?, self.start.elapsed());
        let per_step = (now - self.last.1).as_secs_f64() * 1e3 / (step - self.last.0) as f64;
        self.last = (step, now);
        let text = format!("loss {loss:.6}  {per_step:.2} ms/step");
        if self.bar.is_hidden() {
            println!("step {step:6}  {text}");
        } else {
            self.bar.set_position(step as u64);
            self.bar.set_message(text);
        }
        Ok(())
    }

    /// Seconds since the start.
    pub fn finish(self) -> f64 {
        self.bar.finish();
        self.last.1.as_secs_f64()
    }
}
