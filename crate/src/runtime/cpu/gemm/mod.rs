//! Contractions as packed, register-blocked matrix products. Both operands are packed through their index
//! expressions, so a convolution needs no im2col buffer; the epilogue runs on each finished tile.

mod finish;
mod micro;
mod operand;
mod table;
mod tiles;

use super::{host, rows::set_point, tape::Frame};
use crate::{
    kernel::{Contract, Kernel, RangeId},
    render::wasm::{self, epilogue, pack},
};
use finish::Finish;
use micro::Micro;
use operand::Operand;
use std::{ops::Range, sync::OnceLock};
pub use tiles::{Room, Tiles};

/// The depth packed at a time.
const DEPTH: usize = 256;
/// Packed columns that are kept for the tiles below, in elements.
const KEPT: usize = 1 << 19;
/// Rows and columns of the product are m and n, or n and m: whichever the micro-kernel suits better.
pub struct Gemm {
    batch: Vec<RangeId>,
    rows: Operand,
    columns: Operand,
    /// Points of the batch, rows, columns, depth.
    sizes: [usize; 4],
    micro: Micro,
    finish: Finish,
    /// Places in the host's table.
    loaded: OnceLock<Vec<usize>>,
}

impl Drop for Gemm {
    fn drop(&mut self) {
        let Some(places) = self.loaded.get() else { return };
        if let Some(host) = host() {
            host.unload(places);
        }
    }
}

/// Packed operands and sums, kept between runs.
#[derive(Default)]
pub struct Scratch {
    rows: Vec<f32>,
    columns: Vec<f32>,
    sums: Vec<f32>,
    /// The run, the batch, the part and the first column that `columns` holds for the whole depth.
    kept: Option<[usize; 4]>,
}

impl Gemm {
    pub fn new(kernel: &Kernel, c: &Contract) -> Gemm {
        let (m, n) = ((c.a, &c.m), (c.b, &c.n));
        let cost = |rows: &[RangeId], columns: &[RangeId], micro: &Micro| {
            let padded = kernel.size(rows).next_multiple_of(micro.rows)
                * kernel.size(columns).next_multiple_of(micro.columns);
            let apart = kernel.stores[0].index.coefficient(columns[columns.len() - 1]).abs() != 1;
            padded as f64 / micro.speed * if apart { 1.1 } else { 1.0 }
        };
        let choices = micro::all().into_iter().flat_map(|micro| {
            [(m, n), (n, m)].map(|(rows, columns)| (cost(rows.1, columns.1, &micro), rows, columns, micro))
        });
        let best = choices.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there is a micro-kernel");
        let (_, rows, columns, micro) = best;
        let depth = operand::depth(kernel, c);
        let sizes = [&c.batch[..], rows.1, columns.1, &depth].map(|ranges| kernel.size(ranges));
        Gemm {
            batch: c.batch.to_vec(),
            rows: Operand::new(kernel, rows.0, rows.1, &depth),
            columns: Operand::new(kernel, columns.0, columns.1, &depth),
            sizes,
            micro,
            finish: Finish::new(kernel, rows.1, columns.1),
            loaded: OnceLock::new(),
        }
    }

    /// Puts emitted functions in the place of the interpreted parts, where there is a host for them.
    pub fn emit(&self, kernel: &Kernel) {
        let Some(host) = host().filter(|_| self.loaded.get().is_none()) else { return };
        let emitted = [
            (epilogue::PARAMS, self.finish.emit(kernel, &self.batch)),
            (pack::PARAMS, self.rows.emit(kernel, &self.batch, self.micro.rows)),
            (pack::PARAMS, self.columns.emit(kernel, &self.batch, self.micro.columns)),
        ];
        let present = emitted.each_ref().map(|(_, f)| f.is_some());
        let functions: Vec<_> = emitted.into_iter().filter_map(|(n, f)| Some((n, f?))).collect();
        // What the host refuses stays interpreted.
        let places = host.load(&wasm::module(&functions), functions.len()).unwrap_or_default();
        let mut places = self.loaded.get_or_init(|| places).iter();
        let into: [&dyn Fn(usize); 3] =
            [&|at| self.finish.loaded(at), &|at| self.rows.loaded(at), &|at| self.columns.loaded(at)];
        for into in into.into_iter().zip(present).filter_map(|(into, present)| present.then_some(into)) {
            places.next().copied().into_iter().for_each(into);
        }
    }

    pub fn tiles(&self, threads: usize) -> Tiles {
        Tiles::new(self.sizes, (self.micro.rows, self.micro.columns), threads)
    }

