//! In Node: the CPU device.

#![cfg(target_family = "wasm")]

mod common;

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn xor_on_the_cpu() {
    common::xor_is_learned("cpu").await;
}

#[wasm_bindgen_test]
async fn large_sum_on_the_cpu() {
    common::large_sum_agrees("cpu").await;
}

#[wasm_bindgen_test]
async fn without_a_gpu_the_reason_is_told() {
    playgrad_web::devices::no_webgpu("Node has none", "install one");
    assert!(playgrad_web::devices::set_device("webgpu").is_err());
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
