//! Making tensors, what they are, and their shape.

use crate::{
    Js,
    error::ToJs,
    ops::{dtype_named, number},
    table::{all, get, put},
};
use playgrad::tensor::{Slice, Tensor};
use wasm_bindgen::prelude::*;

fn sizes(shape: &[i32]) -> Vec<usize> {
    shape.iter().map(|n| *n as usize).collect()
}

fn signed(shape: &[i32]) -> Vec<isize> {
    shape.iter().map(|n| *n as isize).collect()
}

#[wasm_bindgen(js_name = fromBytes)]
pub fn from_bytes(bytes: Box<[u8]>, dtype: &str, shape: &[i32], requires_grad: Option<bool>) -> Js<u32> {
    let dtype = dtype_named("tensor", dtype).js()?;
    let tensor = Tensor::from_bytes(bytes, &sizes(shape), dtype).js()?;
    if let Some(on) = requires_grad {
        tensor.set_requires_grad(on).js()?;
    }
    put(Ok(tensor))
}

#[wasm_bindgen]
pub fn full(shape: &[i32], value: f64, dtype: &str) -> Js<u32> {
    put(Tensor::full(&sizes(shape), value, dtype_named("full", dtype).js()?))
}

#[wasm_bindgen]
pub fn arange(start: f64, stop: f64, step: f64, dtype: &str) -> Js<u32> {
    put(Tensor::arange(start, stop, step, dtype_named("arange", dtype).js()?))
}

#[wasm_bindgen]
pub fn linspace(start: f64, stop: f64, steps: u32) -> Js<u32> {
    put(Tensor::linspace(start, stop, steps as usize))
}

#[wasm_bindgen]
pub fn eye(n: u32) -> Js<u32> {
    put(Tensor::eye(n as usize))
}

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Random {
    Uniform,
    Normal,
    Integer,
    KaimingUniform,
    GlorotUniform,
}

/// `a` and `b`: the range, mean and deviation, or the slope of the initialiser.
#[wasm_bindgen]
pub fn random(kind: Random, shape: &[i32], a: f64, b: f64) -> Js<u32> {
    let shape = sizes(shape);
    put(match kind {
        Random::Uniform => Tensor::uniform(&shape, a, b),
        Random::Normal => Tensor::randn(&shape),
        Random::Integer => Tensor::randint(&shape, a as i32, b as i32),
        Random::KaimingUniform => Tensor::kaiming_uniform(&shape, a),
        Random::GlorotUniform => Tensor::glorot_uniform(&shape),
    })
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

#[wasm_bindgen]
pub fn reshape(x: u32, shape: &[i32]) -> Js<u32> {
    put(get(x).js()?.reshape(&signed(shape)))
}

#[wasm_bindgen]
pub fn permute(x: u32, order: &[i32]) -> Js<u32> {
    put(get(x).js()?.permute(&signed(order)))
}

#[wasm_bindgen]
pub fn transpose(x: u32, a: i32, b: i32) -> Js<u32> {
    put(get(x).js()?.transpose(a as isize, b as isize))
}

#[wasm_bindgen]
pub fn expand(x: u32, shape: &[i32]) -> Js<u32> {
    put(get(x).js()?.expand(&signed(shape)))
}

fn pairs(flat: &[i32]) -> Vec<(usize, usize)> {
    flat.chunks_exact(2).map(|p| (p[0] as usize, p[1] as usize)).collect()
}

#[wasm_bindgen]
pub fn pad(x: u32, widths: &[i32], value: f64) -> Js<u32> {
    put(get(x).js()?.pad(&pairs(widths), number(value)))
}

#[wasm_bindgen]
pub fn shrink(x: u32, ranges: &[i32]) -> Js<u32> {
    put(get(x).js()?.shrink(&pairs(ranges)))
}

/// Four numbers per axis: `[1, index, _, _]`, or `[0, start, stop, step]` where NaN is an open end.
#[wasm_bindgen]
pub fn slice(x: u32, parts: &[f64]) -> Js<u32> {
    let end = |n: f64| if n.is_nan() { None } else { Some(n as isize) };
    let parts: Vec<Slice> = parts
        .chunks_exact(4)
        .map(|p| match p[0] == 1.0 {
            true => Slice::At(p[1] as isize),
            false => Slice::Range { start: end(p[1]), stop: end(p[2]), step: p[3] as isize },
        })
        .collect();
    put(get(x).js()?.slice(&parts))
}

#[wasm_bindgen]
pub fn flip(x: u32, axes: Option<Vec<isize>>) -> Js<u32> {
    put(get(x).js()?.flip(axes))
}

#[wasm_bindgen]
pub fn squeeze(x: u32, axis: Option<i32>) -> Js<u32> {
    put(get(x).js()?.squeeze(axis.map(|a| a as isize)))
}

#[wasm_bindgen]
pub fn unsqueeze(x: u32, axis: i32) -> Js<u32> {
    put(get(x).js()?.unsqueeze(axis as isize))
}

#[wasm_bindgen]
pub fn flatten(x: u32, start: i32) -> Js<u32> {
    put(get(x).js()?.flatten(start as isize))
}

#[wasm_bindgen]
pub fn repeat(x: u32, times: &[i32]) -> Js<u32> {
    put(get(x).js()?.repeat(&sizes(times)))
}

#[wasm_bindgen]
pub fn cat(list: &[u32], axis: i32) -> Js<u32> {
    put(Tensor::cat(&all(list).js()?, axis as isize))
}

#[wasm_bindgen]
pub fn stack(list: &[u32], axis: i32) -> Js<u32> {
    put(Tensor::stack(&all(list).js()?, axis as isize))
}

#[wasm_bindgen]
pub fn gather(x: u32, axis: i32, index: u32) -> Js<u32> {
    put(get(x).js()?.gather(axis as isize, &get(index).js()?))
}

#[wasm_bindgen]
pub fn index(x: u32, index: u32) -> Js<u32> {
    put(get(x).js()?.index(&get(index).js()?))
}
