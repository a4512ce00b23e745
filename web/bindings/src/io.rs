//! Safetensors files.

use crate::{
    Js,
    error::ToJs,
    read::begin,
    table::{add, all},
};
use js_sys::{Array, Uint8Array, Uint32Array};
use playgrad::{io, nn::StateDict};
use wasm_bindgen::prelude::*;

/// The file's bytes, or a promise of them.
#[wasm_bindgen(js_name = saveSafetensors)]
pub fn save_safetensors(names: Vec<String>, ids: &[u32]) -> Js<JsValue> {
    let named = names.into_iter().zip(all(ids).js()?).collect();
    begin(async move { io::save_safetensors(&named).await.map(|bytes| Uint8Array::from(bytes.as_slice())) })
}

/// `[names, tensors]`.
#[wasm_bindgen(js_name = loadSafetensors)]
pub fn load_safetensors(bytes: &[u8]) -> Js<Array> {
    Ok(pairs(io::load_safetensors("loadSafetensors", bytes).js()?))
}

/// A list of names, and one of the tensors they name.
pub(crate) fn pairs(tensors: StateDict) -> Array {
    let names: Array = tensors.keys().map(|name| JsValue::from_str(name)).collect();
    let ids: Vec<u32> = tensors.into_values().map(add).collect();
    Array::of2(&names, &Uint32Array::from(ids.as_slice()))
}
