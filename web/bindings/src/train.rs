//! Gradients, optimizers, and the life of values.

use crate::{
    Js,
    error::{ToJs, js},
    read::begin,
    table::{Table, add, all, get, put_all, sweep},
};
use js_sys::Function;
use playgrad::{
    Error, Result,
    graph::Node,
    optim::{AdamOptions, Optimizer, SgdOptions},
    schedule::capture::{self, Capture},
    tensor::{self, Tensor},
};
use std::{cell::RefCell, rc::Rc};
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
    put_all(playgrad::grad(&loss, &targets.iter().collect::<Vec<_>>()))
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
    static OPTIMIZERS: RefCell<Table<Optimizer>> = const { RefCell::new(Table::new()) };
    static CAPTURES: RefCell<Table<Rc<Capture>>> = const { RefCell::new(Table::new()) };
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
    let sgd = || SgdOptions {
        lr: settings[0],
        momentum: settings[1],
        weight_decay: settings[2],
        nesterov: settings[3] != 0.0,
    };
    let adam = || AdamOptions {
        lr: settings[0],
        betas: [settings[1], settings[2]],
        eps: settings[3],
        weight_decay: settings[4],
    };
    let made = match kind {
        Optim::SGD => Optimizer::sgd(&params, sgd()),
        Optim::Adam => Optimizer::adam(&params, adam()),
        Optim::AdamW => Optimizer::adamw(&params, adam()),
    };
    made.map(|o| OPTIMIZERS.with_borrow_mut(|t| t.add(o))).js()
}

fn with<T>(id: u32, work: impl FnOnce(&Optimizer) -> Result<T>) -> Js<T> {
    OPTIMIZERS
        .with_borrow(|t| match t.get(id) {
            Some(optimizer) => work(optimizer),
            None => Err(Error::argument(
                "optim",
                "an optimizer that is gone",
                "a live one",
                "keep a reference to it",
            )),
        })
        .js()
}

#[wasm_bindgen(js_name = optimizerStep)]
pub fn optimizer_step(id: u32) -> Js<()> {
    with(id, Optimizer::step)?;
    sweep();
    Ok(())
}

#[wasm_bindgen(js_name = zeroGrad)]
pub fn zero_grad(id: u32) -> Js<()> {
    with(id, |o| {
        o.zero_grad();
        Ok(())
    })
}

#[wasm_bindgen(js_name = learningRate)]
pub fn learning_rate(id: u32) -> Js<f64> {
    with(id, |o| Ok(o.lr()))
}

#[wasm_bindgen(js_name = setLearningRate)]
pub fn set_learning_rate(id: u32, lr: f64) -> Js<()> {
    with(id, |o| {
        o.set_lr(lr);
        Ok(())
    })
}

#[wasm_bindgen(js_name = releaseOptimizer)]
pub fn release_optimizer(id: u32) {
    let gone = OPTIMIZERS.with_borrow_mut(|t| t.remove(id));
    drop(gone);
}

/// Starts recording a step on these arguments.
#[wasm_bindgen(js_name = jitBegin)]
pub fn jit_begin(args: &[u32]) -> Js<()> {
    tensor::realize_all(&all(args).js()?).js()?;
    capture::begin().js()
}

/// Ends the recording; `results` are computed as part of the step.
#[wasm_bindgen(js_name = jitEnd)]
pub fn jit_end(args: &[u32], results: &[u32]) -> Js<u32> {
    let (args, results) = (all(args).js()?, all(results).js()?);
    tensor::realize_all(&results).js()?;
    let captured = Rc::new(capture::finish(&nodes(&args), &nodes(&results)));
    Ok(CAPTURES.with_borrow_mut(|t| t.add(captured)))
}

#[wasm_bindgen(js_name = jitAbandon)]
pub fn jit_abandon() {
    capture::abandon();
}

#[wasm_bindgen(js_name = jitReplay)]
pub fn jit_replay(id: u32, args: &[u32]) -> Js<Vec<u32>> {
    again(id, args, Capture::replay)
}

/// Runs the step `n` times on the same arguments: one tensor for each of its results, `[n]` for those with one
/// element that the step computes (the value in every step, such as the loss), the last step's value for all others.
#[wasm_bindgen(js_name = jitRun)]
pub fn jit_run(id: u32, args: &[u32], n: usize) -> Js<Vec<u32>> {
    again(id, args, |step, args| step.replay_n(args, n))
}

fn again(id: u32, args: &[u32], run: impl FnOnce(&Capture, &[Node]) -> Result<Vec<Node>>) -> Js<Vec<u32>> {
    let args = all(args).js()?;
    tensor::realize_all(&args).js()?;
    let captured = CAPTURES.with_borrow(|t| t.get(id).cloned());
    let Some(captured) = captured else {
        return Err(js(Error::argument("jit", "a step that is gone", "a live one", "keep the function")));
    };
    let made = run(&captured, &nodes(&args)).js()?;
    Ok(made.into_iter().map(|node| add(Tensor::from_node(node))).collect())
}

#[wasm_bindgen(js_name = jitRelease)]
pub fn jit_release(id: u32) {
    let gone = CAPTURES.with_borrow_mut(|t| t.remove(id));
    drop(gone);
}

fn nodes(tensors: &[Tensor]) -> Vec<Node> {
    tensors.iter().map(Tensor::node).collect()
}
