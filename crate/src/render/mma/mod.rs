//! Sums of products of floats through shared memory that is filled while it is read: `shaders/tiles.cu` with the copies
//! of both factors, the multiplication and the epilogue generated. 16-bit floats, and 32-bit ones where TF32 is allowed,
//! are multiplied on tensor cores; products are summed in float32.

mod loads;
mod multiply;

use super::{Part, Site, Target, contract, fill, printer::Printer};
use crate::{
    graph::{DType, Reduce},
    kernel::{Expr, ExprId, Kernel},
};
use loads::Loads;

/// How products are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Math {
    F16,
    BF16,
    Tf32,
    F32,
}

/// What a workgroup computes, in `warps_m` × `warps_n` warps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    math: Math,
    block_m: usize,
    block_n: usize,
    block_k: usize,
    warps_m: usize,
    warps_n: usize,
    stages: usize,
}

/// Rows, columns, warps along each.
type Shape = [usize; 4];
/// Warps compute 64 × 64 or 32 × 32 outputs on tensor cores; without, 8 × 8 or 4 × 4 a thread.
const CORES: [Shape; 3] = [[128, 256, 2, 4], [128, 128, 2, 2], [64, 64, 2, 2]];
const PLAIN: [Shape; 3] = [[128, 128, 4, 2], [64, 64, 4, 2], [32, 32, 2, 1]];
/// Workgroups that keep a GPU busy.
const BUSY: usize = 132;
/// Fewer rows, columns or terms than this leave most of a tile idle.
const MIN_SIDE: usize = 16;
/// Rows of tiles that are walked together.
const BAND: usize = 8;

impl Math {
    /// Of an element in shared memory.
    fn bytes(self) -> usize {
        if self.dtype() == DType::F32 { 4 } else { 2 }
    }

    fn dtype(self) -> DType {
        match self {
            Math::F16 => DType::F16,
            Math::BF16 => DType::BF16,
            Math::Tf32 | Math::F32 => DType::F32,
        }
    }

    /// Elements of 16 bytes.
    fn vector(self) -> usize {
        16 / self.bytes()
    }

    fn cores(self) -> bool {
        self != Math::F32
    }
}

impl Tile {
    fn new(math: Math, [block_m, block_n, warps_m, warps_n]: Shape) -> Tile {
        let block_k = 64 / math.bytes();
        let stages = if math.cores() { 3 } else { 2 };
        Tile { math, block_m, block_n, block_k, warps_m, warps_n, stages }
    }

    pub fn threads(&self) -> usize {
        self.warps_m * self.warps_n * 32
    }

    fn grid(&self, kernel: &Kernel) -> [usize; 2] {
        let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
        [kernel.size(&c.m).div_ceil(self.block_m), kernel.size(&c.n).div_ceil(self.block_n)]
    }

    fn groups(&self, kernel: &Kernel) -> usize {
        let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
        kernel.size(&c.batch) * self.grid(kernel).iter().product::<usize>()
    }

    /// Outputs computed and thrown away, as a share of all.
    fn waste(&self, kernel: &Kernel) -> f64 {
        1.0 - kernel.rows() as f64 / (self.groups(kernel) * self.block_m * self.block_n) as f64
    }
}

/// The largest tile that keeps the device busy and wastes little.
pub fn tile(kernel: &Kernel, target: Target) -> Option<Tile> {
    target.lang.tiles.as_ref()?;
    let c = kernel.contract.as_ref()?;
    let [acc] = &kernel.accs[..] else { return None };
    let least = [&c.m, &c.n, &c.k].map(|r| kernel.size(r)).into_iter().min()?;
    let fits = acc.op == Reduce::Sum && acc.dtype == DType::F32 && kernel.inner.is_empty();
    if !fits || least < MIN_SIDE {
        return None;
    }
    let (math, _) = factors(kernel, target);
    let shapes = if math.cores() { CORES } else { PLAIN };
    let tiles = shapes.map(|shape| Tile::new(math, shape));
    let good = |t: &&Tile| t.groups(kernel) >= BUSY && t.waste(kernel) < 0.3;
    Some(*tiles.iter().find(good).unwrap_or(&tiles[2]))
}

