//! GPUs through wgpu: WebGPU in a browser, Vulkan and Metal natively, from the same code.
//!
//! Tensors are places in a few large buffers ("slabs"), so a kernel binds few of them; where its arguments
//! start is passed in a uniform. A submission is one encoder, one pass, one submit. Nothing here blocks but
//! a native `read` or `idle` being awaited.

mod check;
mod memory;
mod open;
mod pipelines;
#[cfg(not(target_family = "wasm"))]
mod probe;
mod read;
#[cfg(not(target_family = "wasm"))]
mod timed;
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;

use super::{BufferId, Bundle, Counters, Device, Launch, Limits, Program, ReadFuture, Region};
use crate::{
    error::{Error, Result},
    kernel::Kernel,
    render::{self, Target},
};
use check::Health;
use memory::Memory;
#[cfg(target_family = "wasm")]
pub use open::open_web;
#[cfg(not(target_family = "wasm"))]
pub use open::{open_as_real, open_native};
use pipelines::{Compiled, Pipelines};
use read::Reads;
use smallvec::SmallVec;
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
};

/// Bytes of one uniform slot: the offsets of one launch's arguments.
const SLOT: usize = 256;
/// Regions start at multiples of this.
const ALIGNMENT: usize = 256;

pub struct Gpu(Rc<Inner>);

struct Inner {
    name: &'static str,
    description: String,
    device: wgpu::Device,
    queue: wgpu::Queue,
    limits: Limits,
    target: Target,
    /// Whether shaders check every access, proven or not.
    #[cfg(not(target_family = "wasm"))]
    checked: bool,
    health: Health,
    memory: RefCell<Memory>,
    pipelines: Pipelines,
    reads: Reads,
    /// The uniform slots of the submission under way.
    uniform: RefCell<wgpu::Buffer>,
    counters: Cell<Counters>,
}

/// A dispatch whose pipeline and buffers are known.
struct Ready {
    pipeline: Rc<pipelines::Pipeline>,
    bind_group: wgpu::BindGroup,
    /// Where in the uniform the offsets of its arguments are.
    slot: u32,
}

impl Ready {
    fn dispatch(all: &[Ready], pass: &mut wgpu::ComputePass) {
        for ready in all {
            pass.set_pipeline(&ready.pipeline.pipeline);
            pass.set_bind_group(0, &ready.bind_group, &[ready.slot]);
            let [x, y] = ready.pipeline.grid;
            pass.dispatch_workgroups(x, y, 1);
        }
    }
}

/// A submission being put together.
#[derive(Default)]
struct Queued {
    offsets: Vec<u8>,
    dispatches: Vec<Ready>,
    /// Whether a browser has not said yet that all of it compiles.
    doubtful: bool,
}

impl Inner {
    /// Adds the dispatches of a launch and the offsets of its arguments. A bundle that lies in more buffers than a
    /// shader may bind runs kernel by kernel.
    fn resolve(&self, compiled: &Compiled, args: &[Region], queue: &mut Queued) -> Result<()> {
        let mut memory = self.memory.borrow_mut();
        let mut slots = pipelines::SlotList::new();
        let mut slabs: SmallVec<[u64; 8]> = SmallVec::new();
        let mut offsets = [0u8; SLOT];
        for (region, offset) in args.iter().zip(offsets.chunks_exact_mut(4)) {
            let place = memory.place(region.buffer)?;
            let known = slabs.iter().position(|s| *s == place.slab);
            slots.push(known.unwrap_or_else(|| {
                slabs.push(place.slab);
                slabs.len() - 1
            }));
            let start = ((place.offset + region.offset) / 4) as i32;
            offset.copy_from_slice(&start.to_le_bytes());
        }
        if slabs.len() > self.max_bindings() && compiled.bundle.kernels.len() > 1 {
            drop(memory);
            let mut args = args;
            for kernel in &compiled.bundle.kernels {
                let alone = Bundle { kernels: vec![kernel.clone()], ordered: compiled.bundle.ordered };
                let (own, rest) = args.split_at(kernel.args.len());
                self.resolve(&self.pipelines.compiled(self, &alone), own, queue)?;
                args = rest;
            }
            return Ok(());
        }
        let slot = queue.offsets.len() as u32;
        queue.offsets.extend(offsets);
        let uniform = self.uniform.borrow();
        for stage in &compiled.stages {
            let pipeline = self.pipelines.pipeline(self, compiled, stage, &slots)?;
            queue.doubtful |= stage.is_doubtful();
            let bind_group = memory.bind_group(&slabs, &pipeline.layout, self, &uniform, SLOT as u64);
            queue.dispatches.push(Ready { pipeline, bind_group, slot });
        }
        Ok(())
    }

    /// Everything that the launches dispatch, its offsets written and counted as a submission; `after` each launch
    /// it sees what there is so far.
    fn queue_up(&self, launches: &[Launch], after: &mut dyn FnMut(&Queued)) -> Result<Queued> {
        self.health.alive()?;
        self.reads.flush(self);
        let compiled = |launch: &Launch| {
            launch
                .program
                .clone()
                .downcast::<Compiled>()
                .expect("programs run on the device that compiled them")
        };
        self.reserve_slots(launches.iter().map(|l| compiled(l).bundle.kernels.len()).sum());
        let mut queued = Queued::default();
        for launch in launches {
            self.resolve(&compiled(launch), &launch.args, &mut queued)?;
            after(&queued);
        }
        self.queue.write_buffer(&self.uniform.borrow(), 0, &queued.offsets);
        let mut c = self.counters.get();
        c.kernels += queued.dispatches.len() as u64;
        c.submits += 1;
        self.counters.set(c);
        Ok(queued)
    }

