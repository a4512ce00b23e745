//! Finding an adapter. Every failure says why, and what to do.

#[cfg(not(target_family = "wasm"))]
use super::probe;
use super::{ALIGNMENT, Gpu, Inner, SLOT, check::Health, memory::Memory, pipelines::Pipelines, uniform};
#[cfg(not(target_family = "wasm"))]
use crate::render::MATRICES;
#[cfg(target_family = "wasm")]
use crate::render::WGSL;
use crate::{
    error::{Error, Result},
    render::{Matrices, Target},
    runtime::{Counters, Device, Limits},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Far more than a kernel may bind: tensors share slabs.
const MAX_ARGUMENTS: usize = 32;
/// Offsets are int32 elements of 4 bytes, and regions must not reach past them.
const MAX_BINDING: u64 = 1 << 31;

/// What is asked for where the adapter has it.
const FEATURES: wgpu::Features = if cfg!(target_family = "wasm") {
    wgpu::Features::SUBGROUP
} else {
    wgpu::Features::SUBGROUP.union(wgpu::Features::TIMESTAMP_QUERY).union(wgpu::Features::SHADER_F16)
};

#[cfg(not(target_family = "wasm"))]
pub fn open_native(name: &'static str) -> Result<Rc<dyn Device>> {
    let apple = cfg!(target_vendor = "apple");
    let backends = match name {
        "metal" if apple => wgpu::Backends::METAL,
        "vulkan" if !apple => wgpu::Backends::VULKAN,
        "metal" => return Err(missing(name, "not an Apple system", "use vulkan or cpu")),
        "vulkan" => return Err(missing(name, "an Apple system", "use metal or cpu")),
        _ => return Err(missing(name, "not in a browser", "use vulkan, metal or cpu")),
    };
    let fix = match name {
        "metal" => "use cpu",
        _ => "install a GPU driver (a CPU one: mesa-vulkan-drivers), or use cpu",
    };
    Ok(keep(pollster::block_on(open(name, backends, fix))?))
}

/// The native GPU with the shaders a real one would get, to test these where there is none; `matrices` may imitate those
/// that subgroups multiply.
#[cfg(not(target_family = "wasm"))]
pub fn open_as_real(matrices: Option<Matrices>) -> Result<Rc<dyn Device>> {
    let (name, backends) = if cfg!(target_vendor = "apple") {
        ("metal", wgpu::Backends::METAL)
    } else {
        ("vulkan", wgpu::Backends::VULKAN)
    };
    let mut gpu = pollster::block_on(open(name, backends, "install a GPU driver"))?;
    let target = &mut Rc::get_mut(&mut gpu.0).expect("nobody shares a new device").target;
    target.emulated = false;
    let has_halves = |m: Matrices| if target.lang.halves { m } else { Matrices { halves: 0, ..m } };
    target.matrices = matrices.map(has_halves).or(target.matrices);
    Ok(keep(gpu))
}

#[cfg(not(target_family = "wasm"))]
fn keep(gpu: Gpu) -> Rc<dyn Device> {
    let gpu: Rc<dyn Device> = Rc::new(gpu);
    // wgpu needs its thread-locals when it is dropped; ours, which hold devices, may outlive them.
    std::mem::forget(gpu.clone());
    gpu
}

#[cfg(target_family = "wasm")]
pub async fn open_web() -> Result<Rc<dyn Device>> {
    let fix =
        "use a browser with WebGPU (Chrome, Edge, Safari 26, Firefox) on https or localhost, or use cpu";
    Ok(Rc::new(open("webgpu", wgpu::Backends::BROWSER_WEBGPU, fix).await?))
}

pub(super) async fn open(name: &'static str, backends: wgpu::Backends, fix: &str) -> Result<Gpu> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = instance
        .request_adapter(&wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        })
        .await
        .map_err(|e| {
            let web = cfg!(target_family = "wasm");
            missing(name, if web { "this browser offers no GPU adapter".into() } else { e.to_string() }, fix)
        })?;
    let mut descriptor = wgpu::DeviceDescriptor {
        label: Some("playgrad"),
        required_features: adapter.features() & FEATURES,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let matrices = matrices(&adapter);
    if matrices.is_some() {
        descriptor.required_features |= wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
        // SAFETY: the one experimental feature is used by `shaders/cooperative.wgsl` alone, as the adapter offers it.
        descriptor.experimental_features = unsafe { wgpu::ExperimentalFeatures::enabled() };
    }
    let (device, queue) =
        adapter.request_device(&descriptor).await.map_err(|e| missing(name, e.to_string(), fix))?;
    let info = adapter.get_info();
    let health = Health::watch(name, &device);
    let limits = limits(&device.limits(), &info);
    #[cfg(target_family = "wasm")]
    let (lang, lanes) = (&WGSL, lanes(&device, &info));
    #[cfg(not(target_family = "wasm"))]
    let (lang, lanes) =
        (probe::lang(&device, &queue, &health), probe::lanes(&device, &queue, &health, &info));
    let matrices = matrices.map(|m| Matrices { halves: if lang.halves { m.halves } else { 0 }, ..m });
    let target = Target { lang, emulated: limits.emulated, lanes, matrices };
    Ok(Gpu(Rc::new(Inner {
        #[cfg(not(target_family = "wasm"))]
        checked: std::env::var("PLAYGRAD_CHECKED").is_ok_and(|v| v != "0"),
        name,
        description: describe(name, &info, target),
        uniform: RefCell::new(uniform(&device, 64 * SLOT as u64)),
        memory: RefCell::new(Memory::new(limits.max_bytes)),
        pipelines: Pipelines::default(),
        reads: Default::default(),
        counters: Cell::new(Counters::default()),
        device,
        queue,
        limits,
        target,
        health,
    })))
}

fn limits(l: &wgpu::Limits, info: &wgpu::AdapterInfo) -> Limits {
    let most = l.max_storage_buffer_binding_size.min(l.max_buffer_size).min(MAX_BINDING);
    Limits {
        max_buffers: MAX_ARGUMENTS,
        max_bytes: most as usize / ALIGNMENT * ALIGNMENT,
        alignment: ALIGNMENT,
        emulated: info.device_type == wgpu::DeviceType::Cpu,
    }
}

/// The matrices that subgroups multiply, summed in float32.
#[cfg(not(target_family = "wasm"))]
fn matrices(adapter: &wgpu::Adapter) -> Option<Matrices> {
    use wgpu::CooperativeScalarType::{F16, F32};
    if !adapter.features().contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
        return None;
    }
    let offered = adapter.cooperative_matrix_properties();
    let of = |ab| {
        let square = |m: &&wgpu::CooperativeMatrixProperties| {
            m.m_size == m.n_size && m.n_size == m.k_size && (m.ab_type, m.cr_type) == (ab, F32)
        };
        offered.iter().filter(square).map(|m| m.m_size as usize).max().unwrap_or(0)
    };
    Some(Matrices { halves: of(F16), floats: of(F32), spelling: &MATRICES })
}

