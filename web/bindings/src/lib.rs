//! The engine as flat functions over a table of handles: the only wasm-bindgen code.
//!
//! JavaScript holds numbers; `web/package` wraps them in classes. A number names a tensor until `release`.
//! 0 is no tensor. Mistakes become JavaScript errors made by the function given to `install`.

pub mod autodiff;
pub mod call;
pub mod cost;
pub mod custom;
pub mod data;
pub mod devices;
pub mod error;
pub mod host;
pub mod io;
pub mod layers;
pub mod pool;
pub mod read;
pub mod table;
pub mod tensor;
pub mod train;

type Js<T> = Result<T, wasm_bindgen::JsValue>;
