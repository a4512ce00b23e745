//! Data sets.

use crate::{
    Js,
    error::{ToJs, js},
    table::{add, put},
};
use playgrad::{
    Error, Result,
    data::{self, Images},
    graph::DType,
    tensor::Tensor,
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Points {
    Xor,
    Moons,
    Spirals,
}

fn labels(labels: &[u8]) -> Result<Tensor> {
    let wide: Vec<i32> = labels.iter().map(|l| i32::from(*l)).collect();
    Tensor::from_slice(&wide, &[labels.len()])
}

/// The points and their classes.
#[wasm_bindgen]
pub fn points(kind: Points, n: u32, noise: f32, seed: f64, classes: u32) -> Js<Vec<u32>> {
    let (n, seed) = (n as usize, seed as u64);
    let set = match kind {
        Points::Xor => data::xor(),
        Points::Moons => data::moons(n, noise, seed),
        Points::Spirals => data::spirals(n, classes as usize, noise, seed),
    };
    let x = Tensor::from_slice(&set.x, &[set.labels.len(), 2]).js()?;
    let y = match kind {
        Points::Xor => {
            let column: Vec<f32> = set.labels.iter().map(|l| f32::from(*l)).collect();
            Tensor::from_slice(&column, &[column.len(), 1]).js()?
        }
        Points::Moons | Points::Spirals => labels(&set.labels).js()?,
    };
    Ok(vec![add(x), add(y)])
}

fn images(set: Images) -> Result<[Tensor; 2]> {
    let shape = [set.labels.len(), set.height, set.width];
    Ok([Tensor::from_bytes(set.pixels, &shape, DType::U8)?, labels(&set.labels)?])
}

/// The images and their classes.
#[wasm_bindgen]
pub fn digits(n: u32, seed: f64) -> Js<Vec<u32>> {
    Ok(images(data::digits(n as usize, seed as u64)).js()?.map(add).to_vec())
}

/// Images and classes to train on, then those to test with. The files lie in `bytes` one after another.
#[wasm_bindgen]
pub fn mnist(names: Vec<String>, sizes: &[u32], bytes: &[u8]) -> Js<Vec<u32>> {
    let mut rest = bytes;
    let mut files = Vec::new();
    for (name, size) in names.iter().zip(sizes) {
        let Some((file, after)) = rest.split_at_checked(*size as usize) else {
            let got = format!("{} bytes for files of {sizes:?}", bytes.len());
            return Err(js(Error::data("mnist", got, "whole files", "read the files again")));
        };
        files.push((name.as_str(), file));
        rest = after;
    }
    let set = data::mnist::from_files(files).js()?;
    let [a, b] = images(set.train).js()?;
    let [c, d] = images(set.test).js()?;
    Ok([a, b, c, d].map(add).to_vec())
}

#[wasm_bindgen(js_name = parseIdx)]
pub fn parse_idx(name: &str, bytes: &[u8]) -> Js<u32> {
    let idx = data::idx::parse(name, bytes).js()?;
    put(Tensor::from_bytes(idx.values, &idx.shape, DType::U8))
}
