//! Maps, reductions and row kernels as one function over units: points of the outermost loops, or vectors along a
//! long range. Units do not depend on each other.

use super::{
    body::{Body, Coord, Local, Work, slow},
    lanes::{Along, along, inside},
    scan,
};
use crate::{
    graph::{DType, Reduce},
    kernel::{ExprId, Kernel, RangeId, Store},
};
use smallvec::SmallVec;
use wasm_encoder::{BlockType, Function, ValType};

/// `function` is `fn(args, from, to)` and computes units `from..to` of `units`.
#[derive(Clone, Debug)]
pub struct Rows {
    pub units: u32,
    pub function: Function,
}

/// Enough units for the loop over them to be divided among threads.
const ENOUGH: usize = 16;
/// How many parameters the function has.
pub const PARAMS: usize = 3;
const FROM: Local = 1;
const TO: Local = 2;

/// The function of a kernel whatever its `contract` hint says. None where [`Body::new`] gives none.
pub fn rows(kernel: &Kernel) -> Option<Rows> {
    let mut body = Body::new(kernel, PARAMS as u32)?;
    if kernel.rows() == 0 {
        return Some(Rows { units: 0, function: body.finish() });
    }
    let plan = Plan::new(kernel);
    let units = plan.units(kernel);
    plan.function(&mut body);
    Some(Rows { units, function: body.finish() })
}

struct Plan<'k> {
    kernel: &'k Kernel,
    /// The range that gives each lane a row, if one does, and the vectors side by side along it.
    lanes: Option<RangeId>,
    groups: u32,
    /// Units are vectors along `lanes`; the other outer ranges are inside.
    by_vectors: bool,
    /// Units are points of these; the ranges of `rest` are loops inside a unit.
    lead: Vec<RangeId>,
    rest: Vec<RangeId>,
    per_row: Vec<&'k Store>,
    per_element: Vec<&'k Store>,
    kept: Option<Kept<'k>>,
}

/// A slow expression that a reduction and a store along the same row both need: computed once, and kept in the
/// store's place until it is overwritten.
#[derive(Clone, Copy)]
struct Kept<'k> {
    value: ExprId,
    store: &'k Store,
    /// The accumulator whose stage computes it.
    acc: usize,
}

impl<'k> Kept<'k> {
    fn find(kernel: &'k Kernel, stores: &[&'k Store]) -> Option<Kept<'k>> {
        let r = inside(kernel, &kernel.inner, &[], stores)?;
        let fits = |s: &&&Store| kernel.args[s.arg].dtype.size() == 4 && s.index.coefficient(r) == 1;
        let store = stores.iter().find(fits).filter(|s| !s.index.nested(r))?;
        let roots: Vec<ExprId> = stores.iter().map(|s| s.value).collect();
        let (wanted, varies) = (kernel.needed(&roots), kernel.depends(&[r]));
        kernel.stages().into_iter().find_map(|stage| {
            let values: Vec<ExprId> = stage.iter().map(|a| kernel.accs[*a].value).collect();
            let ranges = &kernel.accs[stage[0]].ranges;
            if *ranges != kernel.inner || inside(kernel, ranges, &values, &[]) != Some(r) {
                return None;
            }
            let costly = |e: &ExprId| kernel.needed(&[*e]).iter().any(|e| slow(kernel, *e) && varies[*e]);
            let value = kernel.needed(&values).into_iter().rev().find(|e| wanted.contains(e) && costly(e))?;
            Some(Kept { value, store, acc: stage[0] })
        })
    }
}

