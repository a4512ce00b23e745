//! The driver's part: a GPU, its stream, and what is queued on it. Everything is in the order of one stream.

use super::nvrtc::Nvrtc;
use crate::{
    error::{Error, Result},
    render::{CUDA, CUDA_TF32, Target},
    runtime::local_rank,
};
use cudarc::driver::{
    result::{self, DriverError},
    sys::{self, CUdevice_attribute as Attribute, CUdeviceptr, CUfunction, CUgraphExec, CUstream},
};
use smallvec::SmallVec;
use std::{
    ffi::c_void,
    ptr::{null, null_mut},
};

/// CUDA 12.0; older drivers lack functions.
const MIN_VERSION: i32 = 12_000;
/// More shared memory than this has to be asked for.
const UNASKED_SHARED: u32 = 48 << 10;

pub struct Gpu {
    pub nvrtc: Nvrtc,
    pub name: String,
    /// `sm_90`.
    pub arch: String,
    pub bytes: usize,
    pub target: Target,
    device: sys::CUdevice,
    stream: CUstream,
}

/// A kernel with its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    pub function: CUfunction,
    pub grid: [u32; 2],
    pub threads: u32,
    pub shared: u32,
    pub args: SmallVec<[CUdeviceptr; 8]>,
}

impl Call {
    /// The same kernel, perhaps of other arguments.
    pub fn is_like(&self, other: &Call) -> bool {
        (self.function, self.grid, self.threads, self.shared)
            == (other.function, other.grid, other.threads, other.shared)
    }

    /// Shows the driver's description of the call.
    fn described<T>(&self, show: impl FnOnce(&sys::CUDA_KERNEL_NODE_PARAMS) -> T) -> T {
        let mut params = [self.args.as_ptr().cast_mut().cast::<c_void>()];
        show(&sys::CUDA_KERNEL_NODE_PARAMS {
            func: self.function,
            gridDimX: self.grid[0],
            gridDimY: self.grid[1],
            gridDimZ: 1,
            blockDimX: self.threads,
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: self.shared,
            kernelParams: params.as_mut_ptr(),
            extra: null_mut(),
            kern: null_mut(),
            ctx: null_mut(),
        })
    }
}

/// Calls as one launch: as they were described, ready to run, and each.
pub struct Graph {
    whole: sys::CUgraph,
    ready: CUgraphExec,
    nodes: Vec<sys::CUgraphNode>,
}

pub fn failed(op: &'static str) -> impl Fn(DriverError) -> Error {
    move |e| {
        let text =
            e.error_string().map_or_else(|_| format!("{:?}", e.0), |t| t.to_string_lossy().into_owned());
        Error::device(
            op,
            format!("\"{text}\" from the CUDA driver"),
            "success",
            "free memory or restart; device=\"cpu\" gives the same results",
        )
    }
}

/// TF32 rounds the factors of a product to 11 bits, so it is off unless asked for.
fn target() -> Target {
    let tf32 = std::env::var("PLAYGRAD_TF32").is_ok_and(|v| v == "1");
    Target { lang: if tf32 { &CUDA_TF32 } else { &CUDA }, emulated: false, lanes: 1, matrices: None }
}

impl Gpu {
    pub fn open() -> Result<Gpu> {
        let missing = |got: String| {
            let fix = "install NVIDIA's driver, or use vulkan or cpu";
            Error::device("cuda", got, "an NVIDIA GPU and a driver for CUDA 12 or newer", fix)
        };
        // SAFETY: loading the driver's library only makes its functions known.
        if !unsafe { sys::is_culib_present() } {
            return Err(missing("no libcuda".into()));
        }
        let mut version = 0;
        // SAFETY: the driver writes the number, and knows this function whatever its version.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(failed("cuda"))?;
        if version < MIN_VERSION {
            return Err(missing(format!("a driver for CUDA {}.{}", version / 1000, version % 1000 / 10)));
        }
        result::init().map_err(|e| missing(failed("cuda")(e).got))?;
        let count = result::device::get_count().map_err(failed("cuda"))?;
        if count == 0 {
            return Err(missing("no GPU".into()));
        }
        let nvrtc = Nvrtc::find()?;
        Self::of(local_rank() as i32 % count, nvrtc).map_err(failed("cuda"))
    }

    fn of(number: i32, nvrtc: Nvrtc) -> Result<Gpu, DriverError> {
        let device = result::device::get(number)?;
        // SAFETY: the device came from `get`; its context is retained until the `Gpu` is dropped.
        unsafe {
            let attribute = |a| result::device::get_attribute(device, a);
            let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
            let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
            result::ctx::set_current(result::primary_ctx::retain(device)?)?;
            Ok(Gpu {
                nvrtc,
                name: result::device::get_name(device)?,
                arch: format!("sm_{major}{minor}"),
                bytes: result::device::total_mem(device)?,
                target: target(),
                device,
                stream: result::stream::create(result::stream::StreamKind::NonBlocking)?,
            })
        }
    }

    pub fn alloc(&self, bytes: usize) -> Result<CUdeviceptr, DriverError> {
        // SAFETY: what the memory holds is unspecified, as `Device::alloc` says.
        unsafe { result::malloc_sync(bytes) }
    }

    /// Waits for what is queued.
    pub fn free(&self, at: CUdeviceptr) {
        // SAFETY: `at` came from `alloc` and is freed once; the driver waits for kernels that use it. At the end of a
        // process the driver may be gone, and its memory with it.
        let _ = unsafe { result::free_sync(at) };
    }

