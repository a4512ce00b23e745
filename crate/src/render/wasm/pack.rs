//! An operand of a contraction as panels of some lanes, `[panel][k][lane]`:
//! `fn(args, out, batch, k0, deep, from, count)` packs lanes `from..from + count` of the depth `k0..k0 + deep`. Lanes
//! past the last hold anything; a vector past the last panel may be written. Neither count may be 0.

use super::body::{Body, Coord, Local, Work};
use crate::kernel::{ExprId, Kernel, RangeId};
use wasm_encoder::{BlockType, Function, MemArg, MemArgTarget, ValType};

/// How many parameters the function has.
pub const PARAMS: usize = 7;
const OUT: Local = 1;
const BATCH: Local = 2;
const FROM_K: Local = 3;
const DEEP: Local = 4;
const FROM: Local = 5;
const COUNT: Local = 6;

/// One side of a contraction: the value, and its ranges, the last fastest.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub value: ExprId,
    pub lanes: &'a [RangeId],
    pub depth: &'a [RangeId],
    /// Lanes of a panel.
    pub width: usize,
}

/// None where the kernel has more ranges than a body can name.
pub fn pack(kernel: &Kernel, batch: &[RangeId], side: Side) -> Option<Function> {
    let mut body = Body::new(kernel, PARAMS as u32)?;
    let work = Work::new(kernel, &[side.value], &[]);
    let [panel, lane, k, to] = [(); 4].map(|()| body.local(ValType::I32));
    let width = side.width as i32;
    body.place(batch, BATCH);
    body.settle(&work);
    let mut s = body.op();
    s.local_get(DEEP).local_get(FROM_K).i32_add().local_set(DEEP);
    s.i32_const(0).local_set(panel).loop_(BlockType::Empty);
    // Backwards, because a vector may reach into the next row of the panel.
    s.i32_const((width - 1) / 4 * 4).local_set(lane).loop_(BlockType::Empty);
    let mut s = body.op();
    s.local_get(OUT).local_get(lane).i32_const(2).i32_shl().i32_add().local_set(to);
    s.local_get(FROM_K).local_set(k);
    let down = |body: &mut Body| {
        body.settle(&work);
        body.op().loop_(BlockType::Empty);
        body.scoped(&mut |body| {
            body.place(side.depth, k);
            body.settle(&work);
            let value = body.value(side.value, 0);
            let mem = MemArg { offset: 0, align: 2, target: MemArgTarget::Memory(0), ordering: None };
            let mut s = body.op();
            s.local_get(to).local_get(value).v128_store(mem);
            s.local_get(to).i32_const(4 * width).i32_add().local_set(to);
        });
        let mut s = body.op();
        s.local_get(k).i32_const(1).i32_add().local_tee(k).local_get(DEEP).i32_lt_u().br_if(0).end();
    };
    let long: Vec<RangeId> = side.lanes.iter().copied().filter(|r| kernel.ranges[*r] > 1).collect();
    if let [r] = long[..] {
        // Four lanes that follow each other, where there are four.
        let mut s = body.op();
        s.local_get(panel).local_get(lane).i32_add().i32_const(4).i32_add().local_get(COUNT).i32_le_u();
        s.if_(BlockType::Empty);
        body.scoped(&mut |body| {
            let mut s = body.op();
            s.local_get(FROM).local_get(panel).i32_add().local_get(lane).i32_add();
            s.i32_const(2).i32_shl();
            let start = body.keep(ValType::I32);
            body.bind(r, Coord::Even(start));
            down(body);
        });
        body.op().else_();
    }
    body.scoped(&mut |body| {
        lanes(body, &long, (panel, lane));
        down(body);
    });
    if long.len() == 1 {
        body.op().end();
    }
    let mut s = body.op();
    s.local_get(lane).i32_const(4).i32_sub().local_tee(lane).i32_const(0).i32_ge_s().br_if(0).end();
    s.local_get(DEEP).local_get(FROM_K).i32_sub().i32_const(4 * width).i32_mul();
    s.local_get(OUT).i32_add().local_set(OUT);
    s.local_get(panel).i32_const(width).i32_add().local_tee(panel).local_get(COUNT).i32_lt_u().br_if(0).end();
    Some(body.finish())
}

/// Binds the lanes' ranges, each longer than 1, at four lanes, none past the last.
fn lanes(body: &mut Body, ranges: &[RangeId], (panel, lane): (Local, Local)) {
    let steps = body.constant([0, 1, 2, 3]);
    let mut s = body.op();
    s.local_get(panel).local_get(lane).i32_add().i32x4_splat().local_get(steps).i32x4_add();
    s.local_get(COUNT).i32_const(1).i32_sub().i32x4_splat().i32x4_min_u();
    s.local_get(FROM).i32x4_splat().i32x4_add();
    let mut left = body.keep(ValType::V128);
    let mut bounds = (0, body.kernel.size(ranges) as i64 - 1);
    for (i, r) in ranges.iter().enumerate().rev() {
        if i == 0 {
            return body.bind(*r, Coord::Lanes(left));
        }
        let size = body.kernel.ranges[*r] as i64;
        body.divide_lanes(left, size, bounds, false);
        let at = body.keep(ValType::V128);
        body.bind(*r, Coord::Lanes(at));
        body.divide_lanes(left, size, bounds, true);
        left = body.keep(ValType::V128);
        bounds.1 /= size;
    }
}