/// How the factors are multiplied, and the factors: where both are 16-bit floats of one kind, before they are widened.
fn factors(kernel: &Kernel, target: Target) -> (Math, [ExprId; 2]) {
    let c = kernel.contract.as_ref().expect("only contractions have factors");
    let half = |e: ExprId| match kernel.exprs[e].expr {
        Expr::Cast(narrow) => match kernel.exprs[narrow].dtype {
            DType::F16 => Some((Math::F16, narrow)),
            DType::BF16 => Some((Math::BF16, narrow)),
            _ => None,
        },
        _ => None,
    };
    match (half(c.a), half(c.b)) {
        (Some((math, a)), Some((other, b))) if math == other => (math, [a, b]),
        _ if target.lang.tiles.as_ref().is_some_and(|t| t.tf32) => (Math::Tf32, [c.a, c.b]),
        _ => (Math::F32, [c.a, c.b]),
    }
}

/// Bytes that a workgroup's tiles take, all stages of both factors.
pub fn workgroup_bytes(tile: Tile) -> usize {
    let most =
        |block| loads::Layout::new(tile, block, true).size.max(loads::Layout::new(tile, block, false).size);
    (most(tile.block_m) + most(tile.block_n)) * tile.stages * tile.math.bytes()
}

pub fn parts(kernel: &Kernel, tile: Tile) -> usize {
    contract::parts_of(kernel, tile.groups(kernel))
}

pub fn part(site: Site, tile: Tile) -> Part {
    let Site { kernel, prefix, target, .. } = site;
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    let (math, [a, b]) = factors(kernel, target);
    let k = kernel.size(&c.k);
    let a = Loads::new(site, tile, a, ("m", &c.m, tile.block_m), "a");
    let b = Loads::new(site, tile, b, ("n", &c.n, tile.block_n), "b");
    let width = multiply::width(tile, &b.layout);
    let [tiles_m, tiles_n] = tile.grid(kernel);
    let number = |n: usize| n.to_string();
    let ahead = (tile.stages - 1) * tile.block_k;
    let holes = [
        ("prefix", prefix.into()),
        ("memory", loads::memory(math).into()),
        ("width", number(width)),
        ("block_m", number(tile.block_m)),
        ("block_n", number(tile.block_n)),
        ("block_k", number(tile.block_k)),
        ("along_a", a.layout.along().into()),
        ("along_b", b.layout.along().into()),
        ("size_a", number(a.layout.size)),
        ("size_b", number(b.layout.size)),
        ("stages", number(tile.stages)),
        ("before", format!("-{ahead}")),
        ("ahead", number(ahead)),
        ("k", number(k)),
        ("band", number(BAND)),
        ("tiles_m", number(tiles_m)),
        ("tiles_mn", number(tiles_m * tiles_n)),
        ("tiles_band", number(BAND * tiles_n)),
        ("places", multiply::places(tile, &a.layout, &b.layout)),
        ("held", [&a, &b].map(|l| l.held.as_str()).concat()),
        ("start", [&a, &b].map(|l| l.start.as_str()).concat()),
        ("put", put(k, &[&a, &b])),
        ("multiply", multiply::multiply(tile, &a.layout, &b.layout)),
        ("finish", multiply::finish(tile, prefix, &a.layout, &b.layout)),
        ("store", Printer::new(site).epilogue([tile.block_m, tile.block_n], width)),
        ("load_a", a.function),
        ("load_b", b.function),
    ];
    let text = fill(include_str!("../../../../shaders/tiles.cu"), &holes);
    let shared = workgroup_bytes(tile);
    // Enough registers for its sums alone would leave room for one, which waits at every barrier.
    let blocks = if tile == Tile::new(Math::F32, PLAIN[0]) { 2 } else { 0 };
    Part { text, groups: tile.groups(kernel), threads: tile.threads(), shared, blocks }
}

/// What came through registers is written where the tile before the last was read.
fn put(k: usize, loads: &[&Loads]) -> String {
    let text = loads.iter().map(|l| l.put.as_str()).collect::<String>();
    if text.is_empty() { text } else { format!("    if (next_k < {k}) {{\n{text}    }}\n") }
}
