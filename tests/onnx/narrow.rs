//! A device without 64-bit lanes, as GPUs are: the CPU's kernels for the other dtypes.

use playgrad::{
    DType, Result,
    runtime::{BufferId, Bundle, Counters, Device, Launch, Limits, Program, ReadFuture, Region, cpu::Cpu},
};
use std::{future::Future, pin::Pin};

#[derive(Default)]
pub struct Narrow(Cpu);

impl Device for Narrow {
    fn name(&self) -> &'static str {
        "null"
    }
    fn description(&self) -> String {
        "without 64-bit lanes".into()
    }
    fn holds(&self, dtype: DType) -> bool {
        !matches!(dtype, DType::I64 | DType::F64)
    }
    fn limits(&self) -> Limits {
        self.0.limits()
    }
    fn counters(&self) -> Counters {
        self.0.counters()
    }
    fn alloc(&self, bytes: usize) -> Result<BufferId> {
        self.0.alloc(bytes)
    }
    fn free(&self, buffer: BufferId) {
        self.0.free(buffer);
    }
    fn write(&self, to: Region, bytes: &[u8]) -> Result<()> {
        self.0.write(to, bytes)
    }
    fn read(&self, from: Region) -> ReadFuture {
        self.0.read(from)
    }
    fn compile(&self, bundle: &Bundle) -> Result<Program> {
        self.0.compile(bundle)
    }
    fn submit(&self, plan: u64, launches: &[Launch]) -> Result<()> {
        self.0.submit(plan, launches)
    }
    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        self.0.idle()
    }
}
