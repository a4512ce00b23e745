//! The CPU device: interprets kernels in blocks that stay in L1. What it computes is the definition of a kernel,
//! natively and in WebAssembly; other devices are tested against it.

mod gemm;
mod host;
mod math;
mod memory;
mod rows;
mod tape;

use super::{BufferId, Counters, Device, Launch, Limits, Program, ReadFuture, Region};
use crate::{
    error::{Error, Result},
    kernel::{Kernel, RangeId},
};
use gemm::{Gemm, Scratch};
pub use host::{Host, host, install_host};
use math::Reg;
use memory::Memory;
use rows::Rows;
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
};
use tape::Frame;

#[derive(Default)]
pub struct Cpu {
    memory: RefCell<Memory>,
    registers: RefCell<Registers>,
    kernels: Cell<u64>,
    submits: Cell<u64>,
    /// Contractions run as plain reductions: slow, and the yardstick for the fast path.
    plain: bool,
}

#[derive(Default)]
struct Registers {
    point: Vec<usize>,
    coords: Vec<(RangeId, Box<Reg>)>,
    regs: Vec<Option<Box<Reg>>>,
    accs: Vec<Reg>,
    packed: Scratch,
}

struct CpuProgram {
    kernel: Rc<Kernel>,
    body: Body,
}

enum Body {
    Rows(Box<Rows>),
    Gemm(Box<Gemm>),
}

impl Cpu {
    /// A device that ignores the contraction hint.
    pub fn plain() -> Cpu {
        Cpu { plain: true, ..Cpu::default() }
    }
}

impl Device for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn description(&self) -> String {
        let simd = if cfg!(target_arch = "wasm32") { "WebAssembly SIMD" } else { std::env::consts::ARCH };
        format!("interpreter, {simd}, one thread")
    }

    fn limits(&self) -> Limits {
        let max_bytes = if cfg!(target_pointer_width = "32") { 1 << 30 } else { 1 << 34 };
        Limits { max_buffers: 64, max_bytes, alignment: 64, emulated: false }
    }

    fn counters(&self) -> Counters {
        let memory = self.memory.borrow();
        Counters {
            kernels: self.kernels.get(),
            submits: self.submits.get(),
            bytes: memory.bytes(),
            peak_bytes: memory.peak_bytes(),
        }
    }

    fn alloc(&self, bytes: usize) -> Result<BufferId> {
        if bytes > self.limits().max_bytes {
            return Err(out_of_memory(bytes));
        }
        self.memory.borrow_mut().alloc(bytes).ok_or_else(|| out_of_memory(bytes))
    }

    fn free(&self, buffer: BufferId) {
        self.memory.borrow_mut().free(buffer);
    }

    fn write(&self, to: Region, bytes: &[u8]) -> Result<()> {
        self.memory.borrow_mut().slice_mut(to)[..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&self, from: Region) -> ReadFuture {
        let bytes = self.memory.borrow().slice(from).to_vec();
        Box::pin(std::future::ready(Ok(bytes)))
    }

    fn compile(&self, kernel: &Rc<Kernel>) -> Result<Program> {
        let body = match &kernel.contract {
            Some(contract) if !self.plain => Body::Gemm(Box::new(Gemm::new(kernel, contract))),
            _ => Body::Rows(Box::new(Rows::new(kernel))),
        };
        Ok(Rc::new(CpuProgram { kernel: kernel.clone(), body }))
    }

    fn submit(&self, _plan: u64, launches: &[Launch]) -> Result<()> {
        let registers = &mut *self.registers.borrow_mut();
        let memory = self.memory.borrow();
        for launch in launches {
            let program = launch.program.downcast_ref::<CpuProgram>().expect("compiled by this device");
            let args: Vec<*mut u8> = launch.args.iter().map(|region| memory.pointer(*region)).collect();
            registers.run(program, &args);
        }
        self.kernels.set(self.kernels.get() + launches.len() as u64);
        self.submits.set(self.submits.get() + 1);
        Ok(())
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Registers {
    fn run(&mut self, program: &CpuProgram, args: &[*mut u8]) {
        let kernel = &*program.kernel;
        self.point.clear();
        self.point.resize(kernel.ranges.len(), 0);
        if self.regs.len() < kernel.exprs.len() {
            self.regs.resize_with(kernel.exprs.len(), || None);
        }
        if self.accs.len() < kernel.accs.len() {
            self.accs.resize(kernel.accs.len(), Reg::ZERO);
        }
        self.coords.iter_mut().for_each(|c| c.0 = usize::MAX);
        let mut frame = Frame {
            point: &mut self.point,
            coords: &mut self.coords,
            args,
            regs: &mut self.regs,
            accs: &mut self.accs,
            len: 1,
        };
        // SAFETY: the scheduler binds buffers of the sizes in `kernel.args`, alive for the call.
        unsafe {
            match &program.body {
                Body::Rows(rows) => rows.run(kernel, &mut frame),
                Body::Gemm(gemm) => gemm.run(kernel, &mut frame, &mut self.packed),
            }
        }
    }
}

fn out_of_memory(bytes: usize) -> Error {
    Error::device("alloc", format!("{bytes} bytes"), "memory that is free", "use a smaller shape or batch")
}
