//! NVIDIA's library for sums over GPUs, found by us: Python's package of it has a name that loaders do not look for.

use super::{driver::Gpu, nvrtc::library};
use crate::{
    error::{Error, Result},
    runtime::ProcessGroup,
};
use cudarc::driver::sys::CUdeviceptr;
use libloading::Library;
use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null_mut,
};

const NAMES: [&str; 2] = ["libnccl.so.2", "libnccl.so"];
/// `ncclFloat32`, `ncclSum`.
const FLOAT32: c_int = 7;
const SUM: c_int = 0;

type Comm = *mut c_void;
/// `ncclUniqueId`: how the first process is found.
type Id = [c_char; 128];

#[repr(C)]
#[derive(Clone, Copy)]
struct UniqueId(Id);

type Name = unsafe extern "C" fn(*mut UniqueId) -> c_int;
type Init = unsafe extern "C" fn(*mut Comm, c_int, UniqueId, c_int) -> c_int;
type AllReduce =
    unsafe extern "C" fn(*const c_void, *mut c_void, usize, c_int, c_int, Comm, *mut c_void) -> c_int;
type Bracket = unsafe extern "C" fn() -> c_int;
type Abort = unsafe extern "C" fn(Comm) -> c_int;
type Text = unsafe extern "C" fn(c_int) -> *const c_char;

/// This process's part of a group's GPUs.
pub struct Nccl {
    all_reduce: AllReduce,
    start: Bracket,
    end: Bracket,
    abort: Abort,
    text: Text,
    comm: Comm,
    /// Keeps the functions there.
    _library: Library,
}

impl Nccl {
    /// Meets the other processes' GPUs, with the library that `PLAYGRAD_NCCL` names, or the system's.
    pub fn join(processes: &ProcessGroup) -> Result<Nccl> {
        let missing = |got: String| {
            let fix =
                "install NCCL, or: pip install nvidia-nccl-cu12, and name its libnccl.so.2 in PLAYGRAD_NCCL";
            Error::device("data_parallel", got, "NVIDIA's NCCL 2", fix)
        };
        let library = library("PLAYGRAD_NCCL", &NAMES).map_err(missing)?;
        // SAFETY: the functions have the signatures of nccl.h and are kept with their library.
        let (name, init, mut nccl) = unsafe { Self::of(library) }.map_err(|e| missing(e.to_string()))?;
        let mut id = UniqueId([0; 128]);
        if processes.rank() == 0 {
            // SAFETY: NCCL writes as many bytes.
            nccl.check(unsafe { name(&mut id) })?;
        }
        processes.share(bytemuck::cast_slice_mut(&mut id.0))?;
        let (size, rank) = (processes.size() as c_int, processes.rank() as c_int);
        // SAFETY: every process of the group calls this with the first one's name, its own context being current.
        let status = unsafe { init(&mut nccl.comm, size, id, rank) };
        nccl.check(status)?;
        Ok(nccl)
    }

    /// # Safety
    /// The library is NCCL.
    unsafe fn of(library: Library) -> Result<(Name, Init, Nccl), libloading::Error> {
        // SAFETY: the caller's.
        unsafe {
            let (name, init) = (*library.get(b"ncclGetUniqueId")?, *library.get(b"ncclCommInitRank")?);
            let nccl = Nccl {
                all_reduce: *library.get(b"ncclAllReduce")?,
                start: *library.get(b"ncclGroupStart")?,
                end: *library.get(b"ncclGroupEnd")?,
                abort: *library.get(b"ncclCommAbort")?,
                text: *library.get(b"ncclGetErrorString")?,
                comm: null_mut(),
                _library: library,
            };
            Ok((name, init, nccl))
        }
    }

    /// Queues the sums as one launch: from, to, how many float32 numbers.
    pub fn sum(&self, gpu: &Gpu, sums: &[(CUdeviceptr, CUdeviceptr, usize)]) -> Result<()> {
        // SAFETY: the caller's places hold as many numbers, and live until the stream has come by.
        unsafe {
            self.check((self.start)())?;
            for (from, to, n) in sums {
                let (from, to) = (*from as *const c_void, *to as *mut c_void);
                self.check((self.all_reduce)(from, to, *n, FLOAT32, SUM, self.comm, gpu.stream().cast()))?;
            }
            self.check((self.end)())
        }
    }

    fn check(&self, status: c_int) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: NCCL knows a lasting text for every number.
        let text = unsafe { CStr::from_ptr((self.text)(status)) }.to_string_lossy();
        let got = format!("\"{text}\" from NCCL");
        Err(Error::device("data_parallel", got, "success", "NCCL_DEBUG=INFO has NCCL say more"))
    }
}

impl Drop for Nccl {
    fn drop(&mut self) {
        if !self.comm.is_null() {
            // SAFETY: the communicator is used no more. What is said is of no use to anybody.
            let _ = unsafe { (self.abort)(self.comm) };
        }
    }
}
