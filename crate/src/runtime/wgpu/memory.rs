//! Places for tensors inside a few large buffers.

use super::{ALIGNMENT, BufferId, Inner, pipelines::Layout};
use crate::error::{Error, Result};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// What shares a buffer decides a shader's bindings, and a plan whose tensors lie in other slabs is compiled again:
/// so the first slab grows, by moving, until it has this size. Only then come others.
const GROWN_SLAB: usize = 256 << 20;
const FIRST_SLAB: usize = 16 << 20;
/// Slabs double, so that even gigabytes of tensors lie in fewer slabs than a kernel may bind.
const LARGEST_SHARED_SLAB: usize = 1 << 30;
/// Bytes of slabs nothing lives in that are kept for the next allocation.
const SPARE: usize = 256 << 20;

#[derive(Clone, Copy)]
pub struct Place {
    pub slab: u64,
    pub offset: usize,
    /// As asked for, and as taken.
    bytes: usize,
    taken: usize,
}

struct Slab {
    buffer: wgpu::Buffer,
    size: usize,
    used: usize,
    /// Start and length of what is free.
    holes: BTreeMap<usize, usize>,
}

pub struct Memory {
    slabs: BTreeMap<u64, Slab>,
    places: FxHashMap<u64, Place>,
    bind_groups: FxHashMap<(SmallVec<[u64; 8]>, u64), wgpu::BindGroup>,
    next_id: u64,
    next_slab: usize,
    /// Bytes of slabs nothing lives in.
    spare: usize,
    max: usize,
}

impl Memory {
    pub fn new(max: usize) -> Memory {
        Memory {
            slabs: BTreeMap::new(),
            places: FxHashMap::default(),
            bind_groups: FxHashMap::default(),
            next_id: 1,
            next_slab: FIRST_SLAB.min(max),
            spare: 0,
            max,
        }
    }

    pub fn alloc(&mut self, gpu: &Inner, bytes: usize) -> Result<BufferId> {
        if bytes > self.max {
            return Err(Error::device(
                "alloc",
                format!("{bytes} bytes for one tensor"),
                format!("at most {} bytes on {}", self.max, gpu.description),
                "use smaller tensors or batches, or the cpu device",
            ));
        }
        let taken = bytes.max(1).next_multiple_of(ALIGNMENT);
        let (slab, offset) = match self.hole(taken) {
            Some(found) => found,
            None => self.grow(gpu, taken)?,
        };
        self.take(slab, offset, taken);
        let id = self.fresh();
        self.places.insert(id, Place { slab, offset, bytes, taken });
        Ok(BufferId(id))
    }

    fn fresh(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The smallest hole that is large enough in the oldest slab that has one: few slabs stay in use, so the same
    /// plan keeps meeting the same bindings.
    fn hole(&self, taken: usize) -> Option<(u64, usize)> {
        self.slabs.iter().find_map(|(id, slab)| {
            let fitting = slab.holes.iter().filter(|(_, len)| **len >= taken);
            fitting.min_by_key(|(_, len)| **len).map(|(at, _)| (*id, *at))
        })
    }

    /// Room for that many bytes: the slab and where in it.
    fn grow(&mut self, gpu: &Inner, taken: usize) -> Result<(u64, usize)> {
        if let Some(grown) = self.grow_first(gpu, taken)? {
            return Ok(grown);
        }
        let size = taken.max(self.next_slab);
        let buffer = Self::create(gpu, size)?;
        self.next_slab = (self.next_slab * 2).min(LARGEST_SHARED_SLAB).min(self.max);
        let id = self.fresh();
        self.spare += size;
        self.slabs.insert(id, Slab { buffer, size, used: 0, holes: BTreeMap::from([(0, size)]) });
        Ok((id, 0))
    }

    /// Moves the only slab into a larger buffer, all places staying where they are in it.
    fn grow_first(&mut self, gpu: &Inner, taken: usize) -> Result<Option<(u64, usize)>> {
        if self.slabs.len() != 1 {
            return Ok(None);
        }
        let Some(mut entry) = self.slabs.first_entry() else { return Ok(None) };
        let old = entry.get().size;
        let size = (old + taken).next_power_of_two();
        if size > GROWN_SLAB.min(self.max) {
            return Ok(None);
        }
        // Reads that wait for their submission copy from the old buffer.
        gpu.reads.flush(gpu);
        let buffer = Self::create(gpu, size)?;
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&entry.get().buffer, 0, &buffer, 0, old as u64);
        gpu.queue.submit([encoder.finish()]);
        let slab = entry.get_mut();
        std::mem::replace(&mut slab.buffer, buffer).destroy();
        let last = slab.holes.range(..old).next_back().map(|(at, len)| (*at, *len));
        let start = last.filter(|(at, len)| at + len == old).map_or(old, |(at, _)| at);
        slab.holes.insert(start, size - start);
        if slab.used == 0 {
            self.spare += size - old;
        }
        slab.size = size;
        let id = *entry.key();
        self.next_slab = size.min(self.max);
        self.forget_bind_groups();
        Ok(Some((id, start)))
    }

