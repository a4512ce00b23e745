//! Errors on their way to JavaScript.

use crate::Js;
use js_sys::{Array, Function};
use playgrad::{Error, Kind};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

thread_local! {
    static MAKE: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// `make(kind, op, got, expected, fix)` builds the error a failed call throws; `broken(detail)` the one thrown
/// when the engine itself is at fault.
#[wasm_bindgen]
pub fn install(make: Function, broken: Function) {
    MAKE.set(Some(make));
    // Throwing here keeps the message; an abort would leave only "unreachable executed".
    std::panic::set_hook(Box::new(move |info| {
        let detail = info.to_string();
        let error = broken.call1(&JsValue::NULL, &JsValue::from_str(&detail));
        wasm_bindgen::throw_val(error.unwrap_or_else(|failure| failure));
    }));
}

pub fn js(error: Error) -> JsValue {
    let kind = match error.kind {
        Kind::Shape => "Shape",
        Kind::DType => "DType",
        Kind::Device => "Device",
        Kind::Data => "Data",
        Kind::Argument => "Argument",
    };
    let Some(make) = MAKE.with_borrow(Clone::clone) else { return JsValue::from_str(&error.to_string()) };
    let op = camel(&error.op);
    let text = [kind, &op, &error.got, &error.expected, &error.fix];
    let arguments: Array = text.into_iter().map(JsValue::from_str).collect();
    make.apply(&JsValue::NULL, &arguments).unwrap_or_else(|failure| failure)
}

/// `max_pool2d` as JavaScript spells it.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |mut whole, part| {
        let mut letters = part.chars();
        whole.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        whole.push_str(letters.as_str());
        whole
    })
}

pub trait ToJs<T> {
    fn js(self) -> Js<T>;
}

impl<T> ToJs<T> for playgrad::Result<T> {
    fn js(self) -> Js<T> {
        self.map_err(js)
    }
}
