//! Sums of products of 16-bit floats on tensor cores: `shaders/mma.*` with the loaders of both factors and the epilogue
//! generated. Products are exact in float32, in which they are summed.

use super::{
    Part, Site, Target,
    contract::{self, Side},
    cuda::short,
    fill,
    printer::Printer,
};
use crate::{
    graph::{DType, Reduce},
    kernel::{Expr, ExprId, Kernel},
};

/// What a workgroup and its warps compute: multiples of 16 rows and of 8 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    block_m: usize,
    block_n: usize,
    warps_m: usize,
    warps_n: usize,
}

const BLOCK_K: usize = 32;
/// Halves from row to row of a tile in workgroup memory: so that a warp's reads lie in different banks.
const STRIDE: usize = BLOCK_K + 8;
const TILES: [Tile; 2] = [
    Tile { block_m: 128, block_n: 128, warps_m: 2, warps_n: 4 },
    Tile { block_m: 64, block_n: 64, warps_m: 2, warps_n: 2 },
];
/// Workgroups that keep a GPU busy.
const BUSY: usize = 132;
/// Fewer rows, columns or terms than this leave most of a tile idle.
const MIN_SIDE: usize = 16;

impl Tile {
    pub fn threads(&self) -> usize {
        self.warps_m * self.warps_n * 32
    }

    fn groups(&self, kernel: &Kernel) -> usize {
        let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
        let (m, n) = (kernel.size(&c.m), kernel.size(&c.n));
        kernel.size(&c.batch) * m.div_ceil(self.block_m) * n.div_ceil(self.block_n)
    }
}

/// Where both factors are 16-bit floats of one kind: the largest tile that keeps the device busy.
pub fn tile(kernel: &Kernel, target: Target) -> Option<Tile> {
    target.lang.mma?;
    halves(kernel)?;
    let c = kernel.contract.as_ref()?;
    let [acc] = &kernel.accs[..] else { return None };
    let least = [&c.m, &c.n, &c.k].map(|r| kernel.size(r)).into_iter().min()?;
    let fits = acc.op == Reduce::Sum && acc.dtype == DType::F32 && kernel.inner.is_empty();
    let busy = |t: &&Tile| t.groups(kernel) >= BUSY;
    (fits && least >= MIN_SIDE).then(|| *TILES.iter().find(busy).unwrap_or(&TILES[TILES.len() - 1]))
}

/// The dtype of both factors before they are widened, and the factors.
fn halves(kernel: &Kernel) -> Option<(DType, [ExprId; 2])> {
    let c = kernel.contract.as_ref()?;
    let half = |e: ExprId| match kernel.exprs[e].expr {
        Expr::Cast(narrow) => Some((kernel.exprs[narrow].dtype, narrow)),
        _ => None,
    };
    let ((of_a, a), (of_b, b)) = (half(c.a)?, half(c.b)?);
    (of_a == of_b && matches!(of_a, DType::F16 | DType::BF16)).then_some((of_a, [a, b]))
}

/// Bytes that a workgroup's tiles take, two of each factor.
pub fn workgroup_bytes(tile: Tile) -> usize {
    (tile.block_m + tile.block_n) * STRIDE * 2 * 2
}

pub fn parts(kernel: &Kernel, tile: Tile) -> usize {
    contract::parts_of(kernel, tile.groups(kernel))
}

pub fn part(site: Site, tile: Tile) -> Part {
    let Site { kernel, prefix, target: Target { lang, .. }, .. } = site;
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    let (half, [a, b]) = halves(kernel).expect("a tile is chosen for 16-bit factors only");
    let (m, n) = (kernel.size(&c.m), kernel.size(&c.n));
    let a = Loads::new(site, a, ("m", &c.m, tile.block_m));
    let b = Loads::new(site, b, ("n", &c.n, tile.block_n));
    let number = |n: usize| n.to_string();
    let holes = [
        ("prefix", prefix.into()),
        ("half", short(half).into()),
        ("along_a", a.along.into()),
        ("along_b", b.along.into()),
        ("four_a", a.text),
        ("four_b", b.text),
        ("store", contract::epilogue(Printer::new(site), [tile.block_m, tile.block_n], 2)),
        ("k", number(kernel.size(&c.k))),
        ("block_m", number(tile.block_m)),
        ("block_n", number(tile.block_n)),
        ("block_k", number(BLOCK_K)),
        ("stride", number(STRIDE)),
        ("warp_m", number(tile.block_m / tile.warps_m)),
        ("warp_n", number(tile.block_n / tile.warps_n)),
        ("warps_n", number(tile.warps_n)),
        ("threads", number(tile.threads())),
        ("loads_a", number(tile.block_m * BLOCK_K / 4 / tile.threads())),
        ("loads_b", number(tile.block_n * BLOCK_K / 4 / tile.threads())),
        ("row_a", a.row),
        ("row_b", b.row),
        ("term_a", a.term),
        ("term_b", b.term),
        ("step_a", number(a.step)),
        ("step_b", number(b.step)),
        ("tiles_n", number(n.div_ceil(tile.block_n))),
        ("tiles_mn", number(m.div_ceil(tile.block_m) * n.div_ceil(tile.block_n))),
    ];
    let skeleton = lang.mma.expect("a tile is chosen where there are tensor cores");
    Part { text: fill(skeleton, &holes), groups: tile.groups(kernel), threads: tile.threads() }
}

/// How one factor's tile is loaded, four neighbours in memory at a time.
struct Loads {
    /// What the neighbours differ in.
    along: &'static str,
    text: String,
    /// The first one's row and term in the tile, by `at`; how far apart they lie there.
    row: String,
    term: String,
    step: usize,
}

impl Loads {
    fn new(site: Site, factor: ExprId, side: Side<'_>) -> Loads {
        let (name, ranges, block) = side;
        let c = site.kernel.contract.as_ref().expect("a loader is of a contraction");
        if !contract::steps_along(site.kernel, factor, &c.k, ranges) {
            let text = contract::loader(Printer::new(site), side, factor, BLOCK_K);
            let vectors = block / 4;
            let (row, term) = (format!("at % {vectors} * 4"), format!("at / {vectors}"));
            return Loads { along: "its rows", text, row, term, step: STRIDE };
        }
        let mut p = Printer::new(site);
        let size = site.kernel.size(ranges);
        if !size.is_multiple_of(block) {
            p.line(format!("if ({name} >= {size}) {{ return four; }}"));
        }
        p.split("batch", &c.batch);
        p.split(name, ranges);
        let terms = ("k", &c.k[..], BLOCK_K);
        contract::neighbours(&mut p, terms, 4, "return four;", &[factor], &mut |p, lane| {
            let value = p.value(factor);
            p.line(format!("four.{lane} = {value};"));
        });
        let vectors = BLOCK_K / 4;
        let (row, term) = (format!("at / {vectors}"), format!("at % {vectors} * 4"));
        Loads { along: "its terms", text: p.out, row, term, step: 1 }
    }
}
