//! CUDA's compiler, where its library is found. It needs neither a GPU nor a driver.

use libloading::Library;
use std::{
    ffi::{CString, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

const NAMES: [&str; 3] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

pub struct Nvrtc(Library);

type Handle = *mut c_void;
type Create = unsafe extern "C" fn(
    *mut Handle,
    *const c_char,
    *const c_char,
    c_int,
    *const *const c_char,
    *const *const c_char,
) -> c_int;
type Compile = unsafe extern "C" fn(Handle, c_int, *const *const c_char) -> c_int;
type Size = unsafe extern "C" fn(Handle, *mut usize) -> c_int;
type Text = unsafe extern "C" fn(Handle, *mut c_char) -> c_int;
type Destroy = unsafe extern "C" fn(*mut Handle) -> c_int;

impl Nvrtc {
    /// The library that `PLAYGRAD_NVRTC` names, or the system's; why there is none.
    pub fn find() -> Result<Nvrtc, String> {
        let given = std::env::var("PLAYGRAD_NVRTC").ok();
        let names = given.iter().map(String::as_str).chain(NAMES);
        // SAFETY: NVRTC runs no code when it is loaded.
        let found = names.into_iter().find_map(|name| unsafe { Library::new(name) }.ok());
        found.map(Nvrtc).ok_or_else(|| {
            "NVRTC is missing: pip download nvidia-cuda-nvrtc-cu12, unpack it, and name libnvrtc.so.12 in \
             PLAYGRAD_NVRTC"
                .into()
        })
    }

    /// The size of the machine code; the compiler's message where there is none.
    pub fn cubin(&self, source: &str, arch: &str) -> Result<usize, String> {
        let (source, option) = (CString::new(source).unwrap(), format!("--gpu-architecture={arch}"));
        let option = CString::new(option).unwrap();
        let mut program: Handle = null_mut();
        // SAFETY: the signatures are those of nvrtc.h; texts end with a zero and outlive the calls; the log is
        // written into as many bytes as were asked for.
        unsafe {
            let create = self.0.get::<Create>(b"nvrtcCreateProgram").unwrap();
            assert_eq!(create(&mut program, source.as_ptr(), null(), 0, null(), null()), 0);
            let failed =
                self.0.get::<Compile>(b"nvrtcCompileProgram").unwrap()(program, 1, &option.as_ptr()) != 0;
            let mut size = 0;
            let wanted: &[u8] = if failed { b"nvrtcGetProgramLogSize" } else { b"nvrtcGetCUBINSize" };
            assert_eq!(self.0.get::<Size>(wanted).unwrap()(program, &mut size), 0);
            let mut log = vec![0u8; size];
            if failed {
                self.0.get::<Text>(b"nvrtcGetProgramLog").unwrap()(program, log.as_mut_ptr().cast());
            }
            self.0.get::<Destroy>(b"nvrtcDestroyProgram").unwrap()(&mut program);
            if failed { Err(String::from_utf8_lossy(&log).into_owned()) } else { Ok(size) }
        }
    }
}
