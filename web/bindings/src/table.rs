//! Numbers for things JavaScript holds.

use crate::{Js, error::ToJs};
use playgrad::{Error, Result, tensor::Tensor};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

pub struct Table<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Table<T> {
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Numbers start at 1.
    pub fn add(&mut self, value: T) -> u32 {
        if let Some(id) = self.free.pop() {
            self.slots[id as usize - 1] = Some(value);
            return id;
        }
        self.slots.push(Some(value));
        self.slots.len() as u32
    }

    pub fn get(&self, id: u32) -> Option<&T> {
        self.slots.get((id as usize).wrapping_sub(1))?.as_ref()
    }

    pub fn remove(&mut self, id: u32) -> Option<T> {
        let value = self.slots.get_mut((id as usize).wrapping_sub(1))?.take()?;
        self.free.push(id);
        Some(value)
    }
}

thread_local! {
    static TENSORS: RefCell<Table<Tensor>> = const { RefCell::new(Table::new()) };
}

pub fn add(tensor: Tensor) -> u32 {
    TENSORS.with_borrow_mut(|t| t.add(tensor))
}

pub fn get(id: u32) -> Result<Tensor> {
    TENSORS.with_borrow(|t| t.get(id).cloned()).ok_or_else(|| {
        Error::argument("tensor", "a tensor that was given back", "a live one", "keep a reference to it")
    })
}

pub fn optional(id: u32) -> Result<Option<Tensor>> {
    if id == 0 { Ok(None) } else { get(id).map(Some) }
}

pub fn all(ids: &[u32]) -> Result<Vec<Tensor>> {
    ids.iter().map(|id| get(*id)).collect()
}

pub fn put(tensor: Result<Tensor>) -> Js<u32> {
    tensor.map(add).js()
}

pub fn put_all(tensors: Result<Vec<Tensor>>) -> Js<Vec<u32>> {
    tensors.map(|list| list.into_iter().map(add).collect()).js()
}

/// Gives handles back.
#[wasm_bindgen]
pub fn release(ids: &[u32]) {
    // Dropped after the borrow ends: a tensor's drop may run anything.
    let gone: Vec<_> = TENSORS.with_borrow_mut(|t| ids.iter().map(|id| t.remove(*id)).collect());
    drop(gone);
}
