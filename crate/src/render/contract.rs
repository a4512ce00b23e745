//! Sums of products through workgroup tiles: `shaders/contract.*` with the loaders of both factors and the
//! epilogue generated.

use super::{Shader, Slots, Spelling, fill, grid, printer::Printer};
use crate::{
    graph::Reduce,
    kernel::{Contract, Expr, ExprId, Kernel, RangeId},
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
const MIN_SIDE: usize = 16;
/// Workgroups that keep a GPU busy.
const BUSY: usize = 128;

const TILES: [Tile; 4] = [
    Tile { block_m: 128, block_n: 128, block_k: 8, thread_m: 8, thread_n: 8 },
    Tile { block_m: 64, block_n: 64, block_k: 16, thread_m: 4, thread_n: 4 },
    Tile { block_m: 128, block_n: 32, block_k: 16, thread_m: 8, thread_n: 4 },
    Tile { block_m: 32, block_n: 32, block_k: 16, thread_m: 4, thread_n: 4 },
];

impl Tile {
    fn threads(&self) -> usize {
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
    let good = |t: &&Tile| batch * t.groups(m, n) >= BUSY && t.waste(m, n) < 0.3;
    Some(*TILES.iter().find(good).unwrap_or(&TILES[TILES.len() - 1]))
}

pub fn render(kernel: &Kernel, slots: &Slots, lang: &Spelling, tile: Tile) -> Shader {
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    let (m, n, k) = (kernel.size(&c.m), kernel.size(&c.n), kernel.size(&c.k));
    let (vectors_m, vectors_n) = (tile.block_m / 4, tile.block_n / 4);
    let tiles = kernel.size(&c.batch) * tile.groups(m, n);
    let groups = grid(tiles);
    let p = Printer::new(kernel, slots, lang);
    let (a_m, a_k) = walk(steps_along(kernel, c.a, &c.k, &c.m), vectors_m, tile.block_k);
    let (b_n, b_k) = walk(steps_along(kernel, c.b, &c.k, &c.n), vectors_n, tile.block_k);
    let number = |n: usize| n.to_string();
    let parts = [
        ("buffers", p.buffers()),
        ("offsets", p.offsets()),
        ("type", (lang.ty)(kernel.accs[0].dtype).into()),
        ("load_a", loader(kernel, slots, lang, c, &c.m, "m", c.a)),
        ("load_b", loader(kernel, slots, lang, c, &c.n, "n", c.b)),
        ("store", epilogue(kernel, slots, lang, c)),
        ("m", number(m)),
        ("n", number(n)),
        ("k", number(k)),
        ("block_m", number(tile.block_m)),
        ("block_n", number(tile.block_n)),
        ("block_k", number(tile.block_k)),
        ("thread_m", number(tile.thread_m)),
        ("thread_n", number(tile.thread_n)),
        ("threads", number(tile.threads())),
        ("threads_n", number(tile.block_n / tile.thread_n)),
        ("vectors_m", number(tile.thread_m / 4)),
        ("vectors_n", number(tile.thread_n / 4)),
        ("stride_a", number(vectors_m + 1)),
        ("stride_b", number(vectors_n + 1)),
        ("size_a", number((vectors_m + 1) * tile.block_k)),
        ("size_b", number((vectors_n + 1) * tile.block_k)),
        ("count_a", number(vectors_m * tile.block_k)),
        ("count_b", number(vectors_n * tile.block_k)),
        ("groups_x", groups[0].to_string()),
        ("tiles", number(tiles)),
        ("tiles_n", number(n.div_ceil(tile.block_n))),
        ("tiles_mn", number(tile.groups(m, n))),
        ("a_m", a_m),
        ("a_k", a_k),
        ("b_n", b_n),
        ("b_k", b_k),
        ("clear", clear(tile, (lang.ty)(kernel.accs[0].dtype))),
        ("multiply", multiply(tile, vectors_m + 1, vectors_n + 1)),
        ("finish", finish(tile)),
    ];
    let parts = parts.each_ref().map(|(name, text)| (*name, text.as_str()));
    let main = fill(lang.contract, &parts);
    Shader { source: format!("{}{main}", (lang.helpers)(&main)), grid: groups }
}

/// The body of a function of `batch`, row (or column) and `k` that gives one factor.
fn loader(
    kernel: &Kernel,
    slots: &Slots,
    lang: &Spelling,
    c: &Contract,
    side: &[RangeId],
    side_name: &str,
    factor: ExprId,
) -> String {
    let mut p = Printer::new(kernel, slots, lang);
    p.split("batch", &c.batch);
    p.split(side_name, side);
    p.split("k", &c.k);
    let value = p.value(factor);
    p.line(format!("return {value};"));
    p.out
}

fn epilogue(kernel: &Kernel, slots: &Slots, lang: &Spelling, c: &Contract) -> String {
    let mut p = Printer::new(kernel, slots, lang);
    p.accs[0] = "sum".into();
    p.split("batch", &c.batch);
    p.split("m", &c.m);
    p.split("n", &c.n);
    kernel.stores.iter().for_each(|s| p.store(s));
    p.out
}

/// Whether neighbours along `k`, rather than along `side`, are neighbours in memory.
fn steps_along(kernel: &Kernel, factor: ExprId, k: &[RangeId], side: &[RangeId]) -> bool {
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

/// Vector and `k` of the `i`-th element that a workgroup loads, so that neighbours load neighbours.
fn walk(along_k: bool, vectors: usize, block_k: usize) -> (String, String) {
    if along_k {
        (format!("i / {block_k}"), format!("i % {block_k}"))
    } else {
        (format!("i % {vectors}"), format!("i / {vectors}"))
    }
}

fn clear(tile: Tile, ty: &str) -> String {
    let mut out = String::new();
    for m in 0..tile.thread_m {
        for n in 0..tile.thread_n / 4 {
            out += &format!("  var sum_{m}_{n} = vec4<{ty}>();\n");
        }
    }
    out
}

fn multiply(tile: Tile, stride_a: usize, stride_b: usize) -> String {
    let mut out = String::new();
    for v in 0..tile.thread_m / 4 {
        out += &format!("      let m{v} = tile_a[k * {stride_a} + my_m + {v}];\n");
    }
    for v in 0..tile.thread_n / 4 {
        out += &format!("      let n{v} = tile_b[k * {stride_b} + my_n + {v}];\n");
    }
    for m in 0..tile.thread_m {
        for n in 0..tile.thread_n / 4 {
            let component = ["x", "y", "z", "w"][m % 4];
            out += &format!("      sum_{m}_{n} += m{}.{component} * n{n};\n", m / 4);
        }
    }
    out
}

fn finish(tile: Tile) -> String {
    let mut out = String::from("  for (var i = 0; i < 4; i += 1) {\n");
    for m in 0..tile.thread_m {
        for n in 0..tile.thread_n / 4 {
            out += &format!(
                "    store(batch, first_m + my_m * 4 + {m}, first_n + (my_n + {n}) * 4 + i, sum_{m}_{n}[i]);\n"
            );
        }
    }
    out + "  }\n"
}
