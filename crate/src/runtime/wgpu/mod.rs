//! GPUs through wgpu: WebGPU in a browser, Vulkan and Metal natively, from the same code.
//!
//! Tensors are places in a few large buffers ("slabs"), so a kernel binds few of them; where its arguments
//! start is passed in a uniform. A submission is one encoder, one pass, one submit. Nothing here blocks but
//! a native `read` or `idle` being awaited.

mod check;
mod memory;
mod open;
mod pipelines;
mod read;
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;

use super::{BufferId, Counters, Device, Launch, Limits, Program, ReadFuture, Region};
use crate::{
    error::{Error, Result},
    kernel::Kernel,
};
use check::Health;
use memory::Memory;
#[cfg(not(target_family = "wasm"))]
pub use open::open_native;
#[cfg(target_family = "wasm")]
pub use open::open_web;
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
    health: Health,
    memory: RefCell<Memory>,
    pipelines: Pipelines,
    reads: Reads,
    /// Memory between the stages of split kernels, and its size.
    scratch: Cell<(BufferId, usize)>,
    /// The uniform slots of the submission under way.
    uniform: RefCell<wgpu::Buffer>,
    counters: Cell<Counters>,
}

/// A dispatch whose pipeline and buffers are known.
struct Ready {
    pipeline: Rc<pipelines::Pipeline>,
    bind_group: wgpu::BindGroup,
}

impl Inner {
    fn resolve(&self, launch: &Launch, offsets: &mut [u8]) -> Result<SmallVec<[Ready; 2]>> {
        let compiled =
            launch.program.downcast_ref::<Compiled>().expect("programs run on the device that compiled them");
        let mut regions = launch.args.clone();
        self.add_scratch(&compiled.scratch, &mut regions)?;
        let mut memory = self.memory.borrow_mut();
        let mut slots = pipelines::SlotList::new();
        let mut slabs: SmallVec<[u64; 8]> = SmallVec::new();
        for (arg, region) in regions.iter().enumerate() {
            let place = memory.place(region.buffer)?;
            let known = slabs.iter().position(|s| *s == place.slab);
            slots.push(known.unwrap_or_else(|| {
                slabs.push(place.slab);
                slabs.len() - 1
            }));
            let start = ((place.offset + region.offset) / 4) as i32;
            offsets[arg * 4..arg * 4 + 4].copy_from_slice(&start.to_le_bytes());
        }
        let uniform = self.uniform.borrow();
        let mut ready = |stage| {
            let pipeline = self.pipelines.pipeline(self, stage, &slots)?;
            let bind_group = memory.bind_group(&slabs, &pipeline.layout, &self.device, &uniform, SLOT as u64);
            Ok(Ready { pipeline, bind_group })
        };
        compiled.stages.iter().map(&mut ready).collect()
    }

    /// Regions for what the stages of a kernel hand over. All kernels share the memory: they run in order.
    fn add_scratch(&self, sizes: &[usize], regions: &mut SmallVec<[Region; 8]>) -> Result<()> {
        let total: usize = sizes.iter().map(|s| s.next_multiple_of(ALIGNMENT)).sum();
        let (mut buffer, held) = self.scratch.get();
        if total > held {
            let mut memory = self.memory.borrow_mut();
            memory.free(buffer);
            buffer = memory.alloc(self, total)?;
            self.scratch.set((buffer, total));
        }
        let mut offset = 0;
        for bytes in sizes {
            regions.push(Region { buffer, offset, bytes: *bytes });
            offset += bytes.next_multiple_of(ALIGNMENT);
        }
        Ok(())
    }

    /// Makes room for the uniform slots of that many launches.
    fn reserve_slots(&self, launches: usize) {
        let need = (launches * SLOT) as u64;
        if self.uniform.borrow().size() < need {
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

    fn compile(&self, kernel: &Rc<Kernel>) -> Result<Program> {
        self.0.health.alive()?;
        if (kernel.args.len() + kernel.accs.len()) * 4 > SLOT {
            return Err(Error::device(
                "compile",
                format!("{} arguments in kernel {}", kernel.args.len(), kernel.name),
                format!("at most {}", SLOT / 4),
                "realize() some of its inputs before",
            ));
        }
        Ok(self.0.pipelines.compiled(&self.0, kernel))
    }

    fn submit(&self, _plan: u64, launches: &[Launch]) -> Result<()> {
        let gpu = &*self.0;
        gpu.health.alive()?;
        gpu.reads.flush(gpu);
        gpu.reserve_slots(launches.len());
        let mut offsets = vec![0u8; launches.len() * SLOT];
        let ready: Vec<SmallVec<[Ready; 2]>> = launches
            .iter()
            .zip(offsets.chunks_exact_mut(SLOT))
            .map(|(launch, slot)| gpu.resolve(launch, slot))
            .collect::<Result<_>>()?;
        gpu.queue.write_buffer(&gpu.uniform.borrow(), 0, &offsets);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for (i, stages) in ready.iter().enumerate() {
                for stage in stages {
                    pass.set_pipeline(&stage.pipeline.pipeline);
                    pass.set_bind_group(0, &stage.bind_group, &[(i * SLOT) as u32]);
                    let [x, y] = stage.pipeline.grid;
                    pass.dispatch_workgroups(x, y, 1);
                }
            }
        }
        gpu.queue.submit([encoder.finish()]);
        let mut c = gpu.counters.get();
        c.kernels += ready.iter().map(|stages| stages.len() as u64).sum::<u64>();
        c.submits += 1;
        gpu.counters.set(c);
        Ok(())
    }

    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        read::idle(&self.0)
    }
}
