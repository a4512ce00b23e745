//! How the result of a contraction is cut.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Most rows and columns of a tile.
const ROWS: usize = 120;
const COLUMNS: usize = 512;
/// Where there are no more tiles than this, a depth of at least twice `PART` is summed in parts, so that threads can
/// share it; how many depends on the shape alone, and so does the result.
const FEW: usize = 4;
const PART: usize = 1024;
const MOST_PARTS: usize = 8;

#[derive(Clone, Copy)]
pub struct Tiles {
    pub tall: usize,
    pub wide: usize,
    pub down: usize,
    across: usize,
    batches: usize,
    /// Parts of the depth.
    pub parts: usize,
    /// Of this run alone, so that what a thread packed for another is not taken for its own.
    pub stamp: usize,
}

impl Tiles {
    /// The tiles of the result in all batches, each by itself, of so many batches, rows, columns and depth. Where
    /// threads share them there are enough for all; how large they are changes no value.
    pub fn new(
        [batches, rows, columns, depth]: [usize; 4],
        (mr, nr): (usize, usize),
        threads: usize,
    ) -> Tiles {
        let equal = |size: usize, most: usize, unit: usize| {
            size.div_ceil(size.div_ceil(most).max(1)).next_multiple_of(unit).max(unit)
        };
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let stamp = RUNS.fetch_add(1, Relaxed);
        let cut = |tall: usize, wide: usize| {
            let (down, across) = (rows.div_ceil(tall), columns.div_ceil(wide));
            Tiles { tall, wide, down, across, batches, parts: 1, stamp }
        };
        let mut tiles = cut(equal(rows, ROWS, mr), equal(columns, COLUMNS, nr));
        if tiles.count() <= FEW && depth >= 2 * PART {
            return Tiles { parts: (depth / PART).min(MOST_PARTS), ..tiles };
        }
        while threads > 1 && tiles.count() < 4 * threads && (tiles.tall > 4 * mr || tiles.wide > 4 * nr) {
            tiles = if tiles.tall / mr >= tiles.wide / nr {
                cut((tiles.tall / 2).next_multiple_of(mr), tiles.wide)
            } else {
                cut(tiles.tall, (tiles.wide / 2).next_multiple_of(nr))
            };
        }
        tiles
    }

    pub fn count(&self) -> usize {
        self.down * self.across * self.batches
    }

    pub fn units(&self) -> usize {
        self.count() * self.parts
    }

    /// Sums that units leave for `Gemm::join`.
    pub fn room(&self) -> usize {
        if self.parts == 1 { 0 } else { self.units() * self.tall * self.wide }
    }

    /// Where a tile lies: batch, first row, first column.
    pub fn corner(&self, at: usize) -> (usize, usize, usize) {
        let (row, rest) = (at % self.down, at / self.down);
        (rest / self.across, row * self.tall, rest % self.across * self.wide)
    }
}

/// Where the sums of parts wait for each other.
#[derive(Clone, Copy)]
pub struct Room(pub *mut f32);

// SAFETY: each unit writes sums of its own, which are read when all units are done.
unsafe impl Sync for Room {}
