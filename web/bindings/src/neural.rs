//! What networks are made of.

use crate::{
    Js,
    error::ToJs,
    table::{get, optional, put},
};
use playgrad::tensor::{Conv2dOptions, Pool2dOptions};
use wasm_bindgen::prelude::*;

/// `bias` 0 is none.
#[wasm_bindgen]
pub fn linear(x: u32, weight: u32, bias: u32) -> Js<u32> {
    put(get(x).js()?.linear(&get(weight).js()?, optional(bias).js()?.as_ref()))
}

fn two(window: &[u32], at: usize) -> [usize; 2] {
    [window[at] as usize, window[at + 1] as usize]
}

/// `window`: stride, padding and dilation, two numbers each, then groups. `bias` 0 is none.
#[wasm_bindgen]
pub fn conv2d(x: u32, weight: u32, bias: u32, window: &[u32]) -> Js<u32> {
    let options = Conv2dOptions {
        stride: two(window, 0),
        padding: two(window, 2),
        dilation: two(window, 4),
        groups: window[6] as usize,
    };
    put(get(x).js()?.conv2d(&get(weight).js()?, optional(bias).js()?.as_ref(), options))
}

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Pool {
    Max,
    Average,
}

/// `window`: kernel, stride and padding, two numbers each.
#[wasm_bindgen]
pub fn pool(op: Pool, x: u32, window: &[u32]) -> Js<u32> {
    let x = get(x).js()?;
    let options = Pool2dOptions { stride: Some(two(window, 2)), padding: two(window, 4) };
    put(match op {
        Pool::Max => x.max_pool2d(two(window, 0), options),
        Pool::Average => x.avg_pool2d(two(window, 0), options),
    })
}

#[wasm_bindgen(js_name = oneHot)]
pub fn one_hot(x: u32, classes: u32) -> Js<u32> {
    put(get(x).js()?.one_hot(classes as usize))
}

/// Over the last `axes` axes.
#[wasm_bindgen(js_name = layerNorm)]
pub fn layer_norm(x: u32, axes: u32, eps: f64) -> Js<u32> {
    let axes: Vec<isize> = (1..=axes as isize).map(|a| -a).collect();
    put(get(x).js()?.layer_norm(axes.as_slice(), eps))
}

/// `weight` and `bias` 0 are none.
#[wasm_bindgen(js_name = batchNorm)]
pub fn batch_norm(x: u32, weight: u32, bias: u32, mean: u32, invstd: u32) -> Js<u32> {
    let (weight, bias) = (optional(weight).js()?, optional(bias).js()?);
    let (mean, invstd) = (get(mean).js()?, get(invstd).js()?);
    put(get(x).js()?.batch_norm(weight.as_ref(), bias.as_ref(), &mean, &invstd))
}
