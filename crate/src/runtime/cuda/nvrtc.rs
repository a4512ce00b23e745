//! CUDA's run-time compiler, found by us: its library goes by many names, and a Python package of it lies anywhere.

use crate::error::{Error, Result};
use libloading::Library;
use std::{
    ffi::{CString, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

const NAMES: [&str; 7] = [
    "libnvrtc.so.13",
    "libnvrtc.so.12",
    "libnvrtc.so",
    "/usr/local/cuda/lib64/libnvrtc.so",
    "nvrtc64_130_0.dll",
    "nvrtc64_120_0.dll",
    "nvrtc.dll",
];

type Handle = *mut c_void;
type Texts = *const *const c_char;
type Create = unsafe extern "C" fn(*mut Handle, *const c_char, *const c_char, c_int, Texts, Texts) -> c_int;
type Compile = unsafe extern "C" fn(Handle, c_int, Texts) -> c_int;
type Size = unsafe extern "C" fn(Handle, *mut usize) -> c_int;
type Content = unsafe extern "C" fn(Handle, *mut c_char) -> c_int;
type Destroy = unsafe extern "C" fn(*mut Handle) -> c_int;
type Version = unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int;

/// Needs neither a GPU nor a driver.
pub struct Nvrtc {
    create: Create,
    compile: Compile,
    /// How machine code and how the log are read.
    contents: [(Size, Content); 2],
    destroy: Destroy,
    pub version: (i32, i32),
    /// Keeps the functions there.
    _library: Library,
}

/// The library of NVIDIA's that a variable names, or the first there is of the names; else the reason.
pub(super) fn library(variable: &str, names: &[&str]) -> Result<Library, String> {
    // SAFETY: loading one of NVIDIA's libraries only makes its functions known.
    let open = |name: &str| unsafe { Library::new(name) }.map_err(|e| e.to_string());
    match std::env::var(variable) {
        Ok(path) => open(&path),
        Err(_) => names.iter().find_map(|name| open(name).ok()).ok_or(format!("no {}", names[0])),
    }
}

impl Nvrtc {
    /// The library that `PLAYGRAD_NVRTC` names, or the system's.
    pub fn find() -> Result<Nvrtc> {
        let missing = |got: String| {
            Error::device(
                "cuda",
                got,
                "CUDA's compiler NVRTC, 12 or newer",
                "install the CUDA toolkit, or: pip install nvidia-cuda-nvrtc-cu12, and name its libnvrtc.so.12 in \
                 PLAYGRAD_NVRTC",
            )
        };
        let library = library("PLAYGRAD_NVRTC", &NAMES).map_err(missing)?;
        // SAFETY: the functions have the signatures of nvrtc.h and are kept with their library.
        unsafe { Self::of(library) }.map_err(|e| missing(e.to_string()))
    }

    /// # Safety
    /// The library is NVRTC.
    unsafe fn of(library: Library) -> Result<Nvrtc, libloading::Error> {
        // SAFETY: the caller's.
        unsafe {
            let version: Version = *library.get(b"nvrtcVersion")?;
            let (mut major, mut minor) = (0, 0);
            version(&mut major, &mut minor);
            Ok(Nvrtc {
                create: *library.get(b"nvrtcCreateProgram")?,
                compile: *library.get(b"nvrtcCompileProgram")?,
                contents: [
                    (*library.get(b"nvrtcGetCUBINSize")?, *library.get(b"nvrtcGetCUBIN")?),
                    (*library.get(b"nvrtcGetProgramLogSize")?, *library.get(b"nvrtcGetProgramLog")?),
                ],
                destroy: *library.get(b"nvrtcDestroyProgram")?,
                version: (major, minor),
                _library: library,
            })
        }
    }

    /// Machine code for an architecture (`sm_90`), or the compiler's message.
    pub fn cubin(&self, source: &str, arch: &str) -> Result<Vec<u8>, String> {
        let text = |s: String| CString::new(s).expect("kernels and options hold no zero");
        let (source, option) = (text(source.into()), text(format!("--gpu-architecture={arch}")));
        let mut program: Handle = null_mut();
        // SAFETY: texts end with a zero and outlive the calls; a content is written into as many bytes as were asked
        // for; the program is destroyed once.
        unsafe {
            if (self.create)(&mut program, source.as_ptr(), null(), 0, null(), null()) != 0 {
                return Err("NVRTC makes no program".into());
            }
            let failed = (self.compile)(program, 1, &option.as_ptr()) != 0;
            let (size, content) = self.contents[usize::from(failed)];
            let mut bytes = 0;
            size(program, &mut bytes);
            let mut held = vec![0u8; bytes];
            content(program, held.as_mut_ptr().cast());
            (self.destroy)(&mut program);
            if failed { Err(String::from_utf8_lossy(&held).trim_end_matches('\0').into()) } else { Ok(held) }
        }
    }
}
