//! The CPU device: interprets kernels in blocks that stay in L1. What it computes is the definition of a kernel,
//! natively and in WebAssembly; other devices are tested against it.

mod emit;
mod gemm;
mod host;
mod lanes;
mod math;
mod memory;
pub mod pool;
mod rows;
mod scan;
#[cfg(not(target_arch = "wasm32"))]
mod short;
mod tape;

use super::{BufferId, Bundle, Counters, Device, Launch, Limits, Program, ReadFuture, Region};
use crate::{
    error::{Error, Result},
    kernel::{Kernel, RangeId},
};
use emit::{Emitter, Loaded};
use gemm::{Gemm, Room, Scratch};
pub use host::{Host, host, install_host};
use math::Reg;
use memory::Memory;
use rows::Rows;
use smallvec::SmallVec;
use std::{
    cell::{Cell, OnceCell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
};
use tape::{Frame, Slot};

#[derive(Default)]
pub struct Cpu {
    memory: RefCell<Memory>,
    kernels: Cell<u64>,
    submits: Cell<u64>,
    /// Contractions run as plain reductions: slow, and the yardstick for the fast path.
    plain: bool,
    /// Kernels are interpreted although there is a host.
    interpreted: bool,
    emitter: RefCell<Emitter>,
}

#[derive(Default)]
struct Registers {
    point: Vec<usize>,
    coords: Vec<(RangeId, Box<Reg>)>,
    slots: Vec<Slot>,
    accs: Vec<Reg>,
    packed: Scratch,
}

thread_local! {
    static CALLING: Cell<bool> = const { Cell::new(false) };
    static REGISTERS: RefCell<Registers> = RefCell::default();
}

struct CpuProgram {
    kernel: Rc<Kernel>,
    body: Body,
    /// About how long one thread takes.
    nanoseconds: usize,
    /// How often it has run, up to twice: what runs again is emitted.
    runs: Cell<u8>,
    emitted: OnceCell<Rc<Loaded>>,
}

enum Body {
    Rows(Box<Rows>),
    #[cfg(not(target_arch = "wasm32"))]
    Short(Box<short::Short>),
    Gemm(Box<Gemm>),
    /// A function of the user's.
    Custom,
}

/// Products and sums of a matrix product that is faster as a plain reduction.
const SMALL_PRODUCT: usize = 1 << 15;
/// How much faster than the interpreter emitted code is, about.
const FASTER: usize = 3;

impl Cpu {
    /// A device that ignores the contraction hint.
    pub fn plain() -> Cpu {
        Cpu { plain: true, ..Cpu::default() }
    }

    /// A device that emits nothing.
    pub fn interpreter() -> Cpu {
        Cpu { interpreted: true, ..Cpu::default() }
    }

    /// Emits, as one module, what these launches are about to run again.
    fn emit(&self, launches: &[Launch]) {
        if self.interpreted {
            return;
        }
        let again =
            launches.iter().flat_map(programs).filter(|p| p.runs.get() == 1 && p.kernel.custom.is_none());
        let (products, due): (Vec<&CpuProgram>, Vec<&CpuProgram>) = again.partition(|p| p.is_product());
        for program in products {
            if let Body::Gemm(gemm) = &program.body {
                gemm.emit(&program.kernel);
            }
        }
        let due: Vec<&CpuProgram> = due.into_iter().filter(|p| p.emitted.get().is_none()).collect();
        if due.is_empty() {
            return;
        }
        let kernels: Vec<Rc<Kernel>> = due.iter().map(|p| p.kernel.clone()).collect();
        let mut emitter = self.emitter.borrow_mut();
        let _alive = emitter.load(&kernels);
        for program in due {
            if let Some(loaded) = emitter.find(&program.kernel) {
                program.emitted.get_or_init(|| loaded);
            }
        }
    }
}

impl Device for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn description(&self) -> String {
        let simd = if cfg!(target_arch = "wasm32") { "WebAssembly SIMD" } else { std::env::consts::ARCH };
        let threads = match pool::threads() {
            1 => "one thread".into(),
            n => format!("{n} threads"),
        };
        match self.emitter.borrow().refused() {
            Some(why) => format!("interpreter, {simd}, {threads}; emitted kernels are refused: {why}"),
            None if host().is_some() && !self.interpreted => format!("emitted {simd}, {threads}"),
            None => format!("interpreter, {simd}, {threads}"),
        }
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
            objects: 0,
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

    #[cfg(not(target_arch = "wasm32"))]
    fn parts(&self, kernel: &Kernel) -> usize {
        if self.plain { 1 } else { rows::parts(kernel) }
    }

    fn compile(&self, bundle: &Bundle) -> Result<Program> {
        for custom in bundle.kernels.iter().filter_map(|k| k.custom()) {
            if custom.source.cpu.is_none() {
                return Err(custom.source.missing("a cpu function", self.name()));
            }
        }
        let parts: Vec<CpuProgram> = bundle.kernels.iter().map(|kernel| self.program(kernel)).collect();
        Ok(Rc::new(parts))
    }

    fn submit(&self, _plan: u64, launches: &[Launch]) -> Result<()> {
        self.emit(launches);
        for launch in launches {
            // A function of the user's may give tensors back.
            let memory = self.memory.borrow();
            let all: SmallVec<[*mut u8; 16]> =
                launch.args.iter().map(|region| memory.pointer(*region)).collect();
            drop(memory);
            let mut args = &all[..];
            for program in programs(launch) {
                let (own, rest) = args.split_at(program.kernel.args.len());
                program.run(own)?;
                args = rest;
            }
        }
        self.kernels.set(self.kernels.get() + launches.len() as u64);
        self.submits.set(self.submits.get() + 1);
        Ok(())
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Cpu {
    fn program(&self, kernel: &Rc<Kernel>) -> CpuProgram {
        let (body, nanoseconds) = match &kernel.contract {
            None if kernel.custom.is_some() => (Body::Custom, 0),
            Some(contract) if !self.plain && !math::is_wide(kernel) => {
                (Body::Gemm(Box::new(Gemm::new(kernel, contract))), kernel.points() / 15)
            }
            _ => (rows(kernel), kernel.points().saturating_mul(kernel.exprs.len()) / 2),
        };
        let emitted = self.emitter.borrow().find(kernel).map_or_else(OnceCell::new, OnceCell::from);
        CpuProgram { kernel: kernel.clone(), body, nanoseconds, runs: Cell::new(0), emitted }
    }
}

fn rows(kernel: &Kernel) -> Body {
    #[cfg(not(target_arch = "wasm32"))]
    if !rows::prefers_outer(kernel)
        && let Some(short) = short::Short::new(kernel)
    {
        return Body::Short(Box::new(short));
    }
    Body::Rows(Box::new(Rows::new(kernel)))
}

fn programs<'a>(launch: &Launch<'a>) -> &'a Vec<CpuProgram> {
    launch.program.downcast_ref().expect("compiled by this device")
}

/// The buffers of a launch.
#[derive(Clone, Copy)]
struct Args<'a>(&'a [*mut u8]);

