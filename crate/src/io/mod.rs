//! Tensors to bytes and back, in formats others read.

#[cfg(feature = "onnx")]
pub mod onnx;
mod pickle;
mod safetensors;
mod torch;
mod zip;

pub use self::{
    safetensors::{Entry, Header, Notes, SafeFile, load_safetensors, save_safetensors},
    torch::load_torch,
};
