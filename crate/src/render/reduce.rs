//! Rows with accumulators: one invocation per row, or several that join their partial results in a fixed
//! order. Accumulators over the same ranges that do not name each other share a loop.

use super::{
    Part, Site, Target, fill,
    printer::{Printer, Scope, identity},
    scan,
};
use crate::{
    graph::{DType, Reduce},
    kernel::{Expr, ExprId, Kernel, RangeId},
};
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// Invocations that keep a GPU busy.
const BUSY: usize = 1 << 15;
const MAX_LANES: usize = 256;
const MIN_THREADS: usize = 64;
/// Lanes of a row that is kept in registers, and how many of its elements each should keep.
const MOST_LANES: usize = 1024;
const KEPT: usize = 32;
/// Invocations that read columns at the rate of memory, and terms each should have.
const COLUMNS_BUSY: usize = 1 << 18;
const COLUMN: usize = 64;

/// The same where memory is fast: half of what 132 multiprocessors hold.
const NATIVE_BUSY: usize = 1 << 17;
/// Invocations that keep an imitated GPU busy.
const EMULATED_BUSY: usize = 256;
/// Rows up to this length are written out, not looped over.
const WRITTEN_OUT: usize = 8;
/// Terms added one by one; the sums of longer rows are sums of such sums.
const CHUNK: usize = 128;
/// Mesa's drivers on the CPU leave loops after 65,536 turns.
const EMULATED_TURNS: usize = 1 << 14;

/// How many invocations share a row: enough to fill the device, and at least 32 where neighbours in memory lie
/// along the row.
pub fn lanes(kernel: &Kernel, target: Target) -> usize {
    let longest = longest(kernel).max(kernel.size(&kernel.inner));
    if kernel.scan.is_some() {
        return 1;
    }
    if target.emulated {
        return longest.div_ceil(EMULATED_TURNS).next_power_of_two().min(MAX_LANES);
    }
    if longest <= 8 {
        return 1;
    }
    let along = along_rows(kernel);
    if native(target) && long_columns(kernel, along) {
        return 1;
    }
    let busy = busy(target).div_ceil(kernel.rows().max(1));
    let wanted = busy.max(if along { 32 } else { 1 });
    let lanes = wanted.min(longest / 4).max(1).next_power_of_two().min(MAX_LANES);
    if native(target) && along && kernel.points() >= 2 * kernel.rows() * longest {
        return lanes.max((longest / KEPT).next_power_of_two().min(MOST_LANES));
    }
    lanes
}

fn busy(target: Target) -> usize {
    if native(target) { NATIVE_BUSY } else { BUSY }
}

/// Whether invocations read elements of any size themselves: CUDA.
fn native(target: Target) -> bool {
    target.lang.words.is_none()
}

/// Whether an invocation per row reads neighbours of its neighbours', and there is enough to cut into parts.
fn long_columns(kernel: &Kernel, along: bool) -> bool {
    let (rows, longest) = (kernel.rows(), longest(kernel));
    !along && kernel.inner.is_empty() && rows >= 32 && rows.saturating_mul(longest) >= 1 << 20
}

fn longest(kernel: &Kernel) -> usize {
    kernel.accs.iter().map(|a| kernel.size(&a.ranges)).max().unwrap_or(1)
}

/// Parts of a row so that few long rows fill the device; each lane still takes 8 elements or more.
pub fn parts(kernel: &Kernel, target: Target, lanes: usize) -> usize {
    let rows = kernel.rows().max(1);
    if target.emulated {
        return (EMULATED_BUSY / rows).min(longest(kernel) / 1024).max(1);
    }
    if native(target) && lanes == 1 && long_columns(kernel, along_rows(kernel)) {
        return (COLUMNS_BUSY / rows).min(longest(kernel) / COLUMN).max(1);
    }
    if lanes < MAX_LANES {
        1
    } else {
        (busy(target) / (rows * lanes)).min(longest(kernel) / (MAX_LANES * 8)).max(1)
    }
}

