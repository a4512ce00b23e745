//! Kernels as emitted functions in the host's function table: one per kernel, shared by all programs that run it.

use super::host::{Host, host};
use crate::{
    kernel::Kernel,
    render::wasm::{self, Rows, rows},
};
use rustc_hash::FxHashMap;
use std::rc::{Rc, Weak};

/// A function in the host's table; leaves it when the last program that runs it is gone.
pub struct Loaded {
    host: Rc<dyn Host>,
    place: usize,
    pub units: usize,
}

impl Drop for Loaded {
    fn drop(&mut self) {
        self.host.unload(&[self.place]);
    }
}

/// `fn(args, from, to)`, as [`rows`] says.
pub type Function = extern "C" fn(*const *mut u8, u32, u32);

impl Loaded {
    pub fn function(&self) -> Function {
        // SAFETY: the host put a function of this type there, and it stays until `self` is dropped.
        unsafe { std::mem::transmute::<usize, Function>(self.place) }
    }
}

#[derive(Default)]
pub struct Emitter {
    loaded: FxHashMap<Rc<Kernel>, Weak<Loaded>>,
    refused: Option<String>,
}

impl Emitter {
    /// Why kernels are interpreted although there is a host.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    pub fn find(&self, kernel: &Rc<Kernel>) -> Option<Rc<Loaded>> {
        self.loaded.get(kernel)?.upgrade()
    }

    /// Loads what `kernels` lack, in one module, to be found as long as the result lives; after a failure all
    /// kernels stay interpreted.
    #[must_use]
    pub fn load(&mut self, kernels: &[Rc<Kernel>]) -> Vec<Rc<Loaded>> {
        let Some(host) = host().filter(|_| self.refused.is_none()) else { return Vec::new() };
        self.loaded.retain(|_, function| function.strong_count() > 0);
        let mut fresh: Vec<(Rc<Kernel>, u32)> = Vec::new();
        let mut functions = Vec::new();
        for kernel in kernels {
            if self.loaded.contains_key(kernel) || fresh.iter().any(|(k, _)| k == kernel) {
                continue;
            }
            if let Some(Rows { units, function }) = wasm::rows(kernel) {
                fresh.push((kernel.clone(), units));
                functions.push((rows::PARAMS, function));
            }
        }
        if fresh.is_empty() {
            return Vec::new();
        }
        let places = match host.load(&wasm::module(&functions), functions.len()) {
            Ok(places) => places,
            Err(e) => {
                self.refused = Some(e.to_string());
                return Vec::new();
            }
        };
        let mut keep = |((kernel, units), place): ((Rc<Kernel>, u32), usize)| {
            let loaded = Rc::new(Loaded { host: host.clone(), place, units: units as usize });
            self.loaded.insert(kernel, Rc::downgrade(&loaded));
            loaded
        };
        fresh.into_iter().zip(places).map(&mut keep).collect()
    }
}
