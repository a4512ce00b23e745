//! Gradients, optimizers, and the life of values.

use crate::{
    Js,
    error::{ToJs, js},
    io::pairs,
    read::begin,
    table::{Table, add, all, get, optional, put, put_all, sweep},
};
use js_sys::Array;
use playgrad::{
    Error, Result,
    graph::Node,
    optim::{self, Optimizer, Plateau, Schedule, Settings},
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

/// Whether gradients are recorded from now on; tells whether they were.
#[wasm_bindgen(js_name = setGradEnabled)]
pub fn set_grad_enabled(on: bool) -> bool {
    tensor::set_grad_enabled(on)
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

/// Takes the gradient's place; 0 clears it.
#[wasm_bindgen(js_name = setGrad)]
pub fn set_grad(x: u32, grad: u32) -> Js<()> {
    get(x).js()?.set_grad(optional(grad).js()?);
    Ok(())
}

#[wasm_bindgen]
pub fn backward(loss: u32, gradient: u32) -> Js<()> {
    get(loss).js()?.backward_from(optional(gradient).js()?.as_ref()).js()
}

#[wasm_bindgen]
pub fn gradients(loss: u32, targets: &[u32]) -> Js<Vec<u32>> {
    let (loss, targets) = (get(loss).js()?, all(targets).js()?);
    put_all(playgrad::grad(&loss, &targets.iter().collect::<Vec<_>>()))
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

enum Rates {
    Schedule(Schedule),
    Plateau(Plateau),
}

thread_local! {
    static OPTIMIZERS: RefCell<Table<Rc<Optimizer>>> = const { RefCell::new(Table::new()) };
    static SCHEDULES: RefCell<Table<Rc<Rates>>> = const { RefCell::new(Table::new()) };
    static CAPTURES: RefCell<Table<Rc<Capture>>> = const { RefCell::new(Table::new()) };
}

/// By name, with settings by name: a list's name comes once for each of its numbers.
#[wasm_bindgen]
pub fn optimizer(kind: &str, params: &[u32], names: Vec<String>, values: &[f64]) -> Js<u32> {
    let params = all(params).js()?;
    let made = Optimizer::named(&params, &Settings::new(kind, &names, values)).js()?;
    Ok(OPTIMIZERS.with_borrow_mut(|t| t.add(Rc::new(made))))
}

/// One optimizer of several.
#[wasm_bindgen(js_name = optimizerGroup)]
pub fn optimizer_group(ids: &[u32]) -> Js<u32> {
    let parts = ids.iter().map(|id| optimizer_of(*id)).collect::<Result<Vec<_>>>().js()?;
    let made = Optimizer::group(&parts.iter().map(|o| &**o).collect::<Vec<_>>()).js()?;
    Ok(OPTIMIZERS.with_borrow_mut(|t| t.add(Rc::new(made))))
}

fn optimizer_of(id: u32) -> Result<Rc<Optimizer>> {
    let gone =
        || Error::argument("optim", "an optimizer that is gone", "a live one", "keep a reference to it");
    OPTIMIZERS.with_borrow(|t| t.get(id).cloned()).ok_or_else(gone)
}

#[wasm_bindgen(js_name = optimizerStep)]
pub fn optimizer_step(id: u32) -> Js<()> {
    optimizer_of(id).js()?.step().js()?;
    sweep();
    Ok(())
}

#[wasm_bindgen(js_name = zeroGrad)]
pub fn zero_grad(id: u32) -> Js<()> {
    optimizer_of(id).js()?.zero_grad();
    Ok(())
}

#[wasm_bindgen(js_name = learningRate)]
pub fn learning_rate(id: u32) -> Js<f64> {
    Ok(optimizer_of(id).js()?.lr())
}

#[wasm_bindgen(js_name = setLearningRate)]
pub fn set_learning_rate(id: u32, lr: f64) -> Js<()> {
    optimizer_of(id).js()?.set_lr(lr);
    Ok(())
}

#[wasm_bindgen(js_name = releaseOptimizer)]
pub fn release_optimizer(id: u32) {
    let gone = OPTIMIZERS.with_borrow_mut(|t| t.remove(id));
    drop(gone);
}

/// `[names, tensors]` of everything the optimizer keeps.
#[wasm_bindgen(js_name = optimizerState)]
pub fn optimizer_state(id: u32) -> Js<Array> {
    Ok(pairs(optimizer_of(id).js()?.state_dict().js()?))
}

#[wasm_bindgen(js_name = loadOptimizerState)]
pub fn load_optimizer_state(id: u32, names: Vec<String>, ids: &[u32]) -> Js<()> {
    let dict = names.into_iter().zip(all(ids).js()?).collect();
    optimizer_of(id).js()?.load_state_dict(&dict).js()
}

/// Scales the parameters' gradients; the norm they had.
#[wasm_bindgen(js_name = clipGradNorm)]
pub fn clip_grad_norm(params: &[u32], max_norm: f64, norm_type: f64) -> Js<u32> {
    put(optim::clip_grad_norm(&all(params).js()?, max_norm, norm_type))
}

#[wasm_bindgen(js_name = clipGradValue)]
pub fn clip_grad_value(params: &[u32], limit: f64) -> Js<()> {
    optim::clip_grad_value(&all(params).js()?, limit).js()
}

/// A schedule of the optimizer's learning rates, by name with settings by name.
#[wasm_bindgen]
pub fn schedule(kind: &str, optimizer: u32, names: Vec<String>, values: &[f64]) -> Js<u32> {
    let optimizer = optimizer_of(optimizer).js()?;
    let settings = Settings::new(kind, &names, values);
    let made = match kind {
        "ReduceLROnPlateau" => Rates::Plateau(Plateau::named(&optimizer, &settings).js()?),
        _ => Rates::Schedule(Schedule::named(&optimizer, &settings).js()?),
    };
    Ok(SCHEDULES.with_borrow_mut(|t| t.add(Rc::new(made))))
}

fn schedule_of(id: u32) -> Js<Rc<Rates>> {
    let gone =
        || js(Error::argument("optim", "a schedule that is gone", "a live one", "keep a reference to it"));
    SCHEDULES.with_borrow(|t| t.get(id).cloned()).ok_or_else(gone)
}

/// `metric` counts for `ReduceLROnPlateau` alone.
#[wasm_bindgen(js_name = scheduleStep)]
pub fn schedule_step(id: u32, metric: f64) -> Js<()> {
    match &*schedule_of(id)? {
        Rates::Schedule(schedule) => schedule.step(),
        Rates::Plateau(plateau) => plateau.step(metric),
    }
    Ok(())
}

#[wasm_bindgen(js_name = scheduleState)]
pub fn schedule_state(id: u32) -> Js<Vec<f64>> {
    Ok(match &*schedule_of(id)? {
        Rates::Schedule(schedule) => schedule.state(),
        Rates::Plateau(plateau) => plateau.state(),
    })
}

#[wasm_bindgen(js_name = loadScheduleState)]
pub fn load_schedule_state(id: u32, state: &[f64]) -> Js<()> {
    match &*schedule_of(id)? {
        Rates::Schedule(schedule) => schedule.load_state(state),
        Rates::Plateau(plateau) => plateau.load_state(state),
    }
    .js()
}

#[wasm_bindgen(js_name = releaseSchedule)]
pub fn release_schedule(id: u32) {
    let gone = SCHEDULES.with_borrow_mut(|t| t.remove(id));
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
    let captured = Rc::new(tensor::finish_capture(&nodes(&args), &nodes(&results)));
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
