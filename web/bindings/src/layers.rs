//! Layers that have tensors of their own.

use crate::{
    Js,
    error::ToJs,
    io::pairs,
    table::{get, optional, put},
};
use js_sys::Array;
use playgrad::{
    Tensor,
    nn::{self, Module},
};
use wasm_bindgen::prelude::*;

fn sizes(given: &[u32]) -> Vec<usize> {
    given.iter().map(|n| *n as usize).collect()
}

/// `[names, tensors]` of a new layer; `sizes` as of `nn::fresh`.
#[wasm_bindgen(js_name = newLayer)]
pub fn new_layer(kind: &str, given: &[u32], affine: bool) -> Js<Array> {
    Ok(pairs(nn::fresh(kind, &sizes(given), affine).js()?))
}

/// The padding that keeps an image's size.
#[wasm_bindgen(js_name = samePadding)]
pub fn same_padding(kernel: &[u32], dilation: &[u32]) -> Vec<i32> {
    nn::same_padding(&sizes(kernel), &sizes(dilation)).into_iter().map(|n| n as i32).collect()
}

/// Batch norm that in training uses the batch's statistics and moves the running ones; always the batch's where
/// `running` is empty. A weight and bias of 0 are none.
#[wasm_bindgen(js_name = runBatchNorm)]
pub fn run_batch_norm(x: u32, affine: &[u32], running: &[u32], eps: f64, momentum: f64) -> Js<u32> {
    let x = get(x).js()?;
    let kept = |i: usize| match running.get(i) {
        Some(id) => get(*id),
        None => Tensor::zeros(&[x.shape().get(1).copied().unwrap_or(0)]),
    };
    let layer = nn::BatchNorm {
        weight: optional(affine[0]).js()?,
        bias: optional(affine[1]).js()?,
        running_mean: kept(0).js()?,
        running_var: kept(1).js()?,
        num_batches_tracked: kept(2).js()?,
        eps,
        momentum,
        track: !running.is_empty(),
    };
    put(layer.forward(&x))
}
