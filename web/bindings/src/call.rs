//! Methods of the table by their place in it. Arguments and results cross in a buffer of numbers that JavaScript
//! sees as part of the engine's memory, so that a call decodes no JavaScript value.

use crate::{
    Js,
    error::ToJs,
    read::begin,
    table::{add, get},
};
use js_sys::Uint32Array;
use playgrad::{
    Result,
    methods::{self, Given, METHODS, Outcome, Value},
};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

/// What the numbers that follow mean.
mod tag {
    /// An argument left out: nothing follows.
    pub const LEFT_OUT: u32 = 0;
    pub const NONE: u32 = 1;
    /// 0 or 1.
    pub const BOOL: u32 = 2;
    pub const NUMBER: u32 = 3;
    /// A handle.
    pub const TENSOR: u32 = 4;
    /// How many, then UTF-16 code units.
    pub const TEXT: u32 = 5;
    /// How many, then the items with their tags.
    pub const LIST: u32 = 6;
    /// The place of a parameter, then its value with its tag.
    pub const NAMED: u32 = 7;
    /// A number that is no integer even where it is whole: Python tells 2.0 from 2.
    pub const FLOAT: u32 = 8;
}

thread_local! {
    static BUFFER: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for so many numbers and tells where they are.
#[wasm_bindgen]
pub fn buffer(room: usize) -> *const f64 {
    BUFFER.with_borrow_mut(|b| {
        if b.len() < room {
            b.resize(room, 0.0);
        }
        b.as_ptr()
    })
}

/// Tells whether JavaScript was made from the same table.
#[wasm_bindgen(js_name = methodsChecksum)]
pub fn methods_checksum() -> u32 {
    methods::CHECKSUM
}

/// Calls a method on tensor `this` (0 for a method of the class) with what the first `count` numbers of the buffer
/// say. Gives a tensor's handle, or 0 and any other value in the buffer.
#[wasm_bindgen]
pub fn call(method: usize, this: u32, count: usize) -> Js<u32> {
    match invoke(method, this, count).js()? {
        Outcome::Tensor(tensor) => Ok(add(tensor)),
        Outcome::Value(value) => {
            BUFFER.with_borrow_mut(|b| {
                let room = b.len();
                b.clear();
                write(b, value);
                b.resize(room.max(b.len()), 0.0);
            });
            Ok(0)
        }
        Outcome::Later(_) => unreachable!("JavaScript asks for it with callLater"),
    }
}

/// Calls a method that has to wait: a handle or handles, or a promise of that.
#[wasm_bindgen(js_name = callLater)]
pub fn call_later(method: usize, this: u32, count: usize) -> Js<JsValue> {
    let outcome = invoke(method, this, count).js()?;
    begin(async move {
        Ok(match outcome {
            Outcome::Tensor(tensor) => handles(Value::Tensor(tensor)),
            Outcome::Value(value) => handles(value),
            Outcome::Later(later) => handles(later.await?),
        })
    })
}

fn handles(value: Value) -> JsValue {
    match value {
        Value::Tensor(tensor) => add(tensor).into(),
        Value::List(list) => {
            let ids: Vec<u32> = list
                .into_iter()
                .filter_map(|v| if let Value::Tensor(t) = v { Some(add(t)) } else { None })
                .collect();
            Uint32Array::from(ids.as_slice()).into()
        }
        _ => JsValue::NULL,
    }
}

fn invoke(method: usize, this: u32, count: usize) -> Result<Outcome> {
    let this = if this == 0 { None } else { Some(get(this)?) };
    let (mut given, mut named) = (Given::new(), Vec::new());
    BUFFER.with_borrow(|buffer| {
        let mut rest = Reader(&buffer[..count]);
        while let Some(tag) = rest.next() {
            match tag as u32 {
                tag::LEFT_OUT => given.push(None),
                tag::NAMED => named.push((rest.count(), rest.value()?)),
                tag => given.push(Some(rest.tagged(tag)?)),
            }
        }
        Ok(())
    })?;
    METHODS[method].call(this, given, named)
}

struct Reader<'a>(&'a [f64]);

impl Reader<'_> {
    fn next(&mut self) -> Option<f64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn count(&mut self) -> usize {
        self.next().unwrap_or(0.0) as usize
    }

    fn value(&mut self) -> Result<Value> {
        let tag = self.count() as u32;
        self.tagged(tag)
    }

    fn tagged(&mut self, tag: u32) -> Result<Value> {
        Ok(match tag {
            tag::BOOL => Value::Bool(self.count() != 0),
            tag::NUMBER => number(self.next().unwrap_or(0.0)),
            tag::FLOAT => Value::Float(self.next().unwrap_or(0.0)),
            tag::TENSOR => Value::Tensor(get(self.count() as u32)?),
            tag::TEXT => {
                let count = self.count();
                let units: Vec<u16> = self.0[..count].iter().map(|unit| *unit as u16).collect();
                self.0 = &self.0[count..];
                Value::Str(String::from_utf16_lossy(&units))
            }
            tag::LIST => Value::List((0..self.count()).map(|_| self.value()).collect::<Result<_>>()?),
            _ => Value::None,
        })
    }
}

/// A JavaScript number: whole ones take an integer tensor's dtype.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= 9e15 { Value::Int(value as i64) } else { Value::Float(value) }
}

fn write(to: &mut Vec<f64>, value: Value) {
    let mut put = |tag: u32, number: f64| to.extend([f64::from(tag), number]);
    match value {
        Value::None => to.push(f64::from(tag::NONE)),
        Value::Bool(v) => put(tag::BOOL, f64::from(u8::from(v))),
        Value::Int(v) => put(tag::NUMBER, v as f64),
        Value::Float(v) => put(tag::NUMBER, v),
        Value::Tensor(tensor) => put(tag::TENSOR, f64::from(add(tensor))),
        Value::Str(text) => {
            put(tag::TEXT, text.encode_utf16().count() as f64);
            to.extend(text.encode_utf16().map(f64::from));
        }
        Value::DType(dtype) => write(to, dtype.name().into()),
        Value::List(list) => {
            put(tag::LIST, list.len() as f64);
            list.into_iter().for_each(|item| write(to, item));
        }
    }
}
