//! The CPU device's threads in a page: workers with the engine's memory and a function table of their own.
//! A worker needs nothing of the engine but `poolHelp` and `poolFailed`, called in a loop.

use js_sys::Array;
use wasm_bindgen::prelude::*;

/// The engine's module and memory, for workers to start from; nothing where the memory cannot be shared.
#[wasm_bindgen(js_name = poolParts)]
pub fn pool_parts() -> Option<Array> {
    #[cfg(target_feature = "atomics")]
    return Some(Array::of2(&wasm_bindgen::module(), &wasm_bindgen::memory()));
    #[cfg(not(target_feature = "atomics"))]
    None
}

#[cfg(not(target_feature = "atomics"))]
mod modules {
    pub fn loaded(_: &[u8], _: &[usize]) {}
    pub fn unloaded(_: &[usize]) {}
}

/// Emitted modules, which every thread must have at the same places of its table before it runs a job.
#[cfg(target_feature = "atomics")]
mod modules {
    use playgrad::runtime::cpu::pool;
    use std::{
        cell::{Cell, RefCell},
        sync::{
            Arc, Mutex, PoisonError,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
    };

    static LOADED: Mutex<Vec<Arc<Loaded>>> = Mutex::new(Vec::new());
    static LATEST: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        static JOINED: Cell<bool> = const { Cell::new(false) };
        static SEEN: Cell<usize> = const { Cell::new(0) };
        static NOW: RefCell<Option<Arc<Loaded>>> = const { RefCell::new(None) };
        static ORDER: Cell<[usize; 4]> = const { Cell::new([0; 4]) };
    }

    struct Loaded {
        version: usize,
        module: Vec<u8>,
        places: Vec<usize>,
        unloaded: AtomicUsize,
    }

    /// Known before any job can call it: jobs and loading belong to the same thread.
    pub fn loaded(module: &[u8], places: &[usize]) {
        let version = LATEST.load(SeqCst) + 1;
        let (module, places) = (module.to_vec(), places.to_vec());
        let loaded = Loaded { version, module, places, unloaded: AtomicUsize::new(0) };
        LOADED.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(loaded));
        LATEST.store(version, SeqCst);
    }

    /// A module goes with the last of its functions.
    pub fn unloaded(places: &[usize]) {
        let mut all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        for place in places {
            // A place is used again only after its last holder gave it up.
            if let Some(holder) = all.iter().rev().find(|l| l.places.contains(place)) {
                holder.unloaded.fetch_add(1, SeqCst);
            }
        }
        all.retain(|l| l.unloaded.load(SeqCst) < l.places.len());
    }

    /// Works on jobs until there is a module to load: where its bytes are, their number, where the places for its
    /// functions are, their number.
    #[unsafe(no_mangle)]
    pub extern "C" fn poolHelp() -> *const usize {
        if !JOINED.replace(true) {
            pool::join();
        }
        loop {
            let latest = LATEST.load(SeqCst);
            let next = {
                let all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
                all.iter().find(|l| l.version > SEEN.get()).cloned()
            };
            let Some(next) = next else {
                SEEN.set(latest);
                pool::help(&|| LATEST.load(SeqCst) != latest);
                continue;
            };
            SEEN.set(next.version);
            let (module, places) = (&next.module, &next.places);
            ORDER.set([module.as_ptr() as usize, module.len(), places.as_ptr() as usize, places.len()]);
            NOW.set(Some(next));
            return ORDER.with(|order| order.as_ptr().cast_const().cast());
        }
    }

    /// To be called where `poolHelp` trapped, or its module did not load; whether the thread may go on.
    #[unsafe(no_mangle)]
    pub extern "C" fn poolFailed() -> bool {
        pool::failed()
    }
}

pub(crate) use modules::{loaded, unloaded};
