//! Reading values, the only thing that waits.

use crate::{
    Js,
    error::{ToJs, js},
    table::get,
};
use js_sys::{
    BigInt64Array, Float32Array, Float64Array, Int8Array, Int32Array, Uint8Array, Uint16Array, Uint32Array,
};
use playgrad::{Result, tensor::Data};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// Starts the work at once, whatever the caller does before it awaits; what is ready needs no promise.
pub fn begin<T: Into<JsValue> + 'static>(future: impl Future<Output = Result<T>> + 'static) -> Js<JsValue> {
    let mut future: Pin<Box<dyn Future<Output = Result<T>>>> = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value.map(Into::into).js(),
        Poll::Pending => {
            let rest = async move { future.await.map(Into::into).map_err(js) };
            Ok(future_to_promise(rest).into())
        }
    }
}

/// The values as a typed array, or a promise of one; booleans as bytes, 16-bit floats as their bits.
#[wasm_bindgen]
pub fn read(x: u32) -> Js<JsValue> {
    let x = get(x).js()?;
    begin(async move { x.data().await.map(array) })
}

fn array(data: Data) -> JsValue {
    match &data {
        Data::Bool(_) => Uint8Array::from(&*data.to_bytes()).into(),
        Data::I8(v) => Int8Array::from(v.as_slice()).into(),
        Data::U8(v) => Uint8Array::from(v.as_slice()).into(),
        Data::I32(v) => Int32Array::from(v.as_slice()).into(),
        Data::U32(v) => Uint32Array::from(v.as_slice()).into(),
        Data::I64(v) => BigInt64Array::from(v.as_slice()).into(),
        Data::F16(_) | Data::BF16(_) => {
            Uint16Array::new(&Uint8Array::from(&*data.to_bytes()).buffer()).into()
        }
        Data::F32(v) => Float32Array::from(v.as_slice()).into(),
        Data::F64(v) => Float64Array::from(v.as_slice()).into(),
    }
}

/// The values as NumPy prints them, or a promise of that.
#[wasm_bindgen(js_name = toText)]
pub fn to_text(x: u32) -> Js<JsValue> {
    let x = get(x).js()?;
    begin(async move { x.to_text().await })
}
