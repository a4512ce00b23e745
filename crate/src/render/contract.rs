//! Sums of products through workgroup tiles: `shaders/contract.*` with the loaders of both factors and the
//! epilogue generated.

use super::{Part, Site, Spelling, Target, fill, printer::Printer};
use crate::{
    graph::{DType, Reduce},
    kernel::{Expr, ExprId, Kernel, RangeId},
};

/// What a workgroup and an invocation compute. Multiples of 4, powers of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    block_m: usize,
    block_n: usize,
    block_k: usize,
    thread_m: usize,
    thread_n: usize,
}

/// Fewer rows or columns than this leave most of a tile idle.
const MIN_SIDE: usize = 8;
/// Below this many rows or columns one of the narrow tiles is used, if there are workgroups enough of it.
const NARROW: usize = 16;
const MIN_NARROW_GROUPS: usize = 16;
/// Terms a part of a sum should have.
const MIN_DEPTH: usize = 256;
/// Workgroups that keep a GPU busy.
const BUSY: usize = 64;

const TILES: [Tile; 4] = [
    Tile { block_m: 128, block_n: 128, block_k: 8, thread_m: 8, thread_n: 8 },
    Tile { block_m: 64, block_n: 64, block_k: 16, thread_m: 4, thread_n: 4 },
    Tile { block_m: 128, block_n: 32, block_k: 16, thread_m: 8, thread_n: 4 },
    Tile { block_m: 32, block_n: 32, block_k: 16, thread_m: 4, thread_n: 4 },
];

const NARROW_N: Tile = Tile { block_m: 64, block_n: 16, block_k: 16, thread_m: 4, thread_n: 4 };
const NARROW_M: Tile = Tile { block_m: 16, block_n: 64, block_k: 16, thread_m: 4, thread_n: 4 };

/// Parts of the sum so that a small output, of that many workgroups, fills the device.
pub fn parts_of(kernel: &Kernel, groups: usize) -> usize {
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    (2 * BUSY / groups).min(kernel.size(&c.k) / MIN_DEPTH).max(1)
}

impl Tile {
    pub fn threads(&self) -> usize {
        self.block_m / self.thread_m * (self.block_n / self.thread_n)
    }

    fn groups(&self, m: usize, n: usize) -> usize {
        m.div_ceil(self.block_m) * n.div_ceil(self.block_n)
    }

    /// Outputs computed and thrown away, as a share of all.
    fn waste(&self, m: usize, n: usize) -> f64 {
        1.0 - (m * n) as f64 / (self.groups(m, n) * self.block_m * self.block_n) as f64
    }
}

/// The largest tile that keeps the device busy and wastes little; none where a tile does not pay.
pub fn tile(kernel: &Kernel) -> Option<Tile> {
    let c = kernel.contract.as_ref()?;
    let [acc] = &kernel.accs[..] else { return None };
    let (batch, m, n, k) = (kernel.size(&c.batch), kernel.size(&c.m), kernel.size(&c.n), kernel.size(&c.k));
    let fits = acc.op == Reduce::Sum && acc.dtype.size() == 4 && kernel.inner.is_empty();
    if !fits || m.min(n) < MIN_SIDE || k < 8 {
        return None;
    }
    if m.min(n) < NARROW {
        let tile = if n < m { NARROW_N } else { NARROW_M };
        return (batch * tile.groups(m, n) >= MIN_NARROW_GROUPS).then_some(tile);
    }
    let good = |t: &&Tile| batch * t.groups(m, n) >= BUSY && t.waste(m, n) < 0.3;
    Some(*TILES.iter().find(good).unwrap_or(&TILES[TILES.len() - 1]))
}

/// Bytes that a workgroup's two tiles take, a vector more than they hold per term.
pub fn workgroup_bytes(tile: Tile) -> usize {
    (tile.block_m / 4 + 1 + tile.block_n / 4 + 1) * tile.block_k * 16
}

pub fn parts(kernel: &Kernel, tile: Tile) -> usize {
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    let groups = kernel.size(&c.batch) * tile.groups(kernel.size(&c.m), kernel.size(&c.n));
    parts_of(kernel, groups)
}

