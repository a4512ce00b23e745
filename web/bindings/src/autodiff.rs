//! Derivatives of functions of JavaScript, which take handles and give them. Nothing is borrowed while one runs.

use crate::{
    Js,
    error::{ToJs, thrown},
    read::begin,
    table::{add, all, get, optional, put, put_all},
};
use js_sys::{Function, Uint32Array};
use playgrad::{
    Result,
    graph::DType,
    tensor::{self, GradCheck, Tensor},
};
use wasm_bindgen::prelude::*;

fn handles(tensors: &[Tensor]) -> JsValue {
    let ids: Vec<u32> = tensors.iter().cloned().map(add).collect();
    Uint32Array::from(ids.as_slice()).into()
}

/// A function from a list of handles to a handle.
fn callback(f: &Function) -> impl Fn(&[Tensor]) -> Result<Tensor> {
    move |inputs| {
        let made = f.call1(&JsValue::NULL, &handles(inputs)).map_err(thrown)?;
        get(made.as_f64().unwrap_or(0.0) as u32)
    }
}

/// `f(inputs)`, and what `vjp`, `jvp` or `hvp` makes of it with `directions`.
#[wasm_bindgen]
pub fn differentiate(op: &str, f: &Function, inputs: &[u32], directions: &[u32]) -> Js<Vec<u32>> {
    let (inputs, directions) = (all(inputs).js()?, all(directions).js()?);
    let (x, v) = (inputs.iter().collect::<Vec<_>>(), directions.iter().collect::<Vec<_>>());
    let (y, made) = match op {
        "jvp" => tensor::jvp(callback(f), &x, &v).map(|(y, along)| (y, vec![along])),
        "hvp" => tensor::hvp(callback(f), &x, &v),
        _ => tensor::vjp(callback(f), &x, v.first().copied()),
    }
    .js()?;
    put_all(Ok([vec![y], made].concat()))
}

/// A value computed from `inputs`, computed again from them where gradients need what lies between.
#[wasm_bindgen]
pub fn checkpointed(value: u32, inputs: &[u32]) -> Js<u32> {
    let inputs = all(inputs).js()?;
    put(tensor::checkpointed(&get(value).js()?, &inputs.iter().collect::<Vec<_>>()))
}

/// `backward` takes the gradient of the output, the output and a list of the inputs, and gives a list of gradients,
/// 0 where there is none.
#[wasm_bindgen(js_name = customGrad)]
pub fn custom_grad(output: u32, inputs: &[u32], backward: Function) -> Js<u32> {
    let inputs = all(inputs).js()?;
    let rule = move |g: &Tensor, y: &Tensor, x: &[Tensor]| {
        let [g, y] = [g, y].map(|t| add(t.clone()).into());
        let made = backward.call3(&JsValue::NULL, &g, &y, &handles(x)).map_err(thrown)?;
        Uint32Array::new(&made).to_vec().into_iter().map(optional).collect()
    };
    put(get(output).js()?.custom_grad(&inputs.iter().collect::<Vec<_>>(), rule))
}

/// `[input, element, gradient, by differences]` of the worst element, or a promise of that. What is not told follows
/// from the dtype.
#[wasm_bindgen]
pub fn gradcheck(
    f: Function,
    inputs: &[u32],
    eps: Option<f64>,
    atol: Option<f64>,
    rtol: Option<f64>,
) -> Js<JsValue> {
    let inputs = all(inputs).js()?;
    let preset = GradCheck::of(inputs.first().map_or(DType::F32, Tensor::dtype));
    let options = GradCheck {
        eps: eps.unwrap_or(preset.eps),
        atol: atol.unwrap_or(preset.atol),
        rtol: rtol.unwrap_or(preset.rtol),
    };
    begin(async move {
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let worst = tensor::gradcheck(callback(&f), &inputs, Some(options)).await?;
        Ok(vec![worst.input as f64, worst.element as f64, worst.gradient, worst.by_differences])
    })
}
