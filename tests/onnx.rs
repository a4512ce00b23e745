//! ONNX import: models encoded here, damaged ones, and the `onnx` package's own node tests where they are at hand.
#![cfg(feature = "onnx")]

#[path = "onnx/build.rs"]
mod build;
#[path = "onnx/damaged.rs"]
mod damaged;
#[path = "onnx/export.rs"]
mod export;
#[path = "onnx/models.rs"]
mod models;
#[path = "onnx/narrow.rs"]
mod narrow;
#[path = "onnx/nodes.rs"]
mod nodes;
#[path = "onnx/trace.rs"]
mod trace;