pub fn part(site: Site, tile: Tile) -> Part {
    let Site { kernel, prefix, target: Target { lang, .. }, .. } = site;
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    let (m, n, k) = (kernel.size(&c.m), kernel.size(&c.n), kernel.size(&c.k));
    let (vectors_m, vectors_n) = (tile.block_m / 4, tile.block_n / 4);
    let tiles = kernel.size(&c.batch) * tile.groups(m, n);
    let a = Loads::new("a", vectors_m, tile, steps_along(kernel, c.a, &c.k, &c.m));
    let b = Loads::new("b", vectors_n, tile, steps_along(kernel, c.b, &c.k, &c.n));
    let (my_m, my_n) = mine(tile, outputs_along(kernel, &c.m, &c.n));
    let number = |n: usize| n.to_string();
    let holes = [
        ("prefix", prefix.into()),
        ("type", (lang.ty)(kernel.accs[0].dtype).into()),
        ("four_a", loader(Printer::new(site), ("m", &c.m, tile.block_m), c.a, tile.block_k)),
        ("four_b", loader(Printer::new(site), ("n", &c.n, tile.block_n), c.b, tile.block_k)),
        ("store", epilogue(Printer::new(site), [tile.block_m, tile.block_n], 4)),
        ("k", number(k)),
        ("block_m", number(tile.block_m)),
        ("block_n", number(tile.block_n)),
        ("block_k", number(tile.block_k)),
        ("thread_m", number(tile.thread_m)),
        ("thread_n", number(tile.thread_n)),
        ("vectors_m", number(tile.thread_m / 4)),
        ("vectors_n", number(tile.thread_n / 4)),
        ("size_a", number((vectors_m + 1) * tile.block_k)),
        ("size_b", number((vectors_n + 1) * tile.block_k)),
        ("tiles_n", number(n.div_ceil(tile.block_n))),
        ("tiles_mn", number(tile.groups(m, n))),
        ("my_m", my_m),
        ("my_n", my_n),
        ("places", a.places(lang, "m") + &b.places(lang, "n")),
        ("load", a.load(prefix, "m") + &b.load(prefix, "n")),
        ("clear", clear(tile, lang, (lang.ty)(kernel.accs[0].dtype))),
        ("multiply", multiply(prefix, tile, lang, vectors_m + 1, vectors_n + 1)),
        ("finish", finish(prefix, tile)),
    ];
    Part { text: fill(lang.contract, &holes), groups: tiles, threads: tile.threads(), shared: 0, blocks: 0 }
}

/// Statements that put four neighbouring rows (or columns) of a factor at one `k` into `four`.
pub fn loader(mut p: Printer, side: Side, factor: ExprId, block_k: usize) -> String {
    let c = p.kernel.contract.as_ref().expect("a loader is of a contraction");
    let k = p.kernel.size(&c.k);
    if !k.is_multiple_of(block_k) {
        p.line(format!("if (k >= {k}) {{ return four; }}"));
    }
    p.split("batch", &c.batch);
    p.split("k", &c.k);
    neighbours(&mut p, side, 4, "return four;", &[factor], &mut |p, lane| {
        let value = p.value(factor);
        p.line(format!("four.{lane} = {value};"));
    });
    p.out
}

/// Statements that store `width` neighbouring columns of a row.
pub fn epilogue(mut p: Printer, [block_m, block_n]: [usize; 2], width: usize) -> String {
    let kernel = p.kernel;
    let c = kernel.contract.as_ref().expect("an epilogue is of a contraction");
    let m = kernel.size(&c.m);
    if !m.is_multiple_of(block_m) {
        p.line(format!("if (m >= {m}) {{ return; }}"));
    }
    p.split("batch", &c.batch);
    p.split("m", &c.m);
    neighbours(&mut p, ("n", &c.n, block_n), width, "return;", &[], &mut |p, lane| {
        p.accs[0] = format!("sums.{lane}");
        kernel.stores.iter().for_each(|s| p.store(s));
    });
    p.out
}

/// Name of the variable, its ranges, how many positions a workgroup covers.
pub type Side<'a> = (&'a str, &'a [RangeId], usize);

/// Writes `body` for the positions `name .. name + width`, up to four. Where the innermost range is a multiple of that
/// they differ in that range only, and all else is computed once.
pub fn neighbours(
    p: &mut Printer,
    (name, ranges, block): Side,
    width: usize,
    leave: &str,
    roots: &[ExprId],
    body: &mut dyn FnMut(&mut Printer, &str),
) {
    let size = p.kernel.size(ranges);
    let last = ranges.iter().rposition(|r| p.kernel.ranges[*r] > 1).unwrap_or(0);
    let together = ranges.get(last).is_some_and(|r| p.kernel.ranges[*r].is_multiple_of(width));
    if together && !size.is_multiple_of(block) {
        p.line(format!("if ({name} >= {size}) {{ {leave} }}"));
    }
    if together {
        p.split_but_last(name, &ranges[..=last]);
        p.hoist(&ranges[last..=last], roots);
    } else {
        p.hoist(ranges, roots);
    }
    for (i, lane) in ["x", "y", "z", "w"].into_iter().take(width).enumerate() {
        let inside = if together || size.is_multiple_of(block) {
            String::new()
        } else {
            format!("if ({name} + {i} < {size})")
        };
        p.block(&inside, |p| {
            if together {
                p.name(&format!("r{}", ranges[last]), DType::I32, &format!("inner + {i}"));
            } else {
                p.name("position", DType::I32, &format!("{name} + {i}"));
                p.split("position", ranges);
            }
            body(p, lane);
        });
    }
}

