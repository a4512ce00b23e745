//! Gradients, optimizers, and the life of values.

use crate::{
    Js,
    error::{ToJs, js},
    read::begin,
    table::{Table, add, all, get, put, put_all},
};
use js_sys::Function;
use playgrad::{
    Error, Result,
    optim::{self, Optimizer},
    tensor::{self, Tensor},
};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
pub fn training() -> bool {
    Tensor::training()
}

#[wasm_bindgen(js_name = setTraining)]
pub fn set_training(on: bool) {
    Tensor::set_training(on);
}

/// Calls `work` without recording gradients; what it throws is thrown on.
#[wasm_bindgen(js_name = noGrad)]
pub fn no_grad(work: &Function) -> Js<JsValue> {
    tensor::no_grad(|| work.call0(&JsValue::NULL))
}

#[wasm_bindgen(js_name = requiresGrad)]
pub fn requires_grad(x: u32) -> Js<bool> {
    Ok(get(x).js()?.requires_grad() == Some(true))
}

#[wasm_bindgen(js_name = setRequiresGrad)]
pub fn set_requires_grad(x: u32, on: bool) -> Js<()> {
    get(x).js()?.set_requires_grad(on).js()
}

/// 0 where there is none.
#[wasm_bindgen]
pub fn grad(x: u32) -> Js<u32> {
    Ok(get(x).js()?.grad().map_or(0, add))
}

#[wasm_bindgen]
pub fn backward(loss: u32) -> Js<()> {
    get(loss).js()?.backward().js()
}

#[wasm_bindgen]
pub fn gradients(loss: u32, targets: &[u32]) -> Js<Vec<u32>> {
    let (loss, targets) = (get(loss).js()?, all(targets).js()?);
    put_all(loss.gradients(&targets))
}

#[wasm_bindgen]
pub fn detach(x: u32) -> Js<u32> {
    Ok(add(get(x).js()?.detach()))
}

#[wasm_bindgen]
pub fn contiguous(x: u32) -> Js<u32> {
    Ok(add(get(x).js()?.contiguous()))
}

#[wasm_bindgen]
pub fn realize(list: &[u32]) -> Js<()> {
    tensor::realize_all(&all(list).js()?).js()
}

#[wasm_bindgen]
pub fn assign(x: u32, value: u32) -> Js<()> {
    get(x).js()?.assign(&get(value).js()?).js()
}

/// A number, or a promise of one.
#[wasm_bindgen]
pub fn to(x: u32, device: String) -> Js<JsValue> {
    let x = get(x).js()?;
    begin(async move { x.to(&device).await.map(add) })
}

thread_local! {
    static OPTIMIZERS: RefCell<Table<Box<dyn Optimizer>>> = const { RefCell::new(Table::new()) };
}

#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Optim {
    SGD,
    Adam,
    AdamW,
}

/// `settings`: learning rate, then SGD's momentum, weight decay, nesterov or Adam's betas, eps, weight decay.
#[wasm_bindgen]
pub fn optimizer(kind: Optim, params: &[u32], settings: &[f64]) -> Js<u32> {
    let params = all(params).js()?;
    let at = |i: usize| settings[i];
    let made: Result<Box<dyn Optimizer>> = match kind {
        Optim::SGD => todo!(),
        Optim::Adam => todo!(),
        Optim::AdamW => todo!(),
    };
    let made = made.js()?;
    Ok(OPTIMIZERS.with_borrow_mut(|t| t.add(made)))
}
