//! Numbers for things JavaScript holds.

use crate::{Js, error::ToJs};
use playgrad::{
    Error, Result,
    graph::{Node, live_nodes, topo},
    tensor::Tensor,
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};
use wasm_bindgen::prelude::*;

pub(crate) struct Table<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Numbers start at 1.
    pub(crate) fn add(&mut self, value: T) -> u32 {
        if let Some(id) = self.free.pop() {
            self.slots[id as usize - 1] = Some(value);
            return id;
        }
        self.slots.push(Some(value));
        self.slots.len() as u32
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.slots.get((id as usize).wrapping_sub(1))?.as_ref()
    }

    pub(crate) fn remove(&mut self, id: u32) -> Option<T> {
        let value = self.slots.get_mut((id as usize).wrapping_sub(1))?.take()?;
        self.free.push(id);
        Some(value)
    }
}

enum Entry {
    Live(Tensor),
    /// Can no longer be computed, and why.
    Expired(&'static str),
}

thread_local! {
    static TENSORS: RefCell<Table<Entry>> = const { RefCell::new(Table::new()) };
    static SWEEP_AT: Cell<usize> = const { Cell::new(MIN_NODES) };
}

/// Graphs smaller than this are not worth a sweep.
const MIN_NODES: usize = 20_000;

pub(crate) fn add(tensor: Tensor) -> u32 {
    TENSORS.with_borrow_mut(|t| t.add(Entry::Live(tensor)))
}

pub(crate) fn get(id: u32) -> Result<Tensor> {
    TENSORS
        .with_borrow(|t| match t.get(id) {
            Some(Entry::Live(tensor)) => Ok(tensor.clone()),
            Some(Entry::Expired(why)) => Err(("a tensor of an earlier step", *why)),
            None => Err(("a tensor that was given back", "keep a reference to it")),
        })
        .map_err(|(got, fix)| Error::argument("tensor", got, "one that can still be computed", fix))
}

/// A loop that never waits lets no JavaScript handle die. After each step the graphs of those that hang on weights
/// already given back are dropped: nothing could compute them any more.
pub(crate) fn sweep() {
    if live_nodes() < SWEEP_AT.get() {
        return;
    }
    let nodes: Vec<(usize, Node)> = TENSORS.with_borrow(|t| {
        let live = |(i, slot): (usize, &Option<Entry>)| match slot {
            Some(Entry::Live(tensor)) => Some((i, tensor.node())),
            Some(Entry::Expired(_)) | None => None,
        };
        t.slots.iter().enumerate().filter_map(live).collect()
    });
    let mut stale: HashMap<u64, &'static str> = HashMap::new();
    for node in topo(&nodes.iter().map(|(_, n)| n.clone()).collect::<Vec<_>>()) {
        let released = node.as_leaf().and_then(|leaf| leaf.released.get());
        let below = || node.src.iter().find_map(|s| stale.get(&s.id).copied());
        if !node.is_realized()
            && let Some(why) = released.or_else(below)
        {
            stale.insert(node.id, why);
        }
    }
    let mut gone = Vec::new();
    TENSORS.with_borrow_mut(|t| {
        for (slot, node) in &nodes {
            if let Some(why) = stale.get(&node.id) {
                gone.push(t.slots[*slot].replace(Entry::Expired(why)));
            }
        }
    });
    drop((gone, nodes));
    SWEEP_AT.set(MIN_NODES.max(2 * live_nodes()));
}

pub(crate) fn optional(id: u32) -> Result<Option<Tensor>> {
    if id == 0 { Ok(None) } else { get(id).map(Some) }
}

pub(crate) fn all(ids: &[u32]) -> Result<Vec<Tensor>> {
    ids.iter().map(|id| get(*id)).collect()
}

pub(crate) fn put(tensor: Result<Tensor>) -> Js<u32> {
    tensor.map(add).js()
}

pub(crate) fn put_all(tensors: Result<Vec<Tensor>>) -> Js<Vec<u32>> {
    tensors.map(|list| list.into_iter().map(add).collect()).js()
}

/// Another handle of the same tensor, for another owner.
#[wasm_bindgen]
pub fn alias(x: u32) -> Js<u32> {
    put(get(x))
}

/// Gives handles back.
#[wasm_bindgen]
pub fn release(ids: &[u32]) {
    // Dropped after the borrow ends: a tensor's drop may run anything.
    let gone: Vec<_> = TENSORS.with_borrow_mut(|t| ids.iter().map(|id| t.remove(*id)).collect());
    drop(gone);
}
