//! Saving and loading.

use crate::{
    Js,
    error::ToJs,
    read::begin,
    table::{add, all, put, put_all},
};
use js_sys::{Array, Uint8Array, Uint32Array};
use playgrad::{
    graph,
    io::{self, Entry, Header},
    nn,
    tensor::Tensor,
};
use wasm_bindgen::prelude::*;

/// The file's bytes, or a promise of them. `notes`: names and texts in turn.
#[wasm_bindgen(js_name = saveSafetensors)]
pub fn save_safetensors(names: Vec<String>, ids: &[u32], notes: Vec<String>) -> Js<JsValue> {
    let named = names.into_iter().zip(all(ids).js()?).collect();
    let notes = notes.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    begin(async move {
        io::save_safetensors(&named, &notes).await.map(|bytes| Uint8Array::from(bytes.as_slice()))
    })
}

/// `[names, tensors]`.
#[wasm_bindgen(js_name = loadSafetensors)]
pub fn load_safetensors(bytes: &[u8]) -> Js<Array> {
    Ok(pairs(io::load_safetensors("loadSafetensors", bytes).js()?))
}

/// The outputs of a written graph over these tensors.
#[wasm_bindgen(js_name = readGraph)]
pub fn read_graph(bytes: &[u8], leaves: &[u32]) -> Js<Vec<u32>> {
    let leaves: Vec<_> = all(leaves).js()?.iter().map(Tensor::node).collect();
    put_all(graph::read_graph(bytes, &leaves).map(|made| made.into_iter().map(Tensor::from_node).collect()))
}

/// The written graph of the first tensors over the others, and the further tensors it reads.
#[wasm_bindgen(js_name = writeGraph)]
pub fn write_graph(outputs: &[u32], leaves: &[u32]) -> Js<Array> {
    let nodes = |ids| Ok::<Vec<_>, JsValue>(all(ids).js()?.iter().map(Tensor::node).collect());
    let (bytes, rest) = graph::write_graph(&nodes(outputs)?, &nodes(leaves)?);
    let ids: Vec<u32> = rest.into_iter().map(|node| add(Tensor::from_node(node))).collect();
    Ok(Array::of2(&Uint8Array::from(bytes.as_slice()), &Uint32Array::from(ids.as_slice())))
}

const OPEN: &str = "openSafetensors";

/// How long the header is, from the first eight bytes of a file of `length` bytes.
#[wasm_bindgen(js_name = safetensorsHeader)]
pub fn safetensors_header(first: &[u8], length: f64) -> Js<f64> {
    Header::size(OPEN, first, length as u64).map(|n| n as f64).js()
}

/// Checks the header (JSON, which the caller reads then) of a file of `length` bytes.
#[wasm_bindgen(js_name = checkSafetensors)]
pub fn check_safetensors(header: &[u8], length: f64) -> Js<()> {
    Header::parse(OPEN, header, length as u64).map(drop).js()
}

/// The tensor of a header's entry.
#[wasm_bindgen(js_name = safetensorsTensor)]
pub fn safetensors_tensor(key: &str, dtype: String, shape: &[u32], bytes: &[u8]) -> Js<u32> {
    let shape = shape.iter().map(|n| *n as usize).collect();
    put(Entry { dtype, shape, bytes: 0..bytes.len() as u64 }.tensor(OPEN, key, bytes))
}

/// Gives the first tensors, by name, the values of the second.
#[wasm_bindgen(js_name = loadStateDict)]
pub fn load_state_dict(
    names: Vec<String>,
    ids: &[u32],
    given: Vec<String>,
    values: &[u32],
    strict: bool,
) -> Js<()> {
    let own: Vec<_> = names.into_iter().zip(all(ids).js()?).collect();
    let dict = given.into_iter().zip(all(values).js()?).collect();
    nn::load_tensors(&own, &dict, strict).js()
}

/// A list of names, and one of the tensors they name.
pub(crate) fn pairs(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Array {
    let (names, ids): (Vec<String>, Vec<u32>) = tensors.into_iter().map(|(name, t)| (name, add(t))).unzip();
    let names: Array = names.iter().map(|name| JsValue::from_str(name)).collect();
    Array::of2(&names, &Uint32Array::from(ids.as_slice()))
}