    fn create(gpu: &Inner, size: usize) -> Result<wgpu::Buffer> {
        gpu.made();
        gpu.health.checked(
            || {
                Error::device(
                    "alloc",
                    format!("no memory for another {size} bytes"),
                    format!("room for them on {}", gpu.description),
                    "use smaller tensors or batches, or free tensors",
                )
            },
            &gpu.device,
            || {
                gpu.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("playgrad slab"),
                    size: size as u64,
                    usage: wgpu::BufferUsages::STORAGE
                        | wgpu::BufferUsages::COPY_SRC
                        | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            },
        )
    }

    fn take(&mut self, slab: u64, offset: usize, taken: usize) {
        let slab = self.slabs.get_mut(&slab).expect("a hole is in a slab");
        let length = slab.holes.remove(&offset).expect("a hole starts here");
        if length > taken {
            slab.holes.insert(offset + taken, length - taken);
        }
        if slab.used == 0 {
            self.spare -= slab.size;
        }
        slab.used += taken;
    }

    /// Bytes the freed allocation had asked for.
    pub fn free(&mut self, id: BufferId) -> usize {
        let Some(place) = self.places.remove(&id.0) else { return 0 };
        let slab = self.slabs.get_mut(&place.slab).expect("a place is in a slab");
        slab.used -= place.taken;
        let (mut start, mut length) = (place.offset, place.taken);
        if let Some(after) = slab.holes.remove(&(start + length)) {
            length += after;
        }
        if let Some((at, before)) = slab.holes.range(..start).next_back().map(|(a, l)| (*a, *l))
            && at + before == start
        {
            (start, length) = (at, length + before);
        }
        slab.holes.insert(start, length);
        if slab.used == 0 {
            self.spare += slab.size;
        }
        place.bytes
    }

    /// Whether slabs should be given back.
    pub fn wasteful(&self) -> bool {
        self.spare > SPARE
    }

    /// Gives empty slabs back, newest first. No copy from them may be waiting for its submission.
    pub fn trim(&mut self) {
        while self.wasteful() {
            let newest = self.slabs.iter().rev().find(|(_, s)| s.used == 0).map(|(id, _)| *id);
            let Some(slab) = newest.and_then(|id| self.slabs.remove(&id)) else { return };
            self.spare -= slab.size;
            slab.buffer.destroy();
            self.forget_bind_groups();
        }
    }

    pub fn place(&self, id: BufferId) -> Result<Place> {
        self.places.get(&id.0).copied().ok_or_else(|| {
            Error::device(
                "buffer",
                "one that was freed",
                "one that is alive",
                "report this: it is a bug of playgrad",
            )
        })
    }

    pub fn buffer(&self, slab: u64) -> &wgpu::Buffer {
        &self.slabs[&slab].buffer
    }

    #[cfg(test)]
    pub fn slabs(&self) -> usize {
        self.slabs.len()
    }

    pub fn forget_bind_groups(&mut self) {
        self.bind_groups.clear();
    }

    pub fn bind_group(
        &mut self,
        slabs: &[u64],
        layout: &Layout,
        gpu: &Inner,
        uniform: &wgpu::Buffer,
        slot: u64,
    ) -> wgpu::BindGroup {
        let key = (SmallVec::from_slice(slabs), layout.id);
        if let Some(group) = self.bind_groups.get(&key) {
            return group.clone();
        }
        let offsets = wgpu::BufferBinding { buffer: uniform, offset: 0, size: wgpu::BufferSize::new(slot) };
        let mut entries =
            vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(offsets) }];
        entries.extend(slabs.iter().enumerate().map(|(i, slab)| wgpu::BindGroupEntry {
            binding: i as u32 + 1,
            resource: self.buffer(*slab).as_entire_binding(),
        }));
        gpu.made();
        let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &layout.bindings,
            entries: &entries,
        });
        self.bind_groups.insert(key, group.clone());
        group
    }
}
