//! Sums of products for GPUs that are imitated on a CPU: register tiles loaded straight from the buffers, no
//! workgroup memory, no barriers. There a load costs as much as a dozen multiplications.

use super::{
    Part, Site, Target, fill,
    printer::{Printer, Scope},
    spelling::{Direct, Spelling},
};
use crate::{
    graph::{DType, Reduce},
    kernel::{ExprId, Kernel, RangeId},
};

fn spelled(lang: &Spelling) -> &Direct {
    lang.direct.as_ref().expect("the language of an imitated GPU")
}

/// What a team of invocations computes: `rows`, and as many columns for each of its `lanes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    rows: usize,
    columns: usize,
    lanes: usize,
    /// Whether rows are the first factor's.
    a_rows: bool,
}

/// Outputs of an invocation: those a team loads rows for together, and those that load alone.
const TEAM_SHAPES: [(usize, usize); 7] = [(16, 4), (8, 4), (16, 2), (8, 2), (8, 1), (4, 2), (4, 1)];
const LONE_SHAPES: [(usize, usize); 7] = [(8, 8), (4, 8), (8, 4), (4, 4), (4, 2), (2, 4), (2, 2)];
/// More lanes than this share too little.
const MAX_LANES: usize = 16;
/// What a load costs in multiplications.
const LOAD: f64 = 15.0;
/// Invocations that keep the device busy, and terms a part of a sum should have.
const BUSY: usize = 128;
const MIN_DEPTH: usize = 64;
/// Most and fewest invocations of a workgroup.
const THREADS: usize = 32;
const MIN_THREADS: usize = 4;

/// The cheapest tile; none where tiles do not pay.
pub fn tile(kernel: &Kernel, target: Target) -> Option<Tile> {
    let c = kernel.contract.as_ref()?;
    let [acc] = &kernel.accs[..] else { return None };
    let sides = kernel.size(&c.m).min(kernel.size(&c.n));
    let fits = acc.op == Reduce::Sum && acc.dtype.size() == 4 && kernel.inner.is_empty();
    if !fits || sides < 2 || kernel.size(&c.k) < 4 {
        return None;
    }
    let lanes = if target.lanes <= MAX_LANES { target.lanes } else { 1 };
    let shapes = if lanes > 1 { TEAM_SHAPES } else { LONE_SHAPES };
    let tiles = shapes
        .into_iter()
        .flat_map(|(rows, columns)| [true, false].map(|a_rows| Tile { rows, columns, lanes, a_rows }));
    tiles.min_by(|x, y| x.cost(kernel).total_cmp(&y.cost(kernel)))
}

/// Parts of the sum so that a small output fills the device.
pub fn parts(kernel: &Kernel, tile: Tile) -> usize {
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    (BUSY / tile.invocations(kernel)).min(kernel.size(&c.k) / MIN_DEPTH).max(1)
}

/// Invocations of a workgroup where the shader has no reason for another number.
pub fn threads(kernel: &Kernel, tile: Tile) -> usize {
    let even = tile.invocations(kernel) / (BUSY / MIN_THREADS);
    ((even + 1).next_power_of_two() / 2).clamp(MIN_THREADS.max(tile.lanes), THREADS)
}

impl Tile {
    fn sides<'a>(&self, kernel: &'a Kernel) -> [Side<'a>; 2] {
        let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
        let (m, n) = (Side { ranges: &c.m, factor: c.a }, Side { ranges: &c.n, factor: c.b });
        if self.a_rows { [m, n] } else { [n, m] }
    }

    /// Tiles along rows and columns.
    fn grid(&self, kernel: &Kernel) -> [usize; 2] {
        let [rows, columns] = self.sides(kernel).map(|s| kernel.size(s.ranges));
        [rows.div_ceil(self.rows), columns.div_ceil(self.columns * self.lanes)]
    }

    fn tiles(&self, kernel: &Kernel) -> usize {
        let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
        kernel.size(&c.batch) * self.grid(kernel).iter().product::<usize>()
    }

    fn invocations(&self, kernel: &Kernel) -> usize {
        (self.tiles(kernel) * self.lanes).max(1)
    }

    /// Of one term of all sums, in multiplications; more where too few teams have work.
    fn cost(&self, kernel: &Kernel) -> f64 {
        let loads = self.rows.div_ceil(self.lanes) + self.columns;
        let handed = if self.lanes > 1 { self.rows } else { 0 };
        let each = loads as f64 * LOAD + (self.rows * self.columns + handed) as f64;
        let busy = self.invocations(kernel) * parts(kernel, *self);
        each * self.tiles(kernel) as f64 * (BUSY as f64 / busy as f64).max(1.0)
    }
}