impl<'k> Plan<'k> {
    fn new(kernel: &'k Kernel) -> Plan<'k> {
        let lanes = match along(kernel) {
            Along::Outer(r) => Some(r),
            Along::Inside => None,
        };
        let others: Vec<RangeId> =
            kernel.outer.iter().copied().filter(|r| kernel.ranges[*r] > 1 && Some(*r) != lanes).collect();
        let groups = lanes.map_or(1, |r| groups(kernel.ranges[r], whole(kernel).weight));
        let product = kernel.size(&others);
        let by_vectors =
            lanes.is_some_and(|r| product < ENOUGH && kernel.ranges[r] / (4 * groups as usize) > product);
        let mut at = 0;
        while !by_vectors && at < others.len() && kernel.size(&others[..at]) < ENOUGH {
            at += 1;
        }
        let stores =
            |per_element: bool| kernel.stores.iter().filter(|s| s.per_element == per_element).collect();
        let per_element: Vec<&Store> = stores(true);
        let kept =
            if lanes.is_none() && kernel.scan.is_none() { Kept::find(kernel, &per_element) } else { None };
        Plan {
            lanes,
            groups,
            by_vectors,
            lead: others[..at].to_vec(),
            rest: others[at..].to_vec(),
            per_row: stores(false),
            per_element,
            kept,
            kernel,
        }
    }

    fn units(&self, kernel: &Kernel) -> u32 {
        match self.lanes {
            Some(r) if self.by_vectors => kernel.ranges[r].div_ceil(4 * self.groups as usize) as u32,
            _ => kernel.size(&self.lead) as u32,
        }
    }

    fn function(&self, body: &mut Body<'k>) {
        let work = whole(self.kernel);
        body.op().local_get(FROM).local_get(TO).i32_ge_u().if_(BlockType::Empty).return_().end();
        body.settle(&work);
        if let (Some(r), true) = (self.lanes, self.by_vectors) {
            vectors(body, r, self.groups, Some((FROM, TO)), &work, &mut |body| {
                body.nest(&self.rest, &work, &mut |body| self.row(body));
            });
            return;
        }
        body.op().loop_(BlockType::Empty);
        body.scoped(&mut |body| {
            body.place(&self.lead, FROM);
            body.settle(&work);
            body.nest(&self.rest, &work, &mut |body| match self.lanes {
                Some(r) => vectors(body, r, self.groups, None, &work, &mut |body| self.row(body)),
                None => self.row(body),
            });
        });
        body.op().local_get(FROM).i32_const(1).i32_add().local_tee(FROM);
        body.op().local_get(TO).i32_lt_u().br_if(0).end();
    }

    /// Accumulators, then stores: of one row, or of a row per lane.
    fn row(&self, body: &mut Body) {
        let kernel = self.kernel;
        for stage in kernel.stages() {
            match self.lanes {
                Some(_) => stage_of_rows(body, &stage),
                None => stage_inside(body, &stage, self.kept.filter(|k| k.acc == stage[0])),
            }
            let work = Work::new(kernel, &[], &self.per_row);
            body.settle(&work);
        }
        let groups = if self.lanes.is_some() { self.groups } else { 1 };
        for group in 0..groups {
            self.per_row.iter().for_each(|s| body.store(s, group));
        }
        if let Some(scan) = &kernel.scan {
            return scan::scan(body, scan, &self.per_element, self.lanes.is_some());
        }
        if self.per_element.is_empty() {
            return;
        }
        let work = Work::new(kernel, &[], &self.per_element);
        body.scoped(&mut |body| {
            body.settle(&work);
            let lanes = if self.lanes.is_some() {
                None
            } else {
                inside(kernel, &kernel.inner, &[], &self.per_element)
            };
            let loops: Vec<RangeId> = kernel.inner.iter().copied().filter(|r| Some(*r) != lanes).collect();
            let store = |body: &mut Body, groups: u32| {
                for group in 0..groups {
                    self.per_element.iter().for_each(|s| body.store(s, group));
                }
            };
            body.nest(&loops, &work, &mut |body| match (lanes, self.kept) {
                (Some(r), Some(kept)) => {
                    let recall = |body: &mut Body, groups: u32| {
                        (0..groups).for_each(|group| body.recall(kept.value, kept.store, group));
                    };
                    let groups = groups_of(body, r, &work);
                    let once = Once { r, groups, work: &work, partial: true };
                    once.run(body, &recall, &|body, groups, _| store(body, groups));
                }
                (Some(r), None) => {
                    let groups = groups_of(body, r, &work);
                    vectors(body, r, groups, None, &work, &mut |body| store(body, groups));
                }
                (None, _) => store(body, groups),
            });
        });
    }
}

/// All that a kernel computes.
fn whole(kernel: &Kernel) -> Work {
    let values: Vec<ExprId> =
        kernel.accs.iter().map(|a| a.value).chain(kernel.scanned().iter().copied()).collect();
    Work::new(kernel, &values, &kernel.stores.iter().collect::<Vec<_>>())
}

/// Vectors side by side: enough to hide the latency of short bodies.
fn groups(n: usize, weight: usize) -> u32 {
    match weight {
        0..=8 if n >= 16 => 4,
        0..=24 if n >= 8 => 2,
        _ => 1,
    }
}

fn groups_of(body: &Body, r: RangeId, work: &Work) -> u32 {
    groups(body.kernel.ranges[r], work.weight)
}

/// A loop of vectors along `r`, whole or the steps between two locals. The last step starts early enough to be
/// full, so what it does twice must not matter; a range shorter than a vector is one step of fewer lanes.
fn vectors(
    body: &mut Body,
    r: RangeId,
    groups: u32,
    steps: Option<(Local, Local)>,
    work: &Work,
    f: &mut dyn FnMut(&mut Body),
) {
    let (n, wide) = (body.kernel.ranges[r] as i32, 4 * groups as i32);
    let (at, last) = (body.local(ValType::I32), body.local(ValType::I32));
    if n < 4 {
        body.op().i32_const(0).local_set(at);
        body.scoped(&mut |body| {
            body.lanes(1, n as u8);
            body.bind(r, Coord::Even(at));
            body.settle(work);
            f(body);
        });
        return;
    }
    // Positions times four, as `Coord::Even` wants them.
    let (step, end) = (4 * wide, 4 * n);
    match steps {
        Some((from, to)) => {
            let smaller = body.local(ValType::I32);
            let mut bounded = |by: Local, most: i32, into: Local| {
                let mut s = body.op();
                s.local_get(by).i32_const(step).i32_mul().local_tee(smaller).i32_const(most);
                s.local_get(smaller).i32_const(most).i32_lt_s().select().local_set(into);
            };
            bounded(from, end - step, at);
            bounded(to, end, last);
            body.op().local_get(last).i32_const(step).i32_sub().local_set(last);
        }
        None => {
            body.op().i32_const(0).local_set(at).i32_const(end - step).local_set(last);
        }
    }
    body.op().loop_(BlockType::Empty);
    body.scoped(&mut |body| {
        body.lanes(groups, 4);
        body.bind(r, Coord::Even(at));
        body.settle(work);
        f(body);
    });
    let mut s = body.op();
    s.local_get(at).i32_const(step).i32_add().local_tee(at).local_get(last).i32_le_s().br_if(0);
    if end % step != 0 {
        s.local_get(at).local_get(last).i32_const(step).i32_add().i32_lt_s().if_(BlockType::Empty);
        s.local_get(last).local_set(at).br(1).end();
    }
    s.end();
}

/// Accumulators of a row per lane.
fn stage_of_rows(body: &mut Body, stage: &[usize]) {
    let kernel = body.kernel;
    let (work, ranges) = stage_work(kernel, stage);
    let groups = body.groups();
    let accs: Vec<SmallVec<[Local; 4]>> =
        stage.iter().map(|a| (0..groups).map(|_| start(body, *a)).collect()).collect();
    if kernel.size(ranges) > 0 {
        body.nest(ranges, &work, &mut |body| {
            for (a, locals) in stage.iter().zip(&accs) {
                let acc = &kernel.accs[*a];
                for group in 0..groups {
                    let value = body.value(acc.value, group);
                    body.combine(acc.op, acc.dtype, locals[group as usize], value);
                }
            }
        });
    }
    stage.iter().zip(&accs).for_each(|(a, locals)| body.bind_acc(*a, locals, true));
}

fn stage_work<'k>(kernel: &'k Kernel, stage: &[usize]) -> (Work, &'k [RangeId]) {
    let roots: Vec<ExprId> = stage.iter().map(|a| kernel.accs[*a].value).collect();
    (Work::new(kernel, &roots, &[]), &kernel.accs[stage[0]].ranges)
}

