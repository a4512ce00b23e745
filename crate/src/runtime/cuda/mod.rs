//! NVIDIA's GPUs: kernels as CUDA C++, compiled while the program runs, on one stream. Driver and compiler are looked
//! for when the device is opened; nothing of CUDA is needed to build this.

mod compile;
mod driver;
mod graphs;
mod memory;
mod nccl;
mod nvrtc;

use super::{BufferId, Bundle, Counters, Device, Launch, Limits, ProcessGroup, Program, ReadFuture, Region};
use crate::{error::Result, kernel::Kernel, render};
use compile::{Functions, Stage};
use driver::{Call, Gpu, failed};
use graphs::Graphs;
use memory::Memory;
use nccl::Nccl;
pub use nvrtc::Nvrtc;
use std::{
    cell::{Cell, OnceCell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
};

pub struct Cuda {
    /// Before the GPU, which outlives it.
    nccl: OnceCell<Nccl>,
    gpu: Gpu,
    memory: RefCell<Memory>,
    functions: RefCell<Functions>,
    graphs: RefCell<Graphs>,
    counters: Cell<Counters>,
}

/// The first GPU, or the one of this process's number where a launcher started several; which GPUs there are
/// `CUDA_VISIBLE_DEVICES` says.
pub fn open() -> Result<Rc<dyn Device>> {
    Ok(Rc::new(Cuda {
        nccl: OnceCell::new(),
        gpu: Gpu::open()?,
        memory: RefCell::default(),
        functions: RefCell::default(),
        graphs: RefCell::default(),
        counters: Cell::default(),
    }))
}

impl Cuda {
    fn count(&self, change: impl FnOnce(&mut Counters)) {
        let mut counters = self.counters.get();
        change(&mut counters);
        self.counters.set(counters);
    }

    fn place(&self, region: Region) -> Result<u64> {
        Ok(self.memory.borrow().place(region.buffer)? + region.offset as u64)
    }

    fn calls(&self, launch: &Launch) -> Result<Vec<Call>> {
        let args = launch.args.iter().map(|r| self.place(*r)).collect::<Result<smallvec::SmallVec<_>>>()?;
        let stages = launch.program.downcast_ref::<Vec<Stage>>().expect("compiled by this device");
        let call = |s: &Stage| Call {
            function: s.function,
            grid: s.grid,
            threads: s.threads,
            shared: s.shared,
            args: args.clone(),
        };
        Ok(stages.iter().map(call).collect())
    }
}

impl Device for Cuda {
    fn name(&self) -> &'static str {
        "cuda"
    }

    fn description(&self) -> String {
        let (major, minor) = self.gpu.nvrtc.version;
        let tf32 = self.gpu.target.lang.tiles.as_ref().is_some_and(|t| t.tf32);
        let tf32 = if tf32 { ", TF32" } else { "" };
        format!("{}, {}, NVRTC {major}.{minor}{tf32}", self.gpu.name, self.gpu.arch)
    }

    fn limits(&self) -> Limits {
        Limits { max_buffers: 32, max_bytes: self.gpu.bytes, alignment: 256, emulated: false }
    }

    fn counters(&self) -> Counters {
        self.counters.get()
    }

    fn alloc(&self, bytes: usize) -> Result<BufferId> {
        let (buffer, asked) = self.memory.borrow_mut().alloc(&self.gpu, bytes)?;
        self.count(|c| {
            c.objects += u64::from(asked);
            c.bytes += bytes;
            c.peak_bytes = c.peak_bytes.max(c.bytes);
        });
        Ok(buffer)
    }

    fn free(&self, buffer: BufferId) {
        let bytes = self.memory.borrow_mut().free(buffer);
        self.count(|c| c.bytes -= bytes);
    }

    fn write(&self, to: Region, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() { Ok(()) } else { self.gpu.write(self.place(to)?, bytes) }
    }

    fn read(&self, from: Region) -> ReadFuture {
        let empty = from.bytes == 0;
        let read = || if empty { Ok(Vec::new()) } else { self.gpu.read(self.place(from)?, from.bytes) };
        Box::pin(std::future::ready(read()))
    }

    fn parts(&self, kernel: &Kernel) -> usize {
        render::parts(kernel, self.gpu.target)
    }

    fn packed(&self) -> bool {
        false
    }

    fn rows(&self) -> usize {
        render::rows(self.gpu.target)
    }

    fn compile(&self, bundle: &Bundle) -> Result<Program> {
        Ok(Rc::new(compile::stages(&self.gpu, &mut self.functions.borrow_mut(), bundle)?))
    }

    fn submit(&self, plan: u64, launches: &[Launch]) -> Result<()> {
        let calls: Vec<Call> = launches
            .iter()
            .map(|l| self.calls(l))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        let kernels = calls.len() as u64;
        let made = self.graphs.borrow_mut().submit(&self.gpu, plan, calls)?;
        self.count(|c| {
            c.kernels += kernels;
            c.submits += 1;
            c.objects += u64::from(made);
        });
        Ok(())
    }

    fn timed(&self, _plan: u64, launches: &[Launch]) -> Result<Vec<f64>> {
        let calls = launches.iter().map(|l| self.calls(l)).collect::<Result<Vec<_>>>()?;
        let calls: Vec<&[Call]> = calls.iter().map(Vec::as_slice).collect();
        self.gpu.timed(&calls).map_err(failed("run"))
    }

    fn sum(&self, processes: &ProcessGroup, regions: &[(Region, Region)]) -> Result<()> {
        let nccl = match self.nccl.get() {
            Some(nccl) => nccl,
            None => {
                let joined = Nccl::join(processes)?;
                self.nccl.get_or_init(|| joined)
            }
        };
        let places = |(from, to): &(Region, Region)| {
            Ok((self.place(*from)?, self.place(*to)?, from.bytes / size_of::<f32>()))
        };
        nccl.sum(&self.gpu, &regions.iter().map(places).collect::<Result<Vec<_>>>()?)
    }

    fn clock(&self) -> &'static str {
        "CUDA's events"
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        Box::pin(std::future::ready(self.gpu.wait()))
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        self.graphs.get_mut().clear(&self.gpu);
        self.memory.get_mut().clear(&self.gpu);
    }
}