/// The ranges of rows or columns, and the factor that walks them.
struct Side<'a> {
    ranges: &'a [RangeId],
    factor: ExprId,
}

pub fn part(site: Site, tile: Tile, threads: usize) -> Part {
    let Site { kernel, prefix, target: Target { lang, .. }, .. } = site;
    let c = kernel.contract.as_ref().expect("a tile is chosen for contractions only");
    let teams = threads / tile.lanes;
    let tiles = tile.tiles(kernel);
    let [tiles_m, tiles_n] = tile.grid(kernel);
    let ty = (lang.ty)(kernel.accs[0].dtype);
    let mut p = Printer::new(site);
    p.split("batch", &c.batch);
    let [row_side, column_side] = tile.sides(kernel);
    let loads = tile.rows.div_ceil(tile.lanes);
    let rows = places(&mut p, &row_side, "row", loads, tile.lanes);
    let columns = places(&mut p, &column_side, "column", tile.columns, tile.lanes);
    let places = std::mem::take(&mut p.out);
    sum(&mut p, tile, (&row_side, &rows), (&column_side, &columns));
    let sum = std::mem::take(&mut p.out);
    store(&mut p, tile, &row_side, &column_side, columns);
    let outputs = tile.rows * tile.columns;
    let number = |n: usize| n.to_string();
    let zero = (lang.constant)(0.0, kernel.accs[0].dtype);
    let clear = |i| format!("  {}\n", (lang.variable)(&format!("sum{i}"), kernel.accs[0].dtype, &zero));
    let holes = [
        ("prefix", prefix.into()),
        ("lanes", number(tile.lanes)),
        ("teams", number(teams)),
        ("rows", number(tile.rows)),
        ("columns", number(tile.columns)),
        ("columns_team", number(tile.columns * tile.lanes)),
        ("tiles", number(tiles)),
        ("tiles_n", number(tiles_n)),
        ("tiles_mn", number(tiles_m * tiles_n)),
        ("type", ty.into()),
        ("outputs", number(outputs)),
        ("places", places),
        ("clear", (0..outputs).map(clear).collect()),
        ("sum", sum),
        ("sums", (0..outputs).map(|i| format!("sum{i}")).collect::<Vec<_>>().join(", ")),
        ("store", p.out),
    ];
    Part {
        text: fill(spelled(lang).skeleton, &holes),
        groups: tiles.div_ceil(teams),
        threads,
        shared: 0,
        blocks: 0,
    }
}

/// A scope for each position an invocation loads at, all that does not change along `k` named in it. Positions
/// past the end repeat the last.
fn places(p: &mut Printer, side: &Side, name: &str, count: usize, lanes: usize) -> Vec<Scope> {
    let kernel = p.kernel;
    let k = &kernel.contract.as_ref().expect("only contractions have tiles").k;
    let last = kernel.size(side.ranges) - 1;
    let common = p.scope.clone();
    let mut place = |i: usize| {
        let here = format!("{name}{i}");
        let at = format!("first_{name} + lane + {}", i * lanes);
        p.name(&here, DType::I32, &format!("min({at}, {last})"));
        p.scope = common.at(side.ranges, &format!("_{here}"));
        p.split(&here, side.ranges);
        p.hoist_places(k, &[side.factor]);
        p.scope.clone()
    };
    let scopes = (0..count).map(&mut place).collect();
    p.scope = common;
    scopes
}

/// Fewer turns than this are no reason for an innermost loop where there is a longer one.
const SHORT: usize = 8;

