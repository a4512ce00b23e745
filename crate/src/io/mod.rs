//! Tensors to bytes and back, in formats others read.

#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "torch")]
mod pickle;
mod safetensors;
#[cfg(feature = "torch")]
mod torch;
#[cfg(feature = "torch")]
mod zip;

pub use self::safetensors::{Entry, Header, Notes, SafeFile, load_safetensors, save_safetensors};
#[cfg(feature = "torch")]
pub use self::torch::load_torch;
