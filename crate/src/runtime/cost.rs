//! What work is expected to take on the CPU and on a GPU: a fixed time for each submission, and a rate.

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Seconds before the first result, however little there is to do.
    pub latency: f64,
    /// Arithmetic operations a second.
    pub rate: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    pub cpu: Cost,
    pub gpu: Cost,
}

/// What holds until something was measured: modest numbers of both.
impl Default for Costs {
    fn default() -> Self {
        Costs { cpu: Cost { latency: 2e-6, rate: 20e9 }, gpu: Cost { latency: 5e-4, rate: 200e9 } }
    }
}

/// Expected seconds of the same work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    pub cpu: f64,
    pub gpu: f64,
}

impl Cost {
    /// From times of the same work done once and `times` times with one wait at the end.
    pub fn from_times(flops: f64, once: f64, times: f64, many: f64) -> Cost {
        let each = ((many - once) / (times - 1.0)).clamp(once / 1000.0, once).max(1e-9);
        Cost { latency: (once - each).max(0.0), rate: flops / each }
    }

    fn time(self, flops: u64) -> f64 {
        self.latency + flops as f64 / self.rate
    }
}

impl Costs {
    pub fn weigh(&self, flops: u64) -> Choice {
        Choice { cpu: self.cpu.time(flops), gpu: self.gpu.time(flops) }
    }
}

impl Choice {
    pub fn on_gpu(&self) -> bool {
        self.gpu < self.cpu
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOPS: u64 = 10_000_000;

    fn choose(cpu_rate: f64, latency: f64, gpu_rate: f64, flops: u64) -> bool {
        let cpu = Cost { latency: 0.0, rate: cpu_rate };
        Costs { cpu, gpu: Cost { latency, rate: gpu_rate } }.weigh(flops).on_gpu()
    }

    #[test]
    fn the_gpu_is_for_work_that_outweighs_its_latency() {
        assert!(!choose(10e9, 2e-3, 1e12, FLOPS), "1 ms on the CPU, 2 ms before the GPU answers");
        assert!(choose(10e9, 2e-4, 1e12, FLOPS), "0.21 ms on the GPU");
        assert!(choose(10e9, 2e-3, 1e12, 10 * FLOPS));
        assert!(!choose(40e9, 1e-4, 20e9, 1000 * FLOPS), "a GPU slower than the CPU is never chosen");
        assert!(!choose(10e9, 1e-4, 1e12, 0));
    }

    #[test]
    fn times_of_one_and_of_many_give_latency_and_rate() {
        let cost = Cost::from_times(1e6, 3e-3, 5.0, 7e-3);
        assert!((cost.latency - 2e-3).abs() < 1e-9 && (cost.rate - 1e9).abs() < 1.0, "{cost:?}");
        let noisy = Cost::from_times(1e6, 3e-3, 5.0, 2e-3);
        assert!(noisy.latency >= 0.0 && noisy.rate.is_finite(), "{noisy:?}");
    }
}
