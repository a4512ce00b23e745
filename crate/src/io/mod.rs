//! Tensors to bytes and back, in formats others read.

mod safetensors;

pub use self::safetensors::{load_safetensors, save_safetensors};
