//! Where emitted WebAssembly runs: whoever started the engine puts modules into its memory and function table.

use crate::error::Result;
use std::{cell::RefCell, rc::Rc};

pub trait Host {
    /// Whether modules may use relaxed SIMD (fused multiply-add).
    fn relaxed_simd(&self) -> bool;
    /// Instantiates a module that imports the engine's memory as `env.memory` and exports functions named
    /// `0`, `1`, …; the addresses at which the engine may call them.
    ///
    /// # Errors
    /// `Device` with the host's message when it refuses the module.
    fn load(&self, module: &[u8], functions: usize) -> Result<Vec<usize>>;
    /// A clock, in milliseconds.
    fn now(&self) -> f64;
    /// Makes the addresses free for other functions.
    fn unload(&self, functions: &[usize]);
}

thread_local! {
    static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
}

pub fn install_host(host: Rc<dyn Host>) {
    HOST.set(Some(host));
}

pub fn host() -> Option<Rc<dyn Host>> {
    HOST.with_borrow(Clone::clone)
}
