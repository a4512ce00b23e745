//! On a page: both devices.

#![cfg(target_family = "wasm")]

mod common;
#[path = "common/gpu.rs"]
mod gpu;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn xor_on_the_cpu() {
    common::xor_is_learned("cpu").await;
}

#[wasm_bindgen_test]
async fn xor_on_webgpu() {
    gpu::open().await;
    common::xor_is_learned("webgpu").await;
}

#[wasm_bindgen_test]
async fn both_devices_agree() {
    gpu::open().await;
    common::large_sum_agrees("webgpu").await;
    common::large_sum_agrees("cpu").await;
}

#[wasm_bindgen_test]
fn mistakes_reach_the_factory() {
    common::mistakes_reach_the_factory();
}

#[wasm_bindgen_test]
fn handles_are_given_back() {
    common::handles_are_given_back();
}

#[wasm_bindgen_test]
fn emitted_code_runs() {
    common::emitted_code_runs();
}