    /// Counts an object that a steady state does not make.
    fn made(&self) {
        let mut c = self.counters.get();
        c.objects += 1;
        self.counters.set(c);
    }

    fn max_bindings(&self) -> usize {
        self.device.limits().max_storage_buffers_per_shader_stage as usize
    }

    /// Makes room for the uniform slots of that many launches.
    fn reserve_slots(&self, launches: usize) {
        let need = (launches * SLOT) as u64;
        if self.uniform.borrow().size() < need {
            self.made();
            *self.uniform.borrow_mut() = uniform(&self.device, need.next_power_of_two());
            self.memory.borrow_mut().forget_bind_groups();
        }
    }
}

fn uniform(device: &wgpu::Device, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("playgrad offsets"),
        size,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

impl Device for Gpu {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn description(&self) -> String {
        self.0.description.clone()
    }

    fn limits(&self) -> Limits {
        self.0.limits
    }

    fn holds(&self, dtype: crate::graph::DType) -> bool {
        crate::render::holds(dtype)
    }

    fn counters(&self) -> Counters {
        self.0.counters.get()
    }

    fn alloc(&self, bytes: usize) -> Result<BufferId> {
        let gpu = &*self.0;
        gpu.health.alive()?;
        let id = gpu.memory.borrow_mut().alloc(gpu, bytes)?;
        let mut c = gpu.counters.get();
        c.bytes += bytes;
        c.peak_bytes = c.peak_bytes.max(c.bytes);
        gpu.counters.set(c);
        Ok(id)
    }

    fn free(&self, buffer: BufferId) {
        let gpu = &*self.0;
        let mut c = gpu.counters.get();
        c.bytes -= gpu.memory.borrow_mut().free(buffer);
        gpu.counters.set(c);
        if gpu.memory.borrow().wasteful() {
            gpu.reads.flush(gpu);
            gpu.memory.borrow_mut().trim();
        }
    }

    fn write(&self, to: Region, bytes: &[u8]) -> Result<()> {
        let gpu = &*self.0;
        gpu.health.alive()?;
        gpu.reads.flush(gpu);
        let memory = gpu.memory.borrow();
        let place = memory.place(to.buffer)?;
        let start = (place.offset + to.offset) as u64;
        let whole = bytes.len() / 4 * 4;
        let buffer = memory.buffer(place.slab);
        if whole > 0 {
            gpu.queue.write_buffer(buffer, start, &bytes[..whole]);
        }
        if whole < bytes.len() {
            let mut word = [0; 4];
            word[..bytes.len() - whole].copy_from_slice(&bytes[whole..]);
            gpu.queue.write_buffer(buffer, start + whole as u64, &word);
        }
        Ok(())
    }

    fn read(&self, from: Region) -> ReadFuture {
        read::read(&self.0, from)
    }

    fn parts(&self, kernel: &Kernel) -> usize {
        render::parts(kernel, self.0.target)
    }

    fn rows(&self) -> usize {
        render::rows(self.0.target)
    }

    fn compile(&self, bundle: &Bundle) -> Result<Program> {
        for custom in bundle.kernels.iter().filter_map(|k| k.custom()) {
            render::custom::check(custom, self.0.target, self.name())?;
        }
        self.0.health.alive()?;
        let compiled = self.0.pipelines.compiled(&self.0, bundle);
        if compiled.args.len() * 4 > SLOT {
            return Err(Error::device(
                "compile",
                format!("{} arguments in kernel {}", compiled.args.len(), bundle.kernels[0].name),
                format!("at most {}", SLOT / 4),
                "realize() some of its inputs before",
            ));
        }
        Ok(compiled)
    }

    fn submit(&self, _plan: u64, launches: &[Launch]) -> Result<()> {
        let gpu = &*self.0;
        let queued = gpu.queue_up(launches, &mut |_| {})?;
        let submit = || {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            Ready::dispatch(&queued.dispatches, &mut encoder.begin_compute_pass(&Default::default()));
            gpu.queue.submit([encoder.finish()]);
        };
        // A kernel that turns out not to compile is told by its verdict alone.
        if queued.doubtful {
            gpu.health.quietly(&gpu.device, submit)
        } else {
            submit()
        }
        Ok(())
    }

    #[cfg(not(target_family = "wasm"))]
    fn timed(&self, plan: u64, launches: &[Launch]) -> Result<Vec<f64>> {
        if self.0.has_timestamps() { self.0.timed(launches) } else { super::waited(self, plan, launches) }
    }

    #[cfg(not(target_family = "wasm"))]
    fn clock(&self) -> &'static str {
        if self.0.has_timestamps() { "the GPU's timestamps" } else { super::HOST_CLOCK }
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        read::idle(&self.0)
    }
}
