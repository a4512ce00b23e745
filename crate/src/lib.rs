//! playgrad: a small deep-learning engine.
//!
//! The modules in the order data flows through them:

/// Data sets.
pub mod data;
pub mod error;
/// Op, sources, shape, dtype: immutable, hash-consed nodes.
pub mod graph;
/// Ranges, index expressions, value expressions: what one launch computes.
pub mod kernel;
/// Devices: allocate, copy, compile, launch.
pub mod runtime;
/// Which nodes share a kernel, in which order, in which memory; runs the plan.
pub mod schedule;

pub use error::{Error, Kind, Result};