#[cfg(target_family = "wasm")]
fn matrices(_: &wgpu::Adapter) -> Option<Matrices> {
    None
}

/// Invocations of a subgroup, where all subgroups have as many and shaders may use them; else 1.
#[cfg(target_family = "wasm")]
fn lanes(device: &wgpu::Device, info: &wgpu::AdapterInfo) -> usize {
    let same = info.subgroup_min_size == info.subgroup_max_size && info.subgroup_min_size.is_power_of_two();
    let has = || device.as_webgpu().is_some_and(|d| d.features().has("subgroups"));
    if same && has() { info.subgroup_min_size as usize } else { 1 }
}

fn describe(name: &str, info: &wgpu::AdapterInfo, target: Target) -> String {
    let parts = [&info.name, &info.driver, &info.driver_info].map(|s| s.trim().to_string());
    let known: Vec<String> = parts.into_iter().filter(|s| !s.is_empty()).collect();
    let adapter = if known.is_empty() { "a GPU of the browser".into() } else { known.join(", ") };
    let kind = if info.device_type == wgpu::DeviceType::Cpu { ", software on the CPU" } else { "" };
    format!("{adapter} ({name}{kind}{})", used(target))
}

/// What kernels use beyond what every device has.
#[cfg(not(target_family = "wasm"))]
fn used(target: Target) -> String {
    let mut used = String::new();
    if target.lang.halves {
        used += ", float16";
    }
    if target.lanes > 1 {
        used += &format!(", subgroups of {}", target.lanes);
    }
    if target.matrices.is_some_and(|m| m.halves.max(m.floats) > 0) {
        used += ", cooperative matrices";
    }
    used
}

#[cfg(target_family = "wasm")]
fn used(_: Target) -> &'static str {
    ""
}

fn missing(name: &str, got: impl Into<String>, fix: &str) -> Error {
    Error::device(name, got, "a GPU", fix)
}
