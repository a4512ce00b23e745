//! Takes graph nodes; gives a plan: which nodes share a kernel, their order, their memory. Runs it.
//!
//! `blocks` → `rewrite` → `fuse` → `lower` (in `kernel`) → `order`, `bundle` and memory (in `plan`) → compile; a structural hash of the
//! graph finds the plan again, so that a plain training loop pays for graph building and one look-up.

mod blocks;
mod bundle;
pub mod capture;
pub mod fuse;
mod plan;
pub mod rewrite;
mod run;

pub use plan::{Place, Plan, Step, Work};
#[cfg(not(target_family = "wasm"))]
pub use run::sum;
pub use run::{Stats, ZONE, checked, realize, stats};
