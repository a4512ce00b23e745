//! Takes compiled kernels and buffers; runs them. A device never sees a graph op.

pub mod cost;
pub mod cpu;
#[cfg(all(feature = "cuda", not(target_family = "wasm")))]
pub mod cuda;
#[cfg(not(target_family = "wasm"))]
mod processes;
pub mod null;
mod registry;
#[cfg(feature = "wgpu")]
pub mod wgpu;

use crate::{
    error::Result,
    graph::{DType, Verdict},
    kernel::Kernel,
};
#[cfg(not(target_family = "wasm"))]
pub use processes::{ProcessGroup, local_rank};
pub use registry::{
    DeviceInfo, choice, choose, choose_for_plan, default_device, device, devices, note_used, register,
    set_costs, set_default, used,
};
use smallvec::SmallVec;
use std::{any::Any, cell::RefCell, fmt, future::Future, pin::Pin, rc::Rc, time::Instant};

pub type ReadFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>>>>>;
/// What a device made of a bundle.
pub type Program = Rc<dyn Any>;

/// A device's name for one of its allocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(pub u64);

/// A place inside an allocation, in bytes; offsets are multiples of `Limits::alignment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    pub buffer: BufferId,
    pub offset: usize,
    pub bytes: usize,
}

/// Kernels of one launch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bundle {
    pub kernels: Vec<Rc<Kernel>>,
    /// Each kernel sees what those before it wrote; otherwise they are independent of each other.
    pub ordered: bool,
}

/// Arguments a launch may have.
pub const MAX_ARGS: usize = 64;

pub struct Launch<'a> {
    pub program: &'a Program,
    /// Those of the bundle's kernels, one kernel's after another's.
    pub args: SmallVec<[Region; 8]>,
}

/// What the scheduler must know of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Buffers one kernel may touch; all temporaries of a plan together count as one.
    pub max_buffers: usize,
    /// Bytes one buffer may have.
    pub max_bytes: usize,
    /// Byte alignment of regions.
    pub alignment: usize,
    /// A GPU that a driver imitates on the CPU: never chosen unasked.
    pub emulated: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Launches: on a GPU its dispatches, of which a launch may need several.
    pub kernels: u64,
    pub submits: u64,
    /// Buffers, bindings and pipelines made by a GPU: none in a steady state.
    pub objects: u64,
    /// Device memory held now, and the most ever held.
    pub bytes: usize,
    pub peak_bytes: usize,
}

/// A device in a dozen methods. Work is queued in order; only `read` waits for it.
pub trait Device {
    /// The selector users type: `cuda`, `webgpu`, `vulkan`, `metal`, `cpu`, `null`.
    fn name(&self) -> &'static str;
    /// For people: adapter and backend.
    fn description(&self) -> String;
    fn limits(&self) -> Limits;
    fn counters(&self) -> Counters;
    /// Zero-filled or not is unspecified.
    fn alloc(&self, bytes: usize) -> Result<BufferId>;
    fn free(&self, buffer: BufferId);
    fn write(&self, to: Region, bytes: &[u8]) -> Result<()>;
    /// The region's bytes once all queued work is done. On the CPU the future is ready at once.
    fn read(&self, from: Region) -> ReadFuture;
    /// Whether kernels may compute with the dtype.
    fn holds(&self, _dtype: DType) -> bool {
        true
    }
    /// Into how many parts the kernel's sums should be cut so that the device is busy; 1 for as they are.
    fn parts(&self, _kernel: &Kernel) -> usize {
        1
    }
    /// Whether outputs of one or two bytes per element are written a word at a time: such come from kernels without
    /// accumulators only.
    fn packed(&self) -> bool {
        true
    }
    /// How many rows of a scan keep the device busy: fewer long ones are cut into blocks.
    fn rows(&self) -> usize {
        1
    }
    /// Errors carry the target compiler's message. Where compilation is asynchronous the error arrives at the
    /// next `read`.
    fn compile(&self, bundle: &Bundle) -> Result<Program>;
    /// Queues all launches, in order, as one submission. `plan` names the list for the device's own caches.
    fn submit(&self, plan: u64, launches: &[Launch]) -> Result<()>;
    /// As `submit`, and how many seconds each launch took, having waited for all; natively only. Where the device
    /// has no clock of its own, the time from starting a launch to having waited for it.
    fn timed(&self, plan: u64, launches: &[Launch]) -> Result<Vec<f64>> {
        waited(self, plan, launches)
    }
    /// What `timed` measures with.
    fn clock(&self) -> &'static str {
        HOST_CLOCK
    }
    /// The sum over a group's processes of the float32 numbers each has in a first region, in the second. Every
    /// process names as many, in the same order.
    #[cfg(not(target_family = "wasm"))]
    fn sum(&self, processes: &ProcessGroup, regions: &[(Region, Region)]) -> Result<()> {
        processes::sum_on_host(self, processes, regions)
    }
    /// A future that is ready when all queued work has run (back-pressure between steps).
    fn idle(&self) -> Pin<Box<dyn Future<Output = Result<()>>>>;
}

