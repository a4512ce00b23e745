//! Contractions as packed, register-blocked matrix products. Both operands are packed through their index
//! expressions, so a convolution needs no im2col buffer; the epilogue runs on each finished tile.

mod finish;
mod micro;
mod operand;
mod table;

use super::{host, rows::set_point, tape::Frame};
use crate::{
    kernel::{Contract, Kernel, RangeId},
    render::wasm::{self, epilogue, pack},
};
use finish::Finish;
use micro::Micro;
use operand::Operand;
use std::{ops::Range, sync::OnceLock};

/// Most rows and columns of a tile, and the depth packed at a time.
const ROWS: usize = 120;
const COLUMNS: usize = 512;
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
    /// The batch and the first column that `columns` holds for the whole depth.
    kept: Option<(usize, usize)>,
}

/// How the result is cut.
#[derive(Clone, Copy)]
pub struct Tiles {
    tall: usize,
    wide: usize,
    down: usize,
    across: usize,
    batches: usize,
}

impl Tiles {
    pub fn count(&self) -> usize {
        self.down * self.across * self.batches
    }
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

    /// The tiles of the result in all batches, each by itself. Where threads share them there are enough for all;
    /// how large they are changes no value.
    pub fn tiles(&self, threads: usize) -> Tiles {
        let [batches, rows, columns, _] = self.sizes;
        let Micro { rows: mr, columns: nr, .. } = self.micro;
        let equal = |size: usize, most: usize, unit: usize| {
            size.div_ceil(size.div_ceil(most).max(1)).next_multiple_of(unit).max(unit)
        };
        let (mut tall, mut wide) = (equal(rows, ROWS, mr), equal(columns, COLUMNS, nr));
        loop {
            let tiles =
                Tiles { tall, wide, down: rows.div_ceil(tall), across: columns.div_ceil(wide), batches };
            let small = tall <= 8 * mr && wide <= 8 * nr;
            if threads == 1 || tiles.count() >= 2 * threads || small {
                return tiles;
            }
            if tall / mr >= wide / nr {
                tall = (tall / 2).next_multiple_of(mr);
            } else {
                wide = (wide / 2).next_multiple_of(nr);
            }
        }
    }

    /// # Safety
    /// `frame.args` point to the kernel's buffers, of the sizes the kernel declares.
    pub unsafe fn run(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        scratch: &mut Scratch,
        tiles: Tiles,
        some: Range<usize>,
    ) {
        scratch.kept = None;
        for at in some {
            let (row, rest) = (at % tiles.down, at / tiles.down);
            let (column, batch) = (rest % tiles.across, rest / tiles.across);
            set_point(kernel, &self.batch, batch, frame.point);
            let corner = (row * tiles.tall, column * tiles.wide);
            // SAFETY: passed on from the caller.
            unsafe { self.tile(kernel, frame, scratch, tiles, batch, corner) };
        }
    }

    /// # Safety
    /// As for `run`.
    unsafe fn tile(
        &self,
        kernel: &Kernel,
        frame: &mut Frame,
        s: &mut Scratch,
        Tiles { tall, wide, down, .. }: Tiles,
        batch: usize,
        (r0, c0): (usize, usize),
    ) {
        let [_, rows, columns, depth] = self.sizes;
        let (rows, columns) = (tall.min(rows - r0), wide.min(columns - c0));
        let keep = down > 1 && wide * depth <= KEPT;
        let kept = s.kept == Some((batch, c0));
        grow(&mut s.rows, tall * DEPTH.min(depth));
        grow(&mut s.columns, wide * if keep { depth } else { DEPTH.min(depth) });
        grow(&mut s.sums, tall * wide);
        if depth == 0 {
            s.sums.fill(0.0);
        }
        for k0 in (0..depth).step_by(DEPTH) {
            let deep = DEPTH.min(depth - k0);
            let at = if keep { k0 * wide } else { 0 };
            // SAFETY: passed on from the caller; the buffers are as large as the panels and the tile.
            unsafe {
                let (a, b) = (s.rows.as_mut_ptr(), s.columns.as_mut_ptr().add(at));
                if !kept {
                    self.columns.pack(self.micro.columns, kernel, frame, batch, (k0, deep), (c0, columns), b);
                }
                self.rows.pack(self.micro.rows, kernel, frame, batch, (k0, deep), (r0, rows), a);
                for j in (0..columns).step_by(self.micro.columns) {
                    for i in (0..rows).step_by(self.micro.rows) {
                        let to = s.sums.as_mut_ptr().add(i * wide + j);
                        (self.micro.call)(deep, a.add(i * deep), b.add(j * deep), to, wide, k0 > 0);
                    }
                }
            }
        }
        s.kept = keep.then_some((batch, c0));
        // SAFETY: passed on from the caller.
        unsafe { self.finish.run(kernel, frame, batch, &s.sums, wide, (r0, rows), (c0, columns)) };
    }
}

/// Packing may write a vector past the last panel.
fn grow(buffer: &mut Vec<f32>, len: usize) {
    if buffer.len() < len + 4 {
        buffer.resize(len + 4, 0.0);
    }
}
