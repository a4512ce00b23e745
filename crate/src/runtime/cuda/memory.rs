//! Device memory that is kept when it is freed: the next tensor of about that size has it again.

use super::driver::{Gpu, failed};
use crate::{
    error::{Error, Result},
    runtime::BufferId,
};
use cudarc::driver::sys::CUdeviceptr;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Sizes are multiples of this.
const GRAIN: usize = 512;

#[derive(Clone, Copy)]
struct Block {
    at: CUdeviceptr,
    /// As asked for, and as taken.
    bytes: usize,
    taken: usize,
}

#[derive(Default)]
pub struct Memory {
    live: FxHashMap<u64, Block>,
    /// Free blocks by size.
    spare: BTreeMap<usize, Vec<CUdeviceptr>>,
    next: u64,
}

impl Memory {
    /// A buffer, and whether the driver was asked for it.
    pub fn alloc(&mut self, gpu: &Gpu, bytes: usize) -> Result<(BufferId, bool)> {
        let wanted = bytes.max(1).next_multiple_of(GRAIN);
        let known = self.reuse(wanted);
        let asked = known.is_none();
        let (at, taken) = match known {
            Some(block) => block,
            None => (self.ask(gpu, wanted)?, wanted),
        };
        self.next += 1;
        self.live.insert(self.next, Block { at, bytes, taken });
        Ok((BufferId(self.next), asked))
    }

    /// A free block of that size, or little larger.
    fn reuse(&mut self, wanted: usize) -> Option<(CUdeviceptr, usize)> {
        let (taken, blocks) = self.spare.range_mut(wanted..=wanted + wanted / 8).next()?;
        let (at, taken) = (blocks.pop().expect("sizes without blocks are removed"), *taken);
        if blocks.is_empty() {
            self.spare.remove(&taken);
        }
        Some((at, taken))
    }

    fn ask(&mut self, gpu: &Gpu, wanted: usize) -> Result<CUdeviceptr> {
        gpu.alloc(wanted).or_else(|_| {
            self.release(gpu);
            gpu.alloc(wanted).map_err(|e| {
                let held: usize = self.live.values().map(|b| b.taken).sum();
                Error::device(
                    "alloc",
                    format!("{wanted} bytes beside {held} in use ({})", failed("alloc")(e).got),
                    format!("less than the {} bytes of {}", gpu.bytes, gpu.name),
                    "use a smaller batch, or drop tensors before",
                )
            })
        })
    }

    /// Gives back what is free.
    pub fn release(&mut self, gpu: &Gpu) {
        std::mem::take(&mut self.spare).into_values().flatten().for_each(|at| gpu.free(at));
    }

    /// The bytes that were asked for.
    pub fn free(&mut self, buffer: BufferId) -> usize {
        let Some(block) = self.live.remove(&buffer.0) else { return 0 };
        self.spare.entry(block.taken).or_default().push(block.at);
        block.bytes
    }

    pub fn place(&self, buffer: BufferId) -> Result<CUdeviceptr> {
        let gone =
            || Error::device("run", "a freed buffer", "a buffer of this device", "report this message");
        self.live.get(&buffer.0).map(|b| b.at).ok_or_else(gone)
    }

    /// All there is, at the end.
    pub fn clear(&mut self, gpu: &Gpu) {
        self.release(gpu);
        self.live.drain().for_each(|(_, block)| gpu.free(block.at));
    }
}
