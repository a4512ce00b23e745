//! Finding an adapter. Every failure says why, and what to do.

use super::{ALIGNMENT, Gpu, Inner, SLOT, check::Health, memory::Memory, pipelines::Pipelines, uniform};
use crate::{
    error::{Error, Result},
    render::{Target, WGSL},
    runtime::{Counters, Device, Limits},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Far more than a kernel may bind: tensors share slabs.
const MAX_ARGUMENTS: usize = 32;
/// More lanes than this share too little.
const MAX_LANES: u32 = 16;
/// Offsets are int32 elements of 4 bytes, and regions must not reach past them.
const MAX_BINDING: u64 = 1 << 31;

/// What is asked for where the adapter has it.
const FEATURES: wgpu::Features = if cfg!(target_family = "wasm") {
    wgpu::Features::SUBGROUP
} else {
    wgpu::Features::SUBGROUP.union(wgpu::Features::TIMESTAMP_QUERY)
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

/// The native GPU with the shaders a real one would get, to test these where there is none.
#[cfg(not(target_family = "wasm"))]
pub fn open_as_real() -> Result<Rc<dyn Device>> {
    let (name, backends) = if cfg!(target_vendor = "apple") {
        ("metal", wgpu::Backends::METAL)
    } else {
        ("vulkan", wgpu::Backends::VULKAN)
    };
    let mut gpu = pollster::block_on(open(name, backends, "install a GPU driver"))?;
    Rc::get_mut(&mut gpu.0).expect("nobody shares a new device").target.emulated = false;
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
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("playgrad"),
        required_features: adapter.features() & FEATURES,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let (device, queue) =
        adapter.request_device(&descriptor).await.map_err(|e| missing(name, e.to_string(), fix))?;
    let info = adapter.get_info();
    let health = Health::watch(name, &device);
    let limits = limits(&device.limits(), &info);
    let target = Target { lang: &WGSL, emulated: limits.emulated, lanes: lanes(&device, &info) };
    Ok(Gpu(Rc::new(Inner {
        name,
        description: describe(name, &info),
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

/// Invocations of a subgroup, where all subgroups have as many and shaders may use them; else 1.
fn lanes(device: &wgpu::Device, info: &wgpu::AdapterInfo) -> usize {
    let lanes = info.subgroup_min_size;
    let same = lanes == info.subgroup_max_size && lanes.is_power_of_two() && lanes <= MAX_LANES;
    if same && has_subgroups(device) { lanes as usize } else { 1 }
}

#[cfg(not(target_family = "wasm"))]
fn has_subgroups(device: &wgpu::Device) -> bool {
    device.features().contains(wgpu::Features::SUBGROUP)
}

#[cfg(target_family = "wasm")]
fn has_subgroups(device: &wgpu::Device) -> bool {
    device.as_webgpu().is_some_and(|d| d.features().has("subgroups"))
}

fn describe(name: &str, info: &wgpu::AdapterInfo) -> String {
    let parts = [&info.name, &info.driver, &info.driver_info].map(|s| s.trim().to_string());
    let known: Vec<String> = parts.into_iter().filter(|s| !s.is_empty()).collect();
    let adapter = if known.is_empty() { "a GPU of the browser".into() } else { known.join(", ") };
    let kind = if info.device_type == wgpu::DeviceType::Cpu { ", software on the CPU" } else { "" };
    format!("{adapter} ({name}{kind})")
}

fn missing(name: &str, got: impl Into<String>, fix: &str) -> Error {
    Error::device(name, got, "a GPU", fix)
}