/// Whether more loads step through memory by one along the reduced ranges than from row to row.
fn along_rows(kernel: &Kernel) -> bool {
    let last = |ranges: &[RangeId]| ranges.iter().rev().copied().find(|r| kernel.ranges[*r] > 1);
    let row = last(&kernel.outer);
    let columns: BTreeSet<RangeId> =
        kernel.accs.iter().map(|a| a.ranges.as_slice()).chain([&kernel.inner[..]]).filter_map(last).collect();
    let (mut along, mut across) = (0, 0);
    for typed in &kernel.exprs {
        if let Expr::Load { index, .. } = &typed.expr {
            along += columns.iter().any(|r| index.coefficient(*r) == 1) as usize;
            across += row.is_some_and(|r| index.coefficient(r) == 1) as usize;
        }
    }
    along > across
}

/// Consecutive accumulators that can share a loop.
fn stages(kernel: &Kernel) -> Vec<std::ops::Range<usize>> {
    let mut stages: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, acc) in kernel.accs.iter().enumerate() {
        let names: Vec<usize> = kernel
            .needed(&[acc.value])
            .into_iter()
            .filter_map(|e| match kernel.exprs[e].expr {
                Expr::Acc(a) => Some(a),
                _ => None,
            })
            .collect();
        match stages.last_mut() {
            Some(s) if kernel.accs[s.start].ranges == acc.ranges && names.iter().all(|a| *a < s.start) => {
                s.end = i + 1;
            }
            _ => stages.push(i..i + 1),
        }
    }
    stages
}

/// Invocations of a workgroup where the shader has no reason for another number.
pub fn threads(kernel: &Kernel, target: Target, lanes: usize) -> usize {
    let few = target.emulated && kernel.rows() < EMULATED_BUSY * 4;
    lanes.max(if few { 16 } else { MIN_THREADS })
}

