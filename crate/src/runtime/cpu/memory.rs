//! The CPU device's buffers: aligned blocks, kept for reuse by size.

use crate::runtime::{BufferId, Region};
use rustc_hash::FxHashMap;
use std::alloc::{Layout, alloc, dealloc};

const ALIGN: usize = 64;
/// Freed blocks kept for the next buffer of their size, in bytes altogether.
const KEEP: usize = if cfg!(target_pointer_width = "32") { 64 << 20 } else { 1 << 30 };

#[derive(Default)]
pub struct Memory {
    live: FxHashMap<u64, Block>,
    free: FxHashMap<usize, Vec<Block>>,
    kept: usize,
    bytes: usize,
    peak: usize,
    next: u64,
}

struct Block {
    pointer: *mut u8,
    layout: Layout,
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, dropped once.
        unsafe { dealloc(self.pointer, self.layout) }
    }
}

impl Memory {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn peak_bytes(&self) -> usize {
        self.peak
    }

    pub fn alloc(&mut self, bytes: usize) -> Option<BufferId> {
        let size = bytes.max(1).checked_next_multiple_of(ALIGN)?;
        let block = match self.free.get_mut(&size).and_then(Vec::pop) {
            Some(block) => {
                self.kept -= size;
                block
            }
            None => {
                let layout = Layout::from_size_align(size, ALIGN).ok()?;
                // SAFETY: the size is not zero.
                let pointer = unsafe { alloc(layout) };
                if pointer.is_null() {
                    return None;
                }
                Block { pointer, layout }
            }
        };
        self.bytes += size;
        self.peak = self.peak.max(self.bytes);
        self.next += 1;
        self.live.insert(self.next, block);
        Some(BufferId(self.next))
    }

    pub fn free(&mut self, id: BufferId) {
        let Some(block) = self.live.remove(&id.0) else { return };
        let size = block.layout.size();
        self.bytes -= size;
        if self.kept + size > KEEP && !cfg!(target_pointer_width = "32") {
            // What was kept may be of sizes that nobody wants any more.
            self.free.clear();
            self.kept = 0;
        }
        if self.kept + size <= KEEP {
            self.kept += size;
            self.free.entry(size).or_default().push(block);
        }
    }

    /// Where a region starts; valid until its buffer is freed.
    pub fn pointer(&self, region: Region) -> *mut u8 {
        let block = self.live.get(&region.buffer.0).expect("a region names a live buffer");
        assert!(region.offset + region.bytes <= block.layout.size(), "a region lies inside its buffer");
        // SAFETY: just checked to lie inside the block.
        unsafe { block.pointer.add(region.offset) }
    }

    pub fn slice(&self, region: Region) -> &[u8] {
        // SAFETY: `pointer` checks the bounds; the block lives as long as `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.pointer(region), region.bytes) }
    }

    pub fn slice_mut(&mut self, region: Region) -> &mut [u8] {
        // SAFETY: as in `slice`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(region), region.bytes) }
    }
}
