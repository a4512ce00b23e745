//! Recurrences: a row per lane, or one row whose vectors are taken apart lane by lane.

use super::{
    body::{Body, Coord, Local, Work},
    memory::words,
    value::bits_of,
};
use crate::{
    graph::{self, DType, Reduce},
    kernel::{Scan, Store},
};
use smallvec::SmallVec;
use wasm_encoder::{BlockType, ValType};

/// The scan of the row, or of the rows that the lanes are, and the stores that follow it.
pub fn scan(body: &mut Body, scan: &Scan, stores: &[&Store], rows: bool) {
    let work = Work::new(body.kernel, &scan.sources, stores);
    body.scoped(&mut |body| {
        body.settle(&work);
        if rows { row_per_lane(body, scan, stores, &work) } else { lane_by_lane(body, scan, stores, &work) }
    });
}

fn start(body: &mut Body, scan: &Scan) -> Local {
    let (first, local) = (body.splat(bits_of(scan.start(), scan.dtype)), body.local(ValType::V128));
    body.op().local_get(first).local_set(local);
    local
}

fn row_per_lane(body: &mut Body, scan: &Scan, stores: &[&Store], work: &Work) {
    let (n, groups) = (body.kernel.ranges[scan.range] as i32, body.groups());
    let state: SmallVec<[Local; 4]> = (0..groups).map(|_| start(body, scan)).collect();
    let at = body.local(ValType::I32);
    body.op().i32_const(if scan.backwards { n - 1 } else { 0 }).local_set(at).loop_(BlockType::Empty);
    body.scoped(&mut |body| {
        body.bind(scan.range, Coord::Scalar(at));
        body.settle(work);
        for (group, state) in state.iter().enumerate() {
            let sources = sources(body, scan, group as u32);
            body.step(scan, *state, &sources);
        }
        body.bind_scan(&state);
        for group in 0..groups {
            stores.iter().for_each(|s| body.store(s, group));
        }
    });
    // One before the first is a large unsigned number.
    body.op().local_get(at).i32_const(if scan.backwards { -1 } else { 1 }).i32_add().local_tee(at);
    body.op().i32_const(n).i32_lt_u().br_if(0).end();
}

fn sources(body: &mut Body, scan: &Scan, group: u32) -> SmallVec<[Local; 2]> {
    scan.sources.iter().map(|e| body.value(*e, group)).collect()
}

fn lane_by_lane(body: &mut Body, scan: &Scan, stores: &[&Store], work: &Work) {
    let n = body.kernel.ranges[scan.range] as i32;
    let (whole, rest) = (n / 4, (n % 4) as u8);
    let (state, at) = (start(body, scan), body.local(ValType::I32));
    let vector = |body: &mut Body, active: u8| {
        body.scoped(&mut |body| {
            body.lanes(1, active);
            body.bind(scan.range, Coord::Even(at));
            body.settle(work);
            let (sources, all) = (sources(body, scan, 0), body.local(ValType::V128));
            for i in 0..active {
                let lane = if scan.backwards { active - 1 - i } else { i };
                let alone: SmallVec<[Local; 2]> = sources
                    .iter()
                    .map(|local| {
                        body.op().local_get(*local).local_get(*local).i8x16_shuffle(words([lane; 4]));
                        body.keep(ValType::V128)
                    })
                    .collect();
                body.step(scan, state, &alone);
                body.op().local_get(all).local_get(state).i32x4_extract_lane(lane);
                body.op().i32x4_replace_lane(lane).local_set(all);
            }
            body.bind_scan(&[all]);
            stores.iter().for_each(|s| body.store(s, 0));
        });
    };
    let part = |body: &mut Body| {
        if rest > 0 {
            body.op().i32_const(16 * whole).local_set(at);
            vector(body, rest);
        }
    };
    if scan.backwards {
        part(body);
    }
    if whole > 0 {
        let (first, by) = if scan.backwards { (16 * (whole - 1), -16) } else { (0, 16) };
        body.op().i32_const(first).local_set(at).loop_(BlockType::Empty);
        vector(body, 4);
        body.op().local_get(at).i32_const(by).i32_add().local_tee(at);
        body.op().i32_const(16 * whole).i32_lt_u().br_if(0).end();
    }
    if !scan.backwards {
        part(body);
    }
}

impl Body<'_> {
    /// The recurrence's next value.
    fn step(&mut self, scan: &Scan, state: Local, sources: &[Local]) {
        match (scan.op, scan.dtype) {
            (graph::Scan::Max, dtype) => self.combine(Reduce::Max, dtype, state, sources[0]),
            (graph::Scan::Linear, dtype) => {
                let mut s = self.op();
                s.local_get(sources[0]).local_get(state);
                if dtype == DType::F32 { s.f32x4_mul() } else { s.i32x4_mul() }.local_get(sources[1]);
                if dtype == DType::F32 { s.f32x4_add() } else { s.i32x4_add() }.local_set(state);
            }
        }
    }
}