/// Whether neighbours along `k`, rather than along `side`, are neighbours in memory.
pub fn steps_along(kernel: &Kernel, factor: ExprId, k: &[RangeId], side: &[RangeId]) -> bool {
    let last = |ranges: &[RangeId]| ranges.iter().rev().copied().find(|r| kernel.ranges[*r] > 1);
    let count = |ranges: &[RangeId]| {
        let Some(r) = last(ranges) else { return 0 };
        let loads = kernel.needed(&[factor]).into_iter();
        loads
            .filter(|e| {
                matches!(&kernel.exprs[*e].expr, Expr::Load { index, .. } if index.coefficient(r).abs() == 1)
            })
            .count()
    };
    count(k) > count(side)
}

/// Whether neighbouring rows, rather than columns, are written next to each other.
fn outputs_along(kernel: &Kernel, m: &[RangeId], n: &[RangeId]) -> bool {
    let last = |ranges: &[RangeId]| ranges.iter().rev().copied().find(|r| kernel.ranges[*r] > 1);
    let steps = |ranges: &[RangeId]| last(ranges).is_some_and(|r| kernel.stores[0].index.coefficient(r) == 1);
    steps(m) && !steps(n)
}

/// Which block of outputs is an invocation's, so that neighbours write next to each other.
fn mine(tile: Tile, along_m: bool) -> (String, String) {
    let (across_m, across_n) = (tile.block_m / tile.thread_m, tile.block_n / tile.thread_n);
    if along_m {
        (format!("thread % {across_m}"), format!("thread / {across_m}"))
    } else {
        (format!("thread / {across_n}"), format!("thread % {across_n}"))
    }
}

/// The vectors of one factor's tile that an invocation loads.
struct Loads {
    factor: &'static str,
    vectors: usize,
    block_k: usize,
    threads: usize,
    along_k: bool,
}

impl Loads {
    fn new(factor: &'static str, vectors: usize, tile: Tile, along_k: bool) -> Loads {
        Loads { factor, vectors, block_k: tile.block_k, threads: tile.threads(), along_k }
    }

    fn count(&self) -> usize {
        self.vectors * self.block_k / self.threads
    }

    /// Where they are: the same for every step along `k`. Neighbours load neighbours.
    fn places(&self, lang: &Spelling, side: &str) -> String {
        let Loads { factor, vectors, block_k, .. } = self;
        let fixed = lang.fixed;
        let mut out = String::new();
        for i in 0..self.count() {
            let at = if i == 0 { "thread".to_string() } else { format!("(thread + {})", i * self.threads) };
            let (vector, k) = if self.along_k {
                (format!("{at} / {block_k}"), format!("{at} % {block_k}"))
            } else {
                (format!("{at} % {vectors}"), format!("{at} / {vectors}"))
            };
            out += &format!("  {fixed} {factor}_{side}{i} = {vector};\n  {fixed} {factor}_k{i} = {k};\n");
        }
        out
    }

    fn load(&self, prefix: &str, side: &str) -> String {
        let f = self.factor;
        let stride = self.vectors + 1;
        let each = |i| {
            format!(
                "    {prefix}tile_{f}[{f}_k{i} * {stride} + {f}_{side}{i}] = \
                 {prefix}four_{f}(batch, first_{side} + {f}_{side}{i} * 4, first_k + {f}_k{i});\n"
            )
        };
        (0..self.count()).map(each).collect()
    }
}

fn clear(tile: Tile, lang: &Spelling, ty: &str) -> String {
    let changing = lang.changing;
    let mut out = String::new();
    for m in 0..tile.thread_m {
        for n in 0..tile.thread_n / 4 {
            out += &format!("  {changing} sum_{m}_{n} = vec4<{ty}>();\n");
        }
    }
    out
}

fn multiply(prefix: &str, tile: Tile, lang: &Spelling, stride_a: usize, stride_b: usize) -> String {
    let fixed = lang.fixed;
    let mut out = String::new();
    for v in 0..tile.thread_m / 4 {
        out += &format!("      {fixed} m{v} = {prefix}tile_a[k * {stride_a} + my_m + {v}];\n");
    }
    for v in 0..tile.thread_n / 4 {
        out += &format!("      {fixed} n{v} = {prefix}tile_b[k * {stride_b} + my_n + {v}];\n");
    }
    for m in 0..tile.thread_m {
        for n in 0..tile.thread_n / 4 {
            let component = ["x", "y", "z", "w"][m % 4];
            out += &format!("      sum_{m}_{n} += m{}.{component} * n{n};\n", m / 4);
        }
    }
    out
}

fn finish(prefix: &str, tile: Tile) -> String {
    let mut out = String::new();
    for m in 0..tile.thread_m {
        for n in 0..tile.thread_n / 4 {
            out += &format!(
                "  {prefix}store_four(batch, first_m + my_m * 4 + {m}, first_n + (my_n + {n}) * 4, sum_{m}_{n});\n"
            );
        }
    }
    out
}