    pub fn write(&self, to: CUdeviceptr, bytes: &[u8]) -> Result<()> {
        // SAFETY: the caller's place holds as many bytes; the driver has copied from pageable memory when it returns.
        unsafe { result::memcpy_htod_async(to, bytes, self.stream) }.map_err(failed("write"))
    }

    pub fn read(&self, from: CUdeviceptr, bytes: usize) -> Result<Vec<u8>> {
        let mut out = vec![0; bytes];
        // SAFETY: the caller's place holds as many bytes; the copy is waited for.
        unsafe { result::memcpy_dtoh_async(&mut out, from, self.stream) }.map_err(failed("read"))?;
        self.wait()?;
        Ok(out)
    }

    pub fn stream(&self) -> CUstream {
        self.stream
    }

    pub fn wait(&self) -> Result<()> {
        // SAFETY: the stream lives as long as `self`.
        unsafe { result::stream::synchronize(self.stream) }.map_err(failed("run"))
    }

    /// The function `launch` of machine code, whose blocks share so many bytes; it stays loaded.
    pub fn load(&self, cubin: &[u8], shared: u32) -> Result<CUfunction, DriverError> {
        // SAFETY: NVRTC made the code, or a file that says it did; the driver refuses what is not.
        unsafe {
            let module = result::module::load_data(cubin.as_ptr().cast())?;
            let function = result::module::get_function(module, c"launch".into())?;
            if shared > UNASKED_SHARED {
                let most = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
                result::function::set_function_attribute(function, most, shared as i32)?;
            }
            Ok(function)
        }
    }

    pub fn launch(&self, call: &Call) -> Result<(), DriverError> {
        let [x, y] = call.grid;
        let mut params = [call.args.as_ptr().cast_mut().cast::<c_void>()];
        // SAFETY: the kernel takes one structure of these pointers, which the driver copies; its arguments are as long
        // as the scheduler made them.
        unsafe {
            let threads = (call.threads, 1, 1);
            result::launch_kernel(call.function, (x, y, 1), threads, call.shared, self.stream, &mut params)
        }
    }

    /// The calls, one after the other, as one thing to launch.
    pub fn record(&self, calls: &[Call]) -> Result<Graph, DriverError> {
        let mut made = Graph { whole: null_mut(), ready: null_mut(), nodes: Vec::with_capacity(calls.len()) };
        // SAFETY: the driver copies what it is shown; each node depends on the one before, if there is one.
        let recorded = unsafe {
            sys::cuGraphCreate(&mut made.whole, 0).result()?;
            let added = calls.iter().try_for_each(|call| {
                let mut node = null_mut();
                let before = made.nodes.last().map_or(null(), std::ptr::from_ref);
                let count = usize::from(!made.nodes.is_empty());
                let add =
                    |params: &_| sys::cuGraphAddKernelNode_v2(&mut node, made.whole, before, count, params);
                call.described(add).result()?;
                made.nodes.push(node);
                Ok(())
            });
            added.and_then(|()| result::graph::instantiate(made.whole, sys::CUgraphInstantiate_flags(0)))
        };
        match recorded {
            Ok(ready) => Ok(Graph { ready, ..made }),
            Err(e) => {
                self.forget(made);
                Err(e)
            }
        }
    }

    /// Launches from now on have the arguments of `now`. Those under way keep theirs.
    pub fn move_args(&self, graph: &Graph, before: &[Call], now: &[Call]) -> Result<(), DriverError> {
        for ((node, before), now) in graph.nodes.iter().zip(before).zip(now) {
            if before != now {
                // SAFETY: the node is of this graph, which is kept with it, and has the same function.
                let set = |params: &_| unsafe {
                    sys::cuGraphExecKernelNodeSetParams_v2(graph.ready, *node, params)
                };
                now.described(set).result()?;
            }
        }
        Ok(())
    }

    pub fn replay(&self, graph: &Graph) -> Result<()> {
        // SAFETY: the graph lives until it is forgotten.
        unsafe { result::graph::launch(graph.ready, self.stream) }.map_err(failed("run"))
    }

    pub fn forget(&self, graph: Graph) {
        // SAFETY: both belong to the graph, which is gone afterwards. An error can only be that the driver is gone.
        unsafe {
            if !graph.ready.is_null() {
                let _ = result::graph::exec_destroy(graph.ready);
            }
            let _ = result::graph::destroy(graph.whole);
        }
    }

    /// Seconds each call took on the GPU, having waited for all.
    pub fn timed(&self, calls: &[&[Call]]) -> Result<Vec<f64>, DriverError> {
        let flags = sys::CUevent_flags::CU_EVENT_DEFAULT;
        let events =
            (0..=calls.len()).map(|_| result::event::create(flags)).collect::<Result<Vec<_>, _>>()?;
        // SAFETY: events and stream live; events are destroyed once, after they were read.
        unsafe {
            result::event::record(events[0], self.stream)?;
            for (calls, event) in calls.iter().zip(&events[1..]) {
                calls.iter().try_for_each(|call| self.launch(call))?;
                result::event::record(*event, self.stream)?;
            }
            result::stream::synchronize(self.stream)?;
            let took = |pair: &[sys::CUevent]| Ok(f64::from(result::event::elapsed(pair[0], pair[1])?) / 1e3);
            let seconds = events.windows(2).map(took).collect();
            events.into_iter().try_for_each(|e| result::event::destroy(e))?;
            seconds
        }
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // SAFETY: nothing uses stream or context any more. Errors can only be that the driver is gone.
        unsafe {
            let _ = result::stream::destroy(self.stream);
            let _ = result::primary_ctx::release(self.device);
        }
    }
}