/// The loops over `k`, the innermost with a few turns written out.
fn sum(p: &mut Printer, tile: Tile, rows: (&Side, &[Scope]), columns: (&Side, &[Scope])) {
    let kernel = p.kernel;
    let mut outer = kernel.contract.as_ref().expect("only contractions have tiles").k.clone();
    let longest = (0..outer.len()).max_by_key(|i| (kernel.ranges[outer[*i]] > SHORT, *i));
    let longest = longest
        .filter(|i| kernel.ranges[outer[*i]] > SHORT)
        .or_else(|| (0..outer.len()).max_by_key(|i| kernel.ranges[outer[*i]]));
    let Some(last) = longest.map(|i| outer.remove(i)) else { return turn(p, tile, rows, columns) };
    let size = kernel.ranges[last];
    let most = (128 / (tile.rows * tile.columns)).clamp(1, 4);
    let turns = (1..=most).rev().find(|t| size.is_multiple_of(*t)).unwrap_or(1);
    p.loops(&outer, &[], &mut |p| {
        let here = p.scope.clone();
        let mut hoisted = |(side, scopes): (&Side, &[Scope])| -> Vec<Scope> {
            let mut inner = |scope: &Scope| {
                p.scope = scope.within(&here);
                p.hoist_places(&[last], &[side.factor]);
                p.scope.clone()
            };
            scopes.iter().map(&mut inner).collect()
        };
        let (row_scopes, column_scopes) = (hoisted(rows), hoisted(columns));
        p.scope = here;
        let (rows, columns) = ((rows.0, &row_scopes[..]), (columns.0, &column_scopes[..]));
        if size == turns {
            return (0..turns).for_each(|t| unrolled(p, last, &t.to_string(), tile, rows, columns));
        }
        let head = (p.lang.for_loop)("k", &0, &size, turns);
        p.block(&head, |p| {
            for t in 0..turns {
                unrolled(p, last, &format!("k + {t}"), tile, rows, columns);
            }
        });
    });
}

fn unrolled(
    p: &mut Printer,
    range: RangeId,
    at: &str,
    tile: Tile,
    rows: (&Side, &[Scope]),
    columns: (&Side, &[Scope]),
) {
    p.block("", |p| {
        p.name(&format!("r{range}"), DType::I32, at);
        turn(p, tile, rows, columns);
    });
}

/// One term of every sum.
fn turn(p: &mut Printer, tile: Tile, rows: (&Side, &[Scope]), columns: (&Side, &[Scope])) {
    let here = p.scope.clone();
    let load = |p: &mut Printer, (side, scopes): (&Side, &[Scope])| -> Vec<String> {
        let mut value = |scope: &Scope| {
            p.scope = scope.within(&here);
            p.value(side.factor)
        };
        scopes.iter().map(&mut value).collect()
    };
    let (row_values, column_values) = (load(p, rows), load(p, columns));
    p.scope = here;
    for i in 0..tile.rows {
        let mut row = row_values[i / tile.lanes].clone();
        if tile.lanes > 1 {
            let handed = (spelled(p.lang).broadcast)(&row, i % tile.lanes);
            row = format!("row_value{i}");
            p.name(&row, p.kernel.accs[0].dtype, &handed);
        }
        for (j, column) in column_values.iter().enumerate() {
            p.line(format!("sum{} += {row} * {column};", i * tile.columns + j));
        }
    }
}

/// A loop over the rows; the columns of a row are written out.
fn store(p: &mut Printer, tile: Tile, row_side: &Side, column_side: &Side, columns: Vec<Scope>) {
    let kernel = p.kernel;
    let (rows, width) = (kernel.size(row_side.ranges), kernel.size(column_side.ranges));
    let roots: Vec<ExprId> = kernel.stores.iter().map(|s| s.value).collect();
    let mut hoisted = |scope: &Scope| {
        p.scope = scope.clone();
        p.hoist_places(row_side.ranges, &roots);
        p.scope.clone()
    };
    let columns: Vec<Scope> = columns.iter().map(&mut hoisted).collect();
    let bare = p.scope.clone();
    let most = if rows.is_multiple_of(tile.rows) {
        tile.rows.to_string()
    } else {
        format!("min({}, {rows} - first_row)", tile.rows)
    };
    let head = (p.lang.for_loop)("i", &0, &most, 1);
    p.block(&head, |p| {
        p.name("row", DType::I32, "first_row + i");
        p.scope = bare.clone();
        p.split("row", row_side.ranges);
        let here = p.scope.clone();
        for (j, scope) in columns.iter().enumerate() {
            let inside = if width.is_multiple_of(tile.columns * tile.lanes) {
                String::new()
            } else {
                format!("if (first_column + lane + {} < {width})", j * tile.lanes)
            };
            p.block(&inside, |p| {
                p.scope = scope.within(&here);
                let held = format!("sums[i * {} + {j}]", tile.columns);
                p.name("sum", kernel.accs[0].dtype, &held);
                p.accs[0] = "sum".into();
                kernel.stores.iter().for_each(|s| p.store(s));
            });
        }
    });
}