/// A new local with what the accumulator starts with.
fn start(body: &mut Body, acc: usize) -> Local {
    let acc = &body.kernel.accs[acc];
    let (identity, local) = (body.splat(Body::identity(acc.op, acc.dtype)), body.local(ValType::V128));
    body.op().local_get(identity).local_set(local);
    local
}

/// Accumulators of one row, summed by lanes along a reduced range and then joined.
fn stage_inside(body: &mut Body, stage: &[usize], kept: Option<Kept>) {
    let kernel = body.kernel;
    let (mut work, ranges) = stage_work(kernel, stage);
    let roots: Vec<ExprId> = stage.iter().map(|a| kernel.accs[*a].value).collect();
    if let Some(kept) = kept {
        work.place(kept.store);
    }
    let lanes = inside(kernel, ranges, &roots, &[]);
    let groups = lanes.map_or(1, |r| groups_of(body, r, &work));
    let accs: Vec<SmallVec<[Local; 4]>> =
        stage.iter().map(|a| (0..groups).map(|_| start(body, *a)).collect()).collect();
    let add = |body: &mut Body, count: u32, mask: Option<[bool; 4]>| {
        for (a, locals) in stage.iter().zip(&accs) {
            let acc = &kernel.accs[*a];
            for group in 0..count {
                let mut value = body.value(acc.value, group);
                if let Some(mask) = mask {
                    let identity = body.splat(Body::identity(acc.op, acc.dtype));
                    let mask = body.constant(mask.map(|m| if m { u32::MAX } else { 0 }));
                    body.op().local_get(value).local_get(identity).local_get(mask).v128_bitselect();
                    value = body.keep(ValType::V128);
                }
                body.combine(acc.op, acc.dtype, locals[group as usize], value);
            }
        }
        if let Some(kept) = kept {
            for group in 0..count {
                let value = body.value(kept.value, group);
                body.write(kept.store, value, group);
            }
        }
    };
    if kernel.size(ranges) > 0 {
        let loops: Vec<RangeId> = ranges.iter().copied().filter(|r| Some(*r) != lanes).collect();
        body.scoped(&mut |body| {
            body.settle(&work);
            body.nest(&loops, &work, &mut |body| match lanes {
                Some(r) => {
                    let once = Once { r, groups, work: &work, partial: false };
                    once.run(body, &|_, _| {}, &add);
                }
                None => add(body, 1, None),
            });
        });
    }
    for (a, locals) in stage.iter().zip(&accs) {
        let acc = &kernel.accs[*a];
        if lanes.is_some() {
            join(body, acc.op, acc.dtype, locals);
        }
        body.bind_acc(*a, &locals[..1], false);
    }
}

