//! playgrad: a small deep-learning engine.
//!
//! The modules in the order data flows through them:

pub mod error;
/// What users call: methods that compose primitives.
pub mod tensor;
/// The public methods by name: one table for every language.
pub mod methods;
/// Op, sources, shape, dtype: immutable, hash-consed nodes.
pub mod graph;
/// Gradients, graph to graph.
pub mod grad;
/// Which nodes share a kernel, in which order, in which memory; runs the plan.
pub mod schedule;
/// Ranges, index expressions, value expressions: what one launch computes.
pub mod kernel;
/// Kernels as text or bytes for a target: WGSL, WebAssembly.
pub mod render;
/// Devices: allocate, copy, compile, launch.
pub mod runtime;
/// Layers.
pub mod nn;
/// Optimizers, schedules, clipping.
pub mod optim;
/// Data sets.
pub mod data;
/// Files of tensors.
pub mod io;
/// minGPT, Mamba, and the models of the command line and the work counts.
pub mod models;
pub mod minitf;
pub mod micrograd;
pub mod cartpole;

/// What `DEBUG=n` prints.
pub mod debug;

pub use error::{Error, Kind, Result};
pub use grad::grad;
pub use graph::DType;
pub use tensor::{Tensor, manual_seed, no_grad};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