    /// Runs some of the units. With parts, `join` must follow when all are done.
    ///
    /// # Safety
    /// `frame.args` point to the kernel's buffers, of the sizes the kernel declares; `room` to as many sums as the
    /// tiles say.
    pub unsafe fn run(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        s: &mut Scratch,
        tiles: Tiles,
        room: Room,
        some: Range<usize>,
    ) {
        for unit in some {
            let (part, at) = (unit / tiles.count(), unit % tiles.count());
            set_point(kernel, &self.batch, tiles.corner(at).0, frame.point);
            // SAFETY: passed on from the caller.
            unsafe {
                if tiles.parts > 1 {
                    let sums = room.0.add(unit * tiles.tall * tiles.wide);
                    self.product(kernel, frame, s, tiles, (at, part), sums);
                    continue;
                }
                let mut sums = std::mem::take(&mut s.sums);
                grow(&mut sums, tiles.tall * tiles.wide);
                self.product(kernel, frame, s, tiles, (at, 0), sums.as_mut_ptr());
                self.store(kernel, frame, tiles, at, &sums);
                s.sums = sums;
            }
        }
    }

    /// Adds up the parts of some tiles, in order.
    ///
    /// # Safety
    /// As for `run`, which has left the sums of all units.
    pub unsafe fn join(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        s: &mut Scratch,
        tiles: Tiles,
        room: Room,
        some: Range<usize>,
    ) {
        let size = tiles.tall * tiles.wide;
        grow(&mut s.sums, size);
        for at in some {
            set_point(kernel, &self.batch, tiles.corner(at).0, frame.point);
            for part in 0..tiles.parts {
                let unit = part * tiles.count() + at;
                // SAFETY: the sums of a unit, which nobody writes any more.
                let sums = unsafe { std::slice::from_raw_parts(room.0.add(unit * size), size) };
                match part {
                    0 => s.sums[..size].copy_from_slice(sums),
                    _ => s.sums.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum),
                }
            }
            // SAFETY: passed on from the caller.
            unsafe { self.store(kernel, frame, tiles, at, &s.sums) };
        }
    }

    /// # Safety
    /// As for `run`.
    unsafe fn store(&self, kernel: &Kernel, frame: &mut Frame, tiles: Tiles, at: usize, sums: &[f32]) {
        let [_, rows, columns, _] = self.sizes;
        let (batch, r0, c0) = tiles.corner(at);
        let (rows, columns) = ((r0, tiles.tall.min(rows - r0)), (c0, tiles.wide.min(columns - c0)));
        // SAFETY: passed on from the caller.
        unsafe { self.finish.run(kernel, frame, batch, sums, tiles.wide, rows, columns) };
    }

    /// The sums of a tile over a part of the depth.
    ///
    /// # Safety
    /// As for `run`; `sums` has room for the tile.
    unsafe fn product(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        s: &mut Scratch,
        tiles: Tiles,
        (at, part): (usize, usize),
        sums: *mut f32,
    ) {
        let ([_, rows, columns, depth], Tiles { tall, wide, parts, .. }) = (self.sizes, tiles);
        let (batch, r0, c0) = tiles.corner(at);
        let (rows, columns) = (tall.min(rows - r0), wide.min(columns - c0));
        let (first, end) = (part * depth / parts, (part + 1) * depth / parts);
        let keep = tiles.down > 1 && wide * (end - first) <= KEPT;
        let wanted = Some([tiles.stamp, batch, part, c0]);
        let kept = keep && s.kept == wanted;
        let deepest = DEPTH.min(end - first);
        grow(&mut s.rows, tall * deepest);
        grow(&mut s.columns, wide * if keep { end - first } else { deepest });
        if depth == 0 {
            // SAFETY: the tile.
            unsafe { std::slice::from_raw_parts_mut(sums, tall * wide).fill(0.0) };
        }
        for k0 in (first..end).step_by(DEPTH) {
            let deep = DEPTH.min(end - k0);
            let at = if keep { (k0 - first) * wide } else { 0 };
            // SAFETY: passed on from the caller; the buffers are as large as the panels and the tile.
            unsafe {
                let (a, b) = (s.rows.as_mut_ptr(), s.columns.as_mut_ptr().add(at));
                if !kept {
                    self.columns.pack(self.micro.columns, kernel, frame, batch, (k0, deep), (c0, columns), b);
                }
                self.rows.pack(self.micro.rows, kernel, frame, batch, (k0, deep), (r0, rows), a);
                for j in (0..columns).step_by(self.micro.columns) {
                    for i in (0..rows).step_by(self.micro.rows) {
                        let to = sums.add(i * wide + j);
                        (self.micro.call)(deep, a.add(i * deep), b.add(j * deep), to, wide, k0 > first);
                    }
                }
            }
        }
        s.kept = wanted.filter(|_| keep);
    }
}

/// Packing may write a vector past the last panel.
fn grow(buffer: &mut Vec<f32>, len: usize) {
    if buffer.len() < len + 4 {
        buffer.resize(len + 4, 0.0);
    }
}
