//! Runs everything but the kernels, and counts them: deterministic work counts without a GPU.

use super::{BufferId, Bundle, Counters, Device, Launch, Limits, Program, ReadFuture, Region};
use crate::{
    error::Result,
    graph::DType,
    kernel::Kernel,
    render::{self, Target, WGSL},
};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
};

/// The GPU whose work is counted.
const GPU: Target = Target { lang: &WGSL, emulated: false, lanes: 1, matrices: None };

#[derive(Default)]
pub struct Null {
    counters: Cell<Counters>,
    sizes: RefCell<rustc_hash::FxHashMap<u64, usize>>,
    next: Cell<u64>,
}

impl Device for Null {
    fn name(&self) -> &'static str {
        "null"
    }

    fn description(&self) -> String {
        "counts work, computes nothing".into()
    }

    fn limits(&self) -> Limits {
        Limits { max_buffers: 8, max_bytes: usize::MAX, alignment: 256, emulated: false }
    }

    fn holds(&self, dtype: DType) -> bool {
        render::holds(dtype)
    }

    fn counters(&self) -> Counters {
        self.counters.get()
    }

    fn alloc(&self, bytes: usize) -> Result<BufferId> {
        let id = self.next.replace(self.next.get() + 1);
        self.sizes.borrow_mut().insert(id, bytes);
        let mut c = self.counters.get();
        c.bytes += bytes;
        c.peak_bytes = c.peak_bytes.max(c.bytes);
        self.counters.set(c);
        Ok(BufferId(id))
    }

    fn free(&self, buffer: BufferId) {
        let mut c = self.counters.get();
        c.bytes -= self.sizes.borrow_mut().remove(&buffer.0).unwrap_or(0);
        self.counters.set(c);
    }

    fn write(&self, _to: Region, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn read(&self, from: Region) -> ReadFuture {
        Box::pin(std::future::ready(Ok(vec![0; from.bytes])))
    }

    fn parts(&self, kernel: &Kernel) -> usize {
        render::parts(kernel, GPU)
    }

    fn rows(&self) -> usize {
        render::rows(GPU)
    }

    /// A program is the number of dispatches a GPU would need.
    fn compile(&self, bundle: &Bundle) -> Result<Program> {
        Ok(Rc::new(render::dispatches(bundle, GPU).len()))
    }

    fn submit(&self, _plan: u64, launches: &[Launch]) -> Result<()> {
        let mut c = self.counters.get();
        let dispatches = |l: &Launch| *l.program.downcast_ref::<usize>().expect("compiled by this device");
        c.kernels += launches.iter().map(|l| dispatches(l) as u64).sum::<u64>();
        c.submits += 1;
        self.counters.set(c);
        Ok(())
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
