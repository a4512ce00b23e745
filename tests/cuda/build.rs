//! Turns CUDA sources into functions, by g++ and `shim.h`, many in one library; libraries stay in the target folder.

use libloading::Library;
use rustc_hash::FxHashMap;
use std::{
    ffi::{CStr, c_char},
    fmt::Write,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard},
    thread,
};

const HEADER: &str = include_str!("shim.h");
const FLAGS: [&str; 10] = [
    "-std=c++17",
    "-O1",
    "-w",
    "-shared",
    "-fPIC",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fno-gnu-unique",
    "-fvisibility=hidden",
    "-ffp-contract=off",
];
/// Kernels of one library, about.
const TOGETHER: usize = 64;

type Run = unsafe extern "C" fn(*const *mut u8, u32, u32, u32) -> *const c_char;

/// The functions of this process. A block's memory and fibers are a library's own, so one runs at a time.
static FUNCTIONS: Mutex<Option<FxHashMap<u64, Run>>> = Mutex::new(None);

pub fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (text, HEADER, FLAGS).hash(&mut hasher);
    hasher.finish()
}

/// Why kernels cannot be built here.
pub fn missing() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("the CUDA shim's fibers are for Linux".into());
    }
    match Command::new("g++").arg("--version").output() {
        Ok(out) if out.status.success() => None,
        _ => Some("g++ is missing: apt-get install g++".into()),
    }
}

fn functions() -> MutexGuard<'static, Option<FxHashMap<u64, Run>>> {
    FUNCTIONS.lock().unwrap_or_else(|e| e.into_inner())
}

/// Builds what is not built yet.
pub fn build(sources: &FxHashMap<u64, String>) {
    let mut known = functions();
    let known = known.get_or_insert_default();
    let mut due: Vec<(u64, &str)> =
        sources.iter().filter(|(h, _)| !known.contains_key(h)).map(|(h, s)| (*h, s.as_str())).collect();
    due.sort_unstable();
    let buckets = (due.len() / TOGETHER).max(1).next_power_of_two();
    let mut libraries: Vec<Vec<(u64, &str)>> = vec![Vec::new(); buckets];
    due.into_iter().for_each(|(h, s)| libraries[h as usize % buckets].push((h, s)));
    libraries.retain(|l| !l.is_empty());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cuda");
    fs::create_dir_all(&folder).unwrap();
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let paths: Vec<PathBuf> = thread::scope(|scope| {
        let (libraries, folder) = (&libraries, &folder);
        let work = |w: usize| {
            let own = libraries.iter().enumerate().filter(move |(i, _)| i % workers == w);
            scope.spawn(move || own.map(|(i, l)| (i, library(folder, l))).collect::<Vec<_>>())
        };
        let threads: Vec<_> = (0..workers).map(work).collect();
        let mut all: Vec<_> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        all.sort();
        all.into_iter().map(|(_, path)| path).collect()
    });
    for (path, kernels) in paths.iter().zip(&libraries) {
        // SAFETY: the library was made from `shim.h` and kernels; loading it runs no code of its own.
        let loaded = Box::leak(Box::new(unsafe { Library::new(path) }.unwrap()));
        for (hash, _) in kernels {
            // SAFETY: `text` gives every function this signature.
            let run = unsafe { loaded.get::<Run>(format!("run_{hash:016x}").as_bytes()) }.unwrap();
            known.insert(*hash, *run);
        }
    }
}

fn library(folder: &Path, kernels: &[(u64, &str)]) -> PathBuf {
    let text = text(kernels);
    let name = format!("{:016x}", hash(&text));
    let path = folder.join(format!("{name}.so"));
    if path.exists() {
        return path;
    }
    let source = folder.join(format!("{name}-{}.cpp", std::process::id()));
    let made = source.with_extension("so");
    fs::write(&source, text).unwrap();
    let out = Command::new("g++").args(FLAGS).arg(&source).arg("-o").arg(&made).output().unwrap();
    assert!(out.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&out.stderr));
    fs::rename(&made, &path).unwrap();
    fs::remove_file(&source).unwrap();
    path
}

fn text(kernels: &[(u64, &str)]) -> String {
    let mut out = String::from(HEADER);
    for (hash, source) in kernels {
        let barriers = source.contains("__syncthreads") || source.contains("_sync(");
        let body = source.replace("extern \"C\" __global__", "static");
        write!(
            out,
            "\nnamespace k_{hash:016x} {{\n{body}\nstatic void call(void* at) {{ launch(*(Launch*)at); }}\n}}\n\
             extern \"C\" __attribute__((visibility(\"default\"))) const char* run_{hash:016x}(void* at, unsigned x, \
             unsigned y, unsigned threads) {{ return shim::run(x, y, threads, {barriers}, k_{hash:016x}::call, at); }}\n"
        )
        .unwrap();
    }
    out
}

/// # Safety
/// The arguments are those of the kernel and as long as it takes them to be.
pub unsafe fn run(hash: u64, args: &[*mut u8], grid: [u32; 2], threads: u32) -> Result<(), String> {
    let functions = functions();
    let run = functions.as_ref().and_then(|f| f.get(&hash)).expect("built before it runs");
    // SAFETY: by this function's own condition; a returned text lives in the library.
    unsafe {
        let why = run(args.as_ptr(), grid[0], grid[1], threads);
        if why.is_null() { Ok(()) } else { Err(CStr::from_ptr(why).to_string_lossy().into_owned()) }
    }
}
