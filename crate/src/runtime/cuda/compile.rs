//! Bundles as loaded functions. Machine code is kept on disk, by its source, architecture and compiler.

use super::driver::Gpu;
use crate::{
    error::{Error, Result},
    kernel::{Arg, Expr, Kernel, Lin},
    render::{self, Bindings, Dispatch},
    runtime::Bundle,
};
use cudarc::driver::sys::CUfunction;
use rustc_hash::FxHashMap;
use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

pub struct Stage {
    pub function: CUfunction,
    pub grid: [u32; 2],
    pub threads: u32,
    pub shared: u32,
}

/// Functions by their source.
#[derive(Default)]
pub struct Functions(FxHashMap<String, CUfunction>);

pub fn stages(gpu: &Gpu, functions: &mut Functions, bundle: &Bundle) -> Result<Vec<Stage>> {
    for custom in bundle.kernels.iter().filter_map(|k| k.custom()) {
        render::custom::check(custom, gpu.target, "cuda")?;
    }
    for kernel in &bundle.kernels {
        within_32_bits(kernel)?;
    }
    let args: Vec<Arg> = bundle.kernels.iter().flat_map(|k| k.args.iter().copied()).collect();
    let bindings = Bindings { args: &args, slots: &[] };
    let dispatches = render::dispatches(bundle, gpu.target);
    dispatches.iter().map(|d| functions.stage(gpu, d, bindings)).collect()
}

impl Functions {
    fn stage(&mut self, gpu: &Gpu, dispatch: &Dispatch, bindings: Bindings) -> Result<Stage> {
        let render::Shader { source, grid, threads, shared } = dispatch.render(bindings, gpu.target);
        let function = match self.0.get(&source) {
            Some(known) => *known,
            None => {
                let made = function(gpu, &source, shared).map_err(|why| match dispatch.custom() {
                    Some(custom) => render::custom::refused_cuda(custom, &why),
                    None => Error::device(
                        "compile",
                        format!("kernel {}, which {} refuses: {why}", dispatch.name(), gpu.arch),
                        "a valid kernel",
                        "report this message; device=\"cpu\" gives the same results",
                    ),
                })?;
                self.0.insert(source, made);
                made
            }
        };
        Ok(Stage { function, grid, threads, shared })
    }
}

/// From the file of its machine code, if there is one and the driver takes it.
fn function(gpu: &Gpu, source: &str, shared: u32) -> Result<CUfunction, String> {
    let file = cache().map(|folder| folder.join(format!("{}.cubin", key(gpu, source))));
    let kept = file.as_ref().and_then(|f| fs::read(f).ok());
    if let Some(known) = kept.and_then(|cubin| gpu.load(&cubin, shared).ok()) {
        return Ok(known);
    }
    let cubin = gpu.nvrtc.cubin(source, &gpu.arch)?;
    if let Some(file) = file {
        keep(&file, &cubin);
    }
    gpu.load(&cubin, shared).map_err(|e| format!("{e:?}"))
}

/// Written under another name first, for readers see whole files only. Without a place to write, code is compiled anew
/// by each process.
fn keep(file: &PathBuf, cubin: &[u8]) {
    let part = file.with_extension(format!("{}", std::process::id()));
    let made = file.parent().map_or(Ok(()), fs::create_dir_all);
    if made.and_then(|()| fs::write(&part, cubin)).is_ok() {
        let _ = fs::rename(part, file);
    }
}

fn cache() -> Option<PathBuf> {
    let given = env::var_os("PLAYGRAD_CACHE").map(PathBuf::from);
    let system = || {
        let named = |name, below: &str| env::var_os(name).map(|at| PathBuf::from(at).join(below));
        named("XDG_CACHE_HOME", "").or_else(|| named("LOCALAPPDATA", "")).or_else(|| named("HOME", ".cache"))
    };
    given.or_else(|| Some(system()?.join("playgrad"))).map(|at| at.join("cuda"))
}

fn key(gpu: &Gpu, source: &str) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, source, &gpu.arch, gpu.nvrtc.version).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

/// Kernels count elements of an argument in int32.
fn within_32_bits(kernel: &Kernel) -> Result<()> {
    let last = |index: &Lin| {
        let gathered = index.any_value(&mut |_| true);
        if gathered { 0 } else { index.bounds(&kernel.ranges).1 }
    };
    let loads = kernel.exprs.iter().filter_map(|e| match &e.expr {
        Expr::Load { index, .. } => Some(last(index)),
        _ => None,
    });
    let most = loads.chain(kernel.stores.iter().map(|s| last(&s.index))).max().unwrap_or(0);
    if most <= i32::MAX.into() && kernel.rows() <= i32::MAX as usize {
        return Ok(());
    }
    Err(Error::device(
        "compile",
        format!("element {most} of an argument of kernel {}", kernel.name),
        format!("tensors of at most {} elements", i32::MAX),
        "split the tensor",
    ))
}
