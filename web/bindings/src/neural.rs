//! What networks are made of.

use crate::{
    Js,
    error::ToJs,
    table::{add, get, optional, put},
};
use playgrad::{
    nn::{self, Module},
    tensor::{Conv2dOptions, Pool2dOptions},
};
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
        stride: two(window, 0).to_vec(),
        padding: two(window, 2).map(|p| p as isize).to_vec(),
        dilation: two(window, 4).to_vec(),
        groups: window[6] as usize,
        dtype: None,
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
    let options = Pool2dOptions {
        stride: Some(two(window, 2).to_vec()),
        padding: two(window, 4).map(|p| p as isize).to_vec(),
        ..Pool2dOptions::default()
    };
    put(match op {
        Pool::Max => x.max_pool2d(&two(window, 0), options),
        Pool::Average => x.avg_pool2d(&two(window, 0), options),
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
