//! Errors on their way to JavaScript.

use crate::Js;
use js_sys::{Array, Function};
use playgrad::{Error, Kind, runtime::cpu::pool};
use std::{cell::RefCell, sync::Mutex};
use wasm_bindgen::prelude::*;

thread_local! {
    static MAKE: RefCell<Option<Function>> = const { RefCell::new(None) };
    static THROWN: RefCell<Option<JsValue>> = const { RefCell::new(None) };
}

/// The first panic since it was last asked for, on whichever thread.
static FAULT: Mutex<Option<String>> = Mutex::new(None);

/// Starts the engine. `make(kind, op, got, expected, fix, text?, line?, column?)` builds the error a failed call
/// throws.
#[wasm_bindgen]
pub fn install(make: Function) {
    MAKE.set(Some(make));
    crate::host::install();
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut fault) = FAULT.lock() {
            fault.get_or_insert_with(|| info.to_string());
        }
    }));
}

/// What the engine was at fault with when it last stopped with "unreachable".
#[wasm_bindgen(js_name = takeFault)]
pub fn take_fault() -> Option<String> {
    pool::settle();
    FAULT.lock().ok()?.take()
}

const CALLBACK: &str = "callback";

/// What a function of JavaScript threw, on its way through the engine; it leaves as what it was.
pub fn thrown(value: JsValue) -> Error {
    THROWN.set(Some(value));
    Error::argument(CALLBACK, "an exception", "a function that returns", "")
}

pub fn js(error: Error) -> JsValue {
    if error.op == CALLBACK
        && let Some(value) = THROWN.take()
    {
        return value;
    }
    let kind = match error.kind {
        Kind::Shape => "Shape",
        Kind::DType => "DType",
        Kind::Device => "Device",
        Kind::Data => "Data",
        Kind::Argument => "Argument",
        Kind::Kernel => "Kernel",
    };
    let Some(make) = MAKE.with_borrow(Clone::clone) else { return JsValue::from_str(&error.to_string()) };
    let op = camel(&error.op);
    let text = [kind, &op, &error.got, &error.expected, &error.fix];
    let arguments: Array = text.into_iter().map(JsValue::from_str).collect();
    if let Some(place) = &error.place {
        arguments.push(&place.text.as_str().into());
        arguments.push(&place.line.into());
        arguments.push(&place.column.into());
    }
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
