//! Sums of products by cooperative matrices, which a subgroup's invocations hold and multiply together:
//! `shaders/cooperative.wgsl` with the loaders of both factors and the epilogue generated. Products of float16 are exact
//! in float32, in which they are summed.

use super::{
    Part, Site, Target, contract, fill,
    printer::Printer,
    spelling::{MatrixSpelling, Shape},
};
use crate::{
    graph::{DType, Reduce},
    kernel::{Expr, ExprId, Kernel},
};

/// The extension of WGSL that reaches Vulkan's matrices and Metal's.
pub static MATRICES: MatrixSpelling = MatrixSpelling {
    helpers: |_| String::new(),
    zero: |s| format!("coop_mat{0}x{0}<f32, C>()", s.size),
    load: |s, role, at| {
        let Shape { prefix, element, size, stride, .. } = s;
        let (rows, tile) = if role == 'A' { ("", "a") } else { ("T", "b") };
        let ty = format!("coop_mat{size}x{size}<{element}, {role}>");
        format!("coopLoad{rows}<{ty}>(&{prefix}tile_{tile}[{at}], {stride}u)")
    },
    multiply: |_, a, b, sum| format!("coopMultiplyAdd({a}, {b}, {sum})"),
    store: |s, sum, at| format!("coopStoreT({sum}, &{}outputs[{at}], {}u);", s.prefix, s.size),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    size: usize,
    halves: bool,
    lanes: usize,
}

/// Rows and columns of a workgroup, terms at a time, subgroups; elements from term to term.
const BLOCK: usize = 64;
const BLOCK_K: usize = 16;
const TEAMS: usize = 4;
const STRIDE: usize = BLOCK + 8;
/// Fewer rows or columns than this leave most of a tile idle.
const MIN_SIDE: usize = 32;

impl Tile {
    pub fn threads(&self) -> usize {
        TEAMS * self.lanes
    }
}

/// Where the device multiplies such factors by matrices.
pub fn tile(kernel: &Kernel, target: Target) -> Option<Tile> {
    let matrices = target.matrices.filter(|_| target.lanes > 1)?;
    let c = kernel.contract.as_ref()?;
    let [acc] = &kernel.accs[..] else { return None };
    let fits = acc.op == Reduce::Sum && acc.dtype == DType::F32 && kernel.inner.is_empty();
    if !fits || kernel.size(&c.m).min(kernel.size(&c.n)) < MIN_SIDE || kernel.size(&c.k) < BLOCK_K {
        return None;
    }
    let halves = [c.a, c.b].iter().all(|e| was_half(kernel, *e));
    let size = if halves { matrices.halves } else { matrices.floats };
    (size > 0).then_some(Tile { size, halves, lanes: target.lanes })
}

fn was_half(kernel: &Kernel, factor: ExprId) -> bool {
    matches!(kernel.exprs[factor].expr, Expr::Cast(narrow) if kernel.exprs[narrow].dtype == DType::F16)
}

/// Bytes that a workgroup's tiles and outputs take.
pub fn workgroup_bytes(tile: Tile) -> usize {
    let element = if tile.halves { 2 } else { 4 };
    2 * STRIDE * BLOCK_K * element + TEAMS * tile.size * tile.size * 4
}

fn groups(kernel: &Kernel) -> usize {
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    kernel.size(&c.batch) * kernel.size(&c.m).div_ceil(BLOCK) * kernel.size(&c.n).div_ceil(BLOCK)
}

pub fn parts(kernel: &Kernel, _: Tile) -> usize {
    contract::parts_of(kernel, groups(kernel))
}