// SAFETY: threads that share a launch write different elements and read what none of them writes.
unsafe impl Sync for Args<'_> {}

impl Args<'_> {
    fn first(&self) -> *const *mut u8 {
        self.0.as_ptr()
    }
}

impl CpuProgram {
    /// Whether it is a matrix product that does better than a plain reduction.
    fn is_product(&self) -> bool {
        matches!(self.body, Body::Gemm(_)) && self.kernel.points() > SMALL_PRODUCT
    }

    fn run(&self, args: &[*mut u8]) -> Result<()> {
        let (kernel, args) = (&*self.kernel, &Args(args));
        self.runs.set((self.runs.get() + 1).min(2));
        if let Some(loaded) = self.emitted.get() {
            let (units, function) = (loaded.units, loaded.function());
            pool::split(units, self.nanoseconds / FASTER, &|units| {
                function(args.first(), units.start as u32, units.end as u32);
            });
            return Ok(());
        }
        match &self.body {
            Body::Custom => return call(kernel, args.0),
            Body::Rows(rows) => pool::split(rows.units(kernel), self.nanoseconds, &|units| {
                // SAFETY: the scheduler binds buffers of the sizes in `kernel.args`, alive for the call.
                with_frame(kernel, args, |frame, _| unsafe { rows.run(kernel, frame, units) });
            }),
            #[cfg(not(target_arch = "wasm32"))]
            Body::Short(short) => pool::split(short.units(kernel), self.nanoseconds, &|units| {
                // SAFETY: as above.
                with_frame(kernel, args, |frame, _| unsafe { short.run(kernel, frame, units) });
            }),
            Body::Gemm(gemm) => {
                let tiles = gemm.tiles(pool::useful(self.nanoseconds));
                let mut sums = vec![0.0; tiles.room()];
                let room = &Room(sums.as_mut_ptr());
                pool::split(tiles.units(), self.nanoseconds, &|some| {
                    // SAFETY: as above; `sums` are as many as the tiles want.
                    with_frame(kernel, args, |frame, scratch| unsafe {
                        gemm.run(kernel, frame, scratch, tiles, *room, some);
                    });
                });
                if tiles.parts > 1 {
                    pool::split(tiles.count(), tiles.room(), &|some| {
                        // SAFETY: as above, and all units have run.
                        with_frame(kernel, args, |frame, scratch| unsafe {
                            gemm.join(kernel, frame, scratch, tiles, *room, some);
                        });
                    });
                }
            }
        }
        Ok(())
    }
}

