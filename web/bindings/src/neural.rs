//! Layers that have tensors of their own.

use crate::{
    Js,
    error::ToJs,
    table::{add, get, optional, put},
};
use playgrad::{
    nn::{self, Module},
    tensor::Conv2dOptions,
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Layer {
    Linear,
    Conv2d,
    BatchNorm,
    LayerNorm,
    Embedding,
}

/// The tensors of a new layer, in the order of its fields; a missing bias is left out. `sizes`: Linear in, out;
/// Conv2d in, out, kernel height and width, groups; BatchNorm channels; LayerNorm the shape; Embedding rows, width.
#[wasm_bindgen(js_name = newLayer)]
pub fn new_layer(kind: Layer, sizes: &[u32], affine: bool) -> Js<Vec<u32>> {
    let sizes: Vec<usize> = sizes.iter().map(|n| *n as usize).collect();
    let tensors = match kind {
        Layer::Linear => nn::Linear::new(sizes[0], sizes[1], affine).js()?.tensors(),
        Layer::Conv2d => {
            let options = Conv2dOptions { groups: sizes[4], ..Conv2dOptions::default() };
            let kernel = [sizes[2], sizes[3]];
            nn::Conv2d::new(sizes[0], sizes[1], kernel, options, affine).js()?.tensors()
        }
        Layer::BatchNorm => nn::BatchNorm::new(sizes[0], affine, 0.0, 0.0).js()?.tensors(),
        Layer::LayerNorm => nn::LayerNorm::new(&sizes, affine, 0.0).js()?.tensors(),
        Layer::Embedding => nn::Embedding::new(sizes[0], sizes[1]).js()?.tensors(),
    };
    Ok(tensors.into_iter().map(|(_, tensor)| add(tensor)).collect())
}

/// Batch norm that in training uses the batch's statistics and moves the running ones.
/// `weight` and `bias` 0 are none.
#[wasm_bindgen(js_name = runBatchNorm)]
pub fn run_batch_norm(x: u32, affine: &[u32], running: &[u32], eps: f64, momentum: f64) -> Js<u32> {
    let layer = nn::BatchNorm {
        weight: optional(affine[0]).js()?,
        bias: optional(affine[1]).js()?,
        running_mean: get(running[0]).js()?,
        running_var: get(running[1]).js()?,
        num_batches_tracked: get(running[2]).js()?,
        eps,
        momentum,
    };
    put(layer.forward(&get(x).js()?))
}
