//! The engine as flat functions over a table of handles: the only wasm-bindgen code.
//!
//! JavaScript holds numbers; `web/package` wraps them in classes. A number names a tensor until `release`.
//! 0 is no tensor. Mistakes become JavaScript errors made by the function given to `install`.

mod data;
mod devices;
mod error;
mod io;
mod neural;
mod ops;
mod read;
mod table;
mod tensor;
mod train;

type Js<T> = Result<T, wasm_bindgen::JsValue>;