/// Runs a function of the user's over the buffers.
fn call(kernel: &Kernel, args: &[*mut u8]) -> Result<()> {
    let bytes = |i: usize| kernel.args[i].numel * kernel.args[i].dtype.size();
    let (out, inputs) = args.split_last().expect("a kernel has an output");
    // SAFETY: the scheduler binds buffers of the sizes in `kernel.args`, alive for the call; the output is no input.
    let (inputs, out) = unsafe {
        let read = |(i, p): (usize, &*mut u8)| std::slice::from_raw_parts(p.cast_const(), bytes(i));
        let inputs: SmallVec<[&[u8]; 8]> = inputs.iter().enumerate().map(read).collect();
        (inputs, std::slice::from_raw_parts_mut(*out, bytes(args.len() - 1)))
    };
    let Some(custom) = kernel.custom().filter(|_| !out.is_empty()) else { return Ok(()) };
    let Some(cpu) = &custom.source.cpu else { return Ok(()) };
    CALLING.set(true);
    let result = cpu(custom, &inputs, out);
    CALLING.set(false);
    result
}

/// Whether a function of the user's runs.
pub fn is_calling() -> bool {
    CALLING.get()
}

/// Lends `f` this thread's registers.
fn with_frame(kernel: &Kernel, args: &Args, f: impl FnOnce(&mut Frame, &mut Scratch)) {
    // Taken, not borrowed: a panic in a page's thread must not leave them locked.
    let mut own = REGISTERS.take();
    own.point.clear();
    own.point.resize(kernel.ranges.len(), 0);
    if own.slots.len() < kernel.exprs.len() {
        own.slots.resize_with(kernel.exprs.len(), Slot::default);
    }
    if own.accs.len() <= kernel.accs.len() {
        own.accs.resize(kernel.accs.len() + 1, Reg::ZERO);
    }
    own.coords.iter_mut().for_each(|c| c.0 = usize::MAX);
    let mut frame = Frame {
        point: &mut own.point,
        coords: &mut own.coords,
        args: args.0,
        slots: &mut own.slots,
        accs: &mut own.accs,
        len: 1,
    };
    f(&mut frame, &mut own.packed);
    REGISTERS.set(own);
}

fn out_of_memory(bytes: usize) -> Error {
    Error::device("alloc", format!("{bytes} bytes"), "memory that is free", "use a smaller shape or batch")
}
