//! Which devices there are, why one is missing, and which one runs a graph.

use super::{
    Device,
    cost::{Choice, Costs},
    cpu::Cpu,
    null::Null,
};
use crate::error::{Error, Result};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// A row of `playgrad devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    pub name: &'static str,
    pub available: bool,
    /// The adapter, or why there is none and what to do.
    pub description: String,
}

#[derive(Default)]
struct Registry {
    found: BTreeMap<&'static str, Result<Rc<dyn Device>>>,
    default: Option<Rc<dyn Device>>,
    used: Option<&'static str>,
    costs: Costs,
    choice: Option<Choice>,
}

thread_local! {
    static REGISTRY: RefCell<Registry> = RefCell::default();
}

/// Names every build knows, in the order they are listed.
const NAMES: [&str; 6] = ["cuda", "webgpu", "vulkan", "metal", "cpu", "null"];

/// Puts a device, or the reason it is missing, into the registry (the browser's adapters come asynchronously).
pub fn register(name: &'static str, device: Result<Rc<dyn Device>>) {
    REGISTRY.with_borrow_mut(|r| r.found.insert(name, device));
}

/// The device of that name, opened on first use.
pub fn device(name: &str) -> Result<Rc<dyn Device>> {
    if !cfg!(feature = "run") {
        return Err(Error::device("device", name, "a build that runs graphs", "build with the feature run"));
    }
    let Some(name) = NAMES.into_iter().find(|n| *n == name) else {
        let expected = format!("one of {}", NAMES.join(", "));
        return Err(Error::device("device", format!("\"{name}\""), expected, "name one of these"));
    };
    if let Some(found) = REGISTRY.with_borrow(|r| r.found.get(name).cloned()) {
        return found;
    }
    let opened = open(name);
    register(name, opened.clone());
    opened
}

fn open(name: &'static str) -> Result<Rc<dyn Device>> {
    match name {
        "cpu" => Ok(Rc::new(Cpu::default())),
        "null" => Ok(Rc::new(Null::default())),
        #[cfg(all(feature = "wgpu", not(target_family = "wasm")))]
        "webgpu" | "vulkan" | "metal" => super::wgpu::open_native(name),
        #[cfg(all(feature = "cuda", not(target_family = "wasm")))]
        "cuda" => super::cuda::open(),
        _ => Err(Error::device("device", name, "a device of this build", "use cpu")),
    }
}

/// Every device with the reason it is missing, if it is.
pub fn devices() -> Vec<DeviceInfo> {
    NAMES
        .into_iter()
        .map(|name| match device(name) {
            Ok(d) => DeviceInfo { name, available: true, description: d.description() },
            Err(e) => DeviceInfo { name, available: false, description: e.to_string() },
        })
        .collect()
}

/// The device new work runs on; `None` lets [`choose`] decide.
pub fn default_device() -> Option<Rc<dyn Device>> {
    REGISTRY.with_borrow(|r| r.default.clone())
}

/// `"auto"` or a device's name.
pub fn set_default(name: &str) -> Result<()> {
    let chosen = if name == "auto" { None } else { Some(device(name)?) };
    REGISTRY.with_borrow_mut(|r| r.default = chosen);
    Ok(())
}

/// The device for work of that size when its data is nowhere yet: the GPU where it is expected to be faster.
pub fn choose(flops: u64) -> Result<Rc<dyn Device>> {
    Ok(weigh(flops)?.0)
}

/// [`choose`], remembered for [`choice`].
pub fn choose_for_plan(flops: u64) -> Result<Rc<dyn Device>> {
    let (device, choice) = weigh(flops)?;
    REGISTRY.with_borrow_mut(|r| r.choice = choice);
    Ok(device)
}

fn weigh(flops: u64) -> Result<(Rc<dyn Device>, Option<Choice>)> {
    if let Some(chosen) = default_device() {
        return Ok((chosen, None));
    }
    let gpus = ["cuda", "webgpu", "vulkan", "metal"].into_iter().filter_map(|n| device(n).ok());
    let Some(gpu) = gpus.into_iter().find(|gpu| !gpu.limits().emulated) else {
        return Ok((device("cpu")?, None));
    };
    let choice = REGISTRY.with_borrow(|r| r.costs.weigh(flops));
    Ok((if choice.on_gpu() { gpu } else { device("cpu")? }, Some(choice)))
}

/// What was weighed when a device was last chosen for a plan.
pub fn choice() -> Option<Choice> {
    REGISTRY.with_borrow(|r| r.choice)
}

/// What was measured of the CPU and the GPU.
pub fn set_costs(costs: Costs) {
    REGISTRY.with_borrow_mut(|r| r.costs = costs);
}

/// Remembers which device ran something last.
pub fn note_used(name: &'static str) {
    REGISTRY.with_borrow_mut(|r| r.used = Some(name));
}

/// The device that ran something last.
pub fn used() -> Option<&'static str> {
    REGISTRY.with_borrow(|r| r.used)
}
