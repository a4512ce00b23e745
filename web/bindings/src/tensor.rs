//! Making tensors from data, and what they are.

use crate::{
    Js,
    error::ToJs,
    table::{get, put},
};
use playgrad::{methods, tensor::Tensor};
use wasm_bindgen::prelude::*;

fn sizes(shape: &[i32]) -> Vec<usize> {
    shape.iter().map(|n| *n as usize).collect()
}

#[wasm_bindgen(js_name = fromBytes)]
pub fn from_bytes(bytes: Box<[u8]>, dtype: &str, shape: &[i32], requires_grad: Option<bool>) -> Js<u32> {
    let dtype = methods::dtype("tensor", dtype).js()?;
    let tensor = Tensor::from_bytes(bytes, &sizes(shape), dtype).js()?;
    if let Some(on) = requires_grad {
        tensor.set_requires_grad(on).js()?;
    }
    put(Ok(tensor))
}

#[wasm_bindgen]
pub fn shape(x: u32) -> Js<Vec<u32>> {
    Ok(get(x).js()?.shape().iter().map(|n| *n as u32).collect())
}

#[wasm_bindgen]
pub fn dtype(x: u32) -> Js<String> {
    Ok(get(x).js()?.dtype().name().into())
}

#[wasm_bindgen(js_name = tensorDevice)]
pub fn tensor_device(x: u32) -> Js<String> {
    Ok(get(x).js()?.device().js()?.into())
}