pub fn part(site: Site, lanes: usize, threads: usize) -> Part {
    let Site { kernel, prefix, target: Target { lang, .. }, .. } = site;
    let mut p = Printer::new(site);
    let per_group = threads / lanes;
    p.split("row", &kernel.outer);
    #[cfg(feature = "cuda")]
    if lanes > 1 {
        keep_row(&mut p, lanes);
    }
    let mut joins: BTreeSet<(&'static str, DType)> = BTreeSet::new();
    let mut join_source = String::new();
    let mut points = Points::new();
    for stage in stages(kernel) {
        accumulate(&mut p, stage.clone(), lanes, &mut points);
        if lanes == 1 {
            continue;
        }
        for i in stage {
            let acc = &kernel.accs[i];
            let name = join_name(acc.op);
            if joins.insert((name, acc.dtype)) {
                join_source += &join(&p, prefix, acc.op, acc.dtype, threads, lanes);
            }
            let ty = (lang.ty)(acc.dtype);
            p.accs[i] = format!("row_acc{i}");
            p.name(&format!("row_acc{i}"), acc.dtype, &format!("{prefix}{name}_{ty}(acc{i}, thread, lane)"));
        }
    }
    let turns = if site.target.emulated { EMULATED_TURNS } else { usize::MAX };
    stores(&mut p, lanes, turns, &mut points);
    let holes = [
        ("prefix", prefix.into()),
        ("joins", join_source),
        ("per_group", per_group.to_string()),
        ("lanes", lanes.to_string()),
        ("rows", kernel.rows().to_string()),
        ("body", p.out),
    ];
    Part {
        text: fill(lang.reduce, &holes),
        groups: kernel.rows().div_ceil(per_group),
        threads,
        shared: 0,
        blocks: 0,
    }
}

/// Reads a row that several loops walk once, where it fits.
#[cfg(feature = "cuda")]
fn keep_row(p: &mut Printer, lanes: usize) {
    let kernel = p.kernel;
    let Some(ranges) = kernel.accs.first().map(|a| &a.ranges) else { return };
    let alike = stages(kernel).into_iter().filter(|s| kernel.accs[s.start].ranges == *ranges);
    let mut passes: Vec<Vec<ExprId>> =
        alike.map(|stage| kernel.accs[stage].iter().map(|a| a.value).collect()).collect();
    let each: Vec<_> = kernel.stores.iter().filter(|s| s.per_element && kernel.inner == *ranges).collect();
    passes.push(each.iter().map(|s| s.value).collect());
    p.keep(lanes, ranges, &passes, &each);
}

/// The points of rows that are written out, and what has a name at each.
type Points = Vec<(SmallVec<[RangeId; 6]>, Vec<Scope>)>;

/// Runs `body` at every point of short rows. What it names stays known for the next time.
fn at_points(p: &mut Printer, ranges: &[RangeId], points: &mut Points, body: &mut dyn FnMut(&mut Printer)) {
    let here = p.scope.clone();
    let known = points.iter().position(|(r, _)| r[..] == *ranges).unwrap_or_else(|| {
        let list = points.len();
        let name = |at: usize| here.at(ranges, &format!("_{list}_{at}"));
        points.push((ranges.into(), (0..p.kernel.size(ranges)).map(name).collect()));
        for (at, scope) in points[list].1.iter().enumerate() {
            p.scope = scope.clone();
            p.split(&at.to_string(), ranges);
        }
        list
    });
    for scope in &mut points[known].1 {
        p.scope = scope.within(&here);
        body(p);
        *scope = p.scope.clone();
    }
    p.scope = here;
}

fn accumulate(p: &mut Printer, stage: std::ops::Range<usize>, lanes: usize, points: &mut Points) {
    let (kernel, lang) = (p.kernel, p.lang);
    let ranges = &kernel.accs[stage.start].ranges;
    let roots: Vec<ExprId> = kernel.accs[stage.clone()].iter().map(|a| a.value).collect();
    p.hoist(ranges, &roots);
    for i in stage.clone() {
        let acc = &kernel.accs[i];
        let start = (lang.constant)(identity(acc.op, acc.dtype), acc.dtype);
        p.line((lang.variable)(&format!("acc{i}"), acc.dtype, &start));
    }
    if lanes > 1 {
        p.strided(lanes, ranges, &roots, &[], &mut |p| add(p, stage.clone(), "acc"));
    } else if kernel.size(ranges) <= WRITTEN_OUT {
        at_points(p, ranges, points, &mut |p| add(p, stage.clone(), "acc"));
    } else if kernel.size(ranges) <= 2 * CHUNK {
        p.loops(ranges, &roots, &mut |p| add(p, stage.clone(), "acc"));
    } else {
        in_chunks(p, stage, ranges, &roots);
    }
}

/// Adds the values of a stage's accumulators to variables of that name.
fn add(p: &mut Printer, stage: std::ops::Range<usize>, to: &str) {
    for i in stage {
        let acc = &p.kernel.accs[i];
        let value = p.value(acc.value);
        join_into(p, i, to, &value);
    }
}

fn join_into(p: &mut Printer, i: usize, to: &str, value: &str) {
    let acc = &p.kernel.accs[i];
    let joined = p.joined(acc.op, acc.dtype, &format!("{to}{i}"), value);
    p.line(format!("{to}{i} = {joined};"));
}

/// Sums of sums: adding many small numbers to a large one would round each of them.
fn in_chunks(p: &mut Printer, stage: std::ops::Range<usize>, ranges: &[RangeId], roots: &[ExprId]) {
    let kernel = p.kernel;
    let fits = |i: &usize| kernel.size(&ranges[*i..]) <= CHUNK;
    let at = (0..ranges.len()).find(fits).unwrap_or(ranges.len());
    let (outer, inner) = ranges.split_at(if at == ranges.len() { at - 1 } else { at });
    let chunk = |p: &mut Printer, body: &mut dyn FnMut(&mut Printer)| {
        for i in stage.clone() {
            let acc = &kernel.accs[i];
            let start = (p.lang.constant)(identity(acc.op, acc.dtype), acc.dtype);
            p.line((p.lang.variable)(&format!("chunk{i}"), acc.dtype, &start));
        }
        body(p);
        stage.clone().for_each(|i| join_into(p, i, "acc", &format!("chunk{i}")));
    };
    // An inner loop computes what it needs: an outer one would not know its variable.
    p.loops(outer, &[], &mut |p| match inner {
        [long] if kernel.ranges[*long] > CHUNK => {
            p.hoist(inner, roots);
            let size = kernel.ranges[*long];
            let head = (p.lang.for_loop)("first", &0, &size, CHUNK);
            p.block(&head, |p| {
                chunk(p, &mut |p| {
                    let end = format!("min(first + {CHUNK}, {size})");
                    let head = (p.lang.for_loop)(&format!("r{long}"), &"first", &end, 1);
                    p.block(&head, |p| add(p, stage.clone(), "chunk"));
                });
            });
        }
        _ => chunk(p, &mut |p| p.loops(inner, roots, &mut |p| add(p, stage.clone(), "chunk"))),
    });
}

/// Rows past the last one only take part in the joins.
fn stores(p: &mut Printer, lanes: usize, turns: usize, points: &mut Points) {
    let kernel = p.kernel;
    let (each, once): (Vec<_>, Vec<_>) = kernel.stores.iter().partition(|s| s.per_element);
    p.block("if (live)", |p| {
        if !once.is_empty() && lanes == 1 {
            once.iter().for_each(|s| p.store(s));
        } else if !once.is_empty() {
            p.block("if (lane == 0)", |p| once.iter().for_each(|s| p.store(s)));
        }
        if each.is_empty() {
            return;
        }
        if let Some(scan) = &kernel.scan {
            return scan::steps(p, scan, &each, turns);
        }
        let roots: Vec<ExprId> = each.iter().map(|s| s.value).collect();
        let mut write = |p: &mut Printer| each.iter().for_each(|s| p.store(s));
        if lanes == 1 && kernel.size(&kernel.inner) <= WRITTEN_OUT {
            p.hoist(&kernel.inner, &roots);
            at_points(p, &kernel.inner, points, &mut write);
        } else if lanes == 1 {
            p.loops(&kernel.inner, &roots, &mut write);
        } else {
            p.strided(lanes, &kernel.inner, &roots, &each, &mut write);
        }
    });
}

fn join_name(op: Reduce) -> &'static str {
    match op {
        Reduce::Sum => "join_sum",
        Reduce::Max => "join_max",
        Reduce::Prod => "join_prod",
    }
}

fn join(p: &Printer, prefix: &str, op: Reduce, dtype: DType, threads: usize, lanes: usize) -> String {
    let ty = (p.lang.ty)(dtype);
    let name = format!("{}_{ty}", join_name(op));
    let team = p.target().lanes.min(lanes);
    // Neighbours hand around numbers only.
    let skeleton = p.lang.join_lanes.filter(|_| team > 1 && dtype != DType::Bool).unwrap_or(p.lang.join);
    let holes = [
        ("prefix", prefix.to_string()),
        ("name", name),
        ("type", ty.into()),
        ("threads", threads.to_string()),
        ("half", (lanes / 2).to_string()),
        ("distance", (lanes / 2).min(16).to_string()),
        ("warps", lanes.div_ceil(32).to_string()),
        ("team", team.to_string()),
        ("half_team", (team / 2).to_string()),
        ("teams", (threads / team).to_string()),
        ("teams_of_a_row", (lanes / team).to_string()),
        ("both", p.joined(op, dtype, "mine", "other")),
    ];
    fill(skeleton, &holes)
}
