//! Which devices there are, which one is used, and what the engine holds and has done.

use crate::{Js, error::ToJs};
use js_sys::{Array, Promise};
use playgrad::{Error, runtime, schedule};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

#[cfg(target_family = "wasm")]
use runtime::wgpu::open_web as open;

// Elsewhere this crate is only linted.
#[cfg(not(target_family = "wasm"))]
async fn open() -> playgrad::Result<std::rc::Rc<dyn runtime::Device>> {
    runtime::device("webgpu")
}

/// Opens the page's GPU. Resolves to "", or to why there is none.
#[wasm_bindgen(js_name = openWebgpu)]
pub fn open_webgpu() -> Promise {
    future_to_promise(async {
        let opened = open().await;
        let missing = opened.as_ref().err().map(reason).unwrap_or_default();
        let real = opened.as_ref().is_ok_and(|d| !d.limits().emulated);
        runtime::register("webgpu", opened);
        if real && let Ok(costs) = crate::cost::costs().await {
            runtime::set_costs(costs);
        }
        Ok(missing.into())
    })
}

/// Records why there is no GPU to open.
#[wasm_bindgen(js_name = noWebgpu)]
pub fn no_webgpu(why: &str, fix: &str) {
    runtime::register("webgpu", Err(Error::device("webgpu", why, "a GPU", fix)));
}

/// `[available, description]`, or why it is missing.
#[wasm_bindgen(js_name = deviceInfo)]
pub fn device_info(name: &str) -> Array {
    let (available, text) = match runtime::device(name) {
        Ok(device) => (true, device.description()),
        Err(e) => (false, reason(&e)),
    };
    Array::of2(&available.into(), &text.into())
}

fn reason(error: &Error) -> String {
    format!("{}. {}", error.got, error.fix)
}

/// Whether a device is a GPU that a driver imitates on the CPU.
#[wasm_bindgen(js_name = isEmulated)]
pub fn is_emulated(name: &str) -> bool {
    runtime::device(name).is_ok_and(|d| d.limits().emulated)
}

/// The device that ran something last.
#[wasm_bindgen(js_name = usedDevice)]
pub fn used_device() -> Option<String> {
    runtime::used().map(str::to_string)
}

/// Seconds expected on the CPU and on the GPU when a device was last chosen between them.
#[wasm_bindgen(js_name = expectedTimes)]
pub fn expected_times() -> Option<Vec<f64>> {
    runtime::choice().map(|c| vec![c.cpu, c.gpu])
}

#[wasm_bindgen(js_name = setDevice)]
pub fn set_device(name: &str) -> Js<()> {
    runtime::set_default(name).js()
}

#[wasm_bindgen(js_name = manualSeed)]
pub fn manual_seed(seed: f64) {
    playgrad::tensor::manual_seed(seed as u32);
}

/// Bytes held, the most ever held, live tensors, live graph nodes.
#[wasm_bindgen(js_name = memoryInUse)]
pub fn memory_in_use() -> Vec<f64> {
    let all = open_devices();
    let bytes: usize = all.iter().map(|c| c.bytes).sum();
    let peak: usize = all.iter().map(|c| c.peak_bytes).sum();
    vec![
        bytes as f64,
        peak as f64,
        playgrad::tensor::live_tensors() as f64,
        playgrad::graph::live_nodes() as f64,
    ]
}

/// Bytes held on all devices.
#[wasm_bindgen(js_name = deviceBytes)]
pub fn device_bytes() -> f64 {
    open_devices().iter().map(|c| c.bytes as f64).sum()
}

fn open_devices() -> Vec<runtime::Counters> {
    ["webgpu", "cpu"]
        .into_iter()
        .filter_map(|name| runtime::device(name).ok())
        .map(|d| d.counters())
        .collect()
}

/// Kernels, submissions, plans made, plans found again, operations, bytes moved.
#[wasm_bindgen]
pub fn counters() -> Vec<f64> {
    let submits: u64 = open_devices().iter().map(|c| c.submits).sum();
    let s = schedule::stats();
    [s.kernels, submits, s.plans_compiled, s.plan_hits, s.flops, s.bytes].map(|n| n as f64).to_vec()
}