const HOST_CLOCK: &str = "the host's clock, each launch waited for";

/// Runs the launches one by one; seconds from the start of each to having waited for it.
fn waited<D: Device + ?Sized>(device: &D, plan: u64, launches: &[Launch]) -> Result<Vec<f64>> {
    let timed = |launch: &Launch| {
        let start = Instant::now();
        device.submit(plan, std::slice::from_ref(launch))?;
        ready(device.idle()).transpose()?;
        Ok(start.elapsed().as_secs_f64())
    };
    launches.iter().map(timed).collect()
}

/// An allocation that frees itself, or a part of one; clones share it.
#[derive(Clone)]
pub struct Storage {
    whole: Rc<Allocation>,
    offset: usize,
    bytes: usize,
}

struct Allocation {
    device: Rc<dyn Device>,
    buffer: BufferId,
    /// Of kernels that this was computed by or from, and that may turn out not to compile.
    doubts: RefCell<Vec<Rc<Verdict>>>,
}

impl Drop for Allocation {
    fn drop(&mut self) {
        self.device.free(self.buffer);
    }
}

impl Storage {
    pub fn new(device: &Rc<dyn Device>, bytes: usize) -> Result<Storage> {
        let buffer = device.alloc(bytes)?;
        Ok(Storage {
            whole: Rc::new(Allocation { device: device.clone(), buffer, doubts: RefCell::default() }),
            offset: 0,
            bytes,
        })
    }

    /// `bytes` of this storage from `offset` on, a multiple of the device's alignment.
    pub fn part(&self, offset: usize, bytes: usize) -> Storage {
        debug_assert!(offset + bytes <= self.bytes);
        Storage { whole: self.whole.clone(), offset: self.offset + offset, bytes }
    }

    pub fn from_bytes(device: &Rc<dyn Device>, bytes: &[u8]) -> Result<Storage> {
        let storage = Self::new(device, bytes.len())?;
        device.write(storage.region(), bytes)?;
        Ok(storage)
    }

    pub fn device(&self) -> &Rc<dyn Device> {
        &self.whole.device
    }

    pub fn region(&self) -> Region {
        Region { buffer: self.whole.buffer, offset: self.offset, bytes: self.bytes }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn add_doubts(&self, to: &mut Vec<Rc<Verdict>>) {
        to.extend_from_slice(&self.whole.doubts.borrow());
    }

    pub(crate) fn doubt(&self, verdicts: &[Rc<Verdict>]) {
        *self.whole.doubts.borrow_mut() = verdicts.to_vec();
    }

    pub fn read(&self) -> ReadFuture {
        let read = self.device().read(self.region());
        let keep = self.clone();
        Box::pin(async move {
            let bytes = read.await;
            let mut doubts = Vec::new();
            keep.add_doubts(&mut doubts);
            for verdict in doubts {
                verdict.known().await?;
            }
            bytes
        })
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Storage({}, {} bytes)", self.device().name(), self.bytes)
    }
}

/// The result of a future that needs no waiting; `None` where it does.
pub fn ready<T>(mut future: Pin<Box<dyn Future<Output = T>>>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