pub fn part(site: Site, tile: Tile) -> Part {
    let Site { kernel, prefix, target, .. } = site;
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    let spelling = target.matrices.expect("a tile is chosen where there are matrices").spelling;
    let (m, n, size) = (kernel.size(&c.m), kernel.size(&c.n), tile.size);
    let element = if tile.halves { "f16" } else { "f32" };
    let shape = Shape { prefix, element, size, stride: STRIDE, lanes: tile.lanes };
    let number = |n: usize| n.to_string();
    let holes = [
        ("prefix", prefix.into()),
        ("element", element.into()),
        ("four_a", contract::loader(Printer::new(site), ("m", &c.m, BLOCK), c.a, BLOCK_K)),
        ("four_b", contract::loader(Printer::new(site), ("n", &c.n, BLOCK), c.b, BLOCK_K)),
        ("store", contract::epilogue(Printer::new(site), [BLOCK, BLOCK], 4)),
        ("helpers", (spelling.helpers)(&shape)),
        ("k", number(kernel.size(&c.k))),
        ("size", number(size)),
        ("block", number(BLOCK)),
        ("half_block", number(BLOCK / 2)),
        ("block_k", number(BLOCK_K)),
        ("stride", number(STRIDE)),
        ("size_tile", number(STRIDE * BLOCK_K)),
        ("size_outputs", number(TEAMS * size * size)),
        ("lanes", number(tile.lanes)),
        ("threads", number(tile.threads())),
        ("vectors", number(BLOCK / 4)),
        ("loads", number(BLOCK / 4 * BLOCK_K)),
        ("tiles_n", number(n.div_ceil(BLOCK))),
        ("tiles_mn", number(m.div_ceil(BLOCK) * n.div_ceil(BLOCK))),
        ("clear", sums(size, &|i, j| format!("  var sum_{i}_{j} = {};\n", (spelling.zero)(&shape)))),
        ("multiply", multiply(&shape, spelling)),
        ("finish", sums(size, &|i, j| finish(&shape, spelling, tile, [i, j]))),
    ];
    let skeleton = include_str!("../../../shaders/cooperative.wgsl");
    let groups = groups(kernel);
    Part { text: fill(skeleton, &holes), groups, threads: tile.threads(), shared: 0, blocks: 0 }
}

/// A text for each matrix of a subgroup's outputs.
fn sums(size: usize, text: &dyn Fn(usize, usize) -> String) -> String {
    let side = BLOCK / 2 / size;
    (0..side * side).map(|at| text(at / side, at % side)).collect()
}

fn multiply(shape: &Shape, spelling: &MatrixSpelling) -> String {
    let mut out = String::new();
    for i in 0..BLOCK / 2 / shape.size {
        for (role, name, mine) in [('A', "a", "my_m"), ('B', "b", "my_n")] {
            let at = format!("k * {STRIDE} + {mine} + {}", i * shape.size);
            out += &format!("      let {name}{i} = {};\n", (spelling.load)(shape, role, &at));
        }
    }
    out + &sums(shape.size, &|i, j| {
        let sum = format!("sum_{i}_{j}");
        let product = (spelling.multiply)(shape, &format!("a{i}"), &format!("b{j}"), &sum);
        format!("      {sum} = {product};\n")
    })
}

fn finish(shape: &Shape, spelling: &MatrixSpelling, tile: Tile, [i, j]: [usize; 2]) -> String {
    let Shape { prefix, size, .. } = shape;
    let outputs = |lane| format!("{prefix}outputs[start + {lane}]");
    let four: Vec<String> = (0..4).map(outputs).collect();
    let first = format!("team * {}", size * size);
    format!(
        "  {store}\n  workgroupBarrier();\n  \
         for (var at = lane; at < {vectors}; at += {lanes}) {{\n    \
         let start = {first} + at * 4;\n    \
         {prefix}store_four(batch, first_m + my_m + {m} + at / {row}, first_n + my_n + {n} + at % {row} * 4, \
         vec4<f32>({four}));\n  }}\n  workgroupBarrier();\n",
        store = (spelling.store)(shape, &format!("sum_{i}_{j}"), &first),
        vectors = size * size / 4,
        lanes = tile.lanes,
        m = i * size,
        n = j * size,
        row = size / 4,
        four = four.join(", "),
    )
}