/// Does something to so many groups of lanes, of which some may not count.
type Step<'a> = &'a dyn Fn(&mut Body, u32, Option<[bool; 4]>);

/// Each element of `r` once: full steps, single vectors, and the rest as lanes of a last vector.
struct Once<'a> {
    r: RangeId,
    groups: u32,
    work: &'a Work,
    /// The last vector holds only the rest; otherwise also elements before, which a mask leaves out.
    partial: bool,
}

impl Once<'_> {
    /// `begin` comes before anything is computed in a step.
    fn run(&self, body: &mut Body, begin: &dyn Fn(&mut Body, u32), step: Step) {
        let n = body.kernel.ranges[self.r];
        let wide = 4 * self.groups as usize;
        let main = n / wide * wide;
        let at = body.local(ValType::I32);
        body.op().i32_const(0).local_set(at);
        let place = |body: &mut Body, groups: u32, active: u8, mask: Option<[bool; 4]>| {
            body.scoped(&mut |body| {
                body.lanes(groups, active);
                body.bind(self.r, Coord::Even(at));
                begin(body, groups);
                body.settle(self.work);
                step(body, groups, mask);
            });
        };
        if main > 0 {
            body.op().loop_(BlockType::Empty);
            place(body, self.groups, 4, None);
            let mut s = body.op();
            s.local_get(at).i32_const(4 * wide as i32).i32_add().local_tee(at);
            s.i32_const(4 * main as i32).i32_lt_u().br_if(0).end();
        }
        let mut single = |from: usize, active: u8, mask: Option<[bool; 4]>| {
            body.op().i32_const(4 * from as i32).local_set(at);
            place(body, 1, active, mask);
        };
        (main..n / 4 * 4).step_by(4).for_each(|from| single(from, 4, None));
        match (n % 4, self.partial || n < 4) {
            (0, _) => {}
            (rest, true) => {
                single(n - rest, rest as u8, Some([0, 1, 2, 3].map(|lane| lane < rest)));
            }
            (rest, false) => single(n - 4, 4, Some([0, 1, 2, 3].map(|lane| lane >= 4 - rest))),
        }
    }
}

/// Joins groups and lanes; all lanes of the first local then hold the result.
fn join(body: &mut Body, op: Reduce, dtype: DType, locals: &[Local]) {
    let mut left = locals.len();
    while left > 1 {
        left /= 2;
        (0..left).for_each(|i| body.combine(op, dtype, locals[i], locals[i + left]));
    }
    let acc = locals[0];
    for order in [[2, 3, 0, 1], [1, 0, 3, 2]] {
        body.op().local_get(acc).local_get(acc).i8x16_shuffle(super::memory::words(order));
        let turned = body.keep(ValType::V128);
        body.combine(op, dtype, acc, turned);
    }
}
