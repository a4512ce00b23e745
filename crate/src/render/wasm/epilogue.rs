//! The stores of a contraction over a finished tile of sums:
//! `fn(args, sums, wide, batch, r0, rows, c0, columns)` has `rows` from `r0` of `columns` from `c0`, `wide` sums
//! apart. Neither may be 0.

use super::body::{Body, Coord, Local, Work};
use crate::kernel::{Kernel, RangeId};
use wasm_encoder::{BlockType, Function, MemArg, MemArgTarget, ValType};

/// How many parameters the function has.
pub const PARAMS: usize = 8;
const SUMS: Local = 1;
const WIDE: Local = 2;
const BATCH: Local = 3;
const ROW: Local = 4;
const ROWS: Local = 5;
const COLUMN: Local = 6;
const COLUMNS: Local = 7;

/// None where the kernel has more ranges than a body can name.
pub fn epilogue(
    kernel: &Kernel,
    batch: &[RangeId],
    rows: &[RangeId],
    columns: &[RangeId],
) -> Option<Function> {
    let mut body = Body::new(kernel, PARAMS as u32)?;
    let work = Work::new(kernel, &[], &kernel.stores.iter().collect::<Vec<_>>());
    let (row, first, last) = (body.local(ValType::I32), body.local(ValType::I32), body.local(ValType::I32));
    body.op().local_get(ROW).local_set(row);
    body.op().local_get(ROW).local_get(ROWS).i32_add().local_set(ROWS);
    body.op().local_get(COLUMN).local_get(COLUMNS).i32_add().local_set(last);
    body.place(batch, BATCH);
    body.settle(&work);
    body.op().loop_(BlockType::Empty);
    body.scoped(&mut |body| {
        body.place(rows, row);
        body.settle(&work);
        body.op().local_get(COLUMN).local_set(first);
        along(body, columns, (first, last), &work);
    });
    let mut s = body.op();
    s.local_get(SUMS).local_get(WIDE).i32_const(2).i32_shl().i32_add().local_set(SUMS);
    s.local_get(row).i32_const(1).i32_add().local_tee(row).local_get(ROWS).i32_lt_u().br_if(0).end();
    Some(body.finish())
}

/// Columns `first..last` of a row, run by run of the last range.
fn along(body: &mut Body, columns: &[RangeId], (first, last): (Local, Local), work: &Work) {
    let sizes = &body.kernel.ranges;
    let Some(at) = columns.iter().rposition(|r| sizes[*r] > 1) else {
        return vectors(body, columns[0], (first, last), first, work);
    };
    let (size, inner) = (sizes[columns[at]] as i32, columns[at]);
    if columns[..at].iter().all(|r| sizes[*r] == 1) {
        return vectors(body, inner, (first, last), first, work);
    }
    let (from, end) = (body.local(ValType::I32), body.local(ValType::I32));
    body.op().loop_(BlockType::Empty);
    body.scoped(&mut |body| {
        body.op().local_get(first).i32_const(size).i32_rem_u().local_set(from);
        body.op().local_get(first).i32_const(size).i32_div_u();
        let left = body.keep(ValType::I32);
        body.place(&columns[..at], left);
        body.settle(work);
        // The run ends where its range or the tile does.
        let mut s = body.op();
        s.local_get(last).local_get(first).i32_sub().local_get(from).i32_add().local_tee(end);
        s.i32_const(size).local_get(end).i32_const(size).i32_lt_u().select().local_set(end);
        vectors(body, inner, (from, end), first, work);
    });
    let mut s = body.op();
    s.local_get(first).local_get(end).i32_add().local_get(from).i32_sub().local_tee(first);
    s.local_get(last).i32_lt_u().br_if(0).end();
}

/// Points `from..end` of `inner`, the first of them at column `column`: whole vectors, the last of which starts
/// early enough to be full, or one by one where there are not enough.
fn vectors(body: &mut Body, inner: RangeId, (from, end): (Local, Local), column: Local, work: &Work) {
    let [sums, at, most] = [(); 3].map(|()| body.local(ValType::I32));
    // Positions times four, as `Coord::Even` wants them: bytes from where position 0 would be.
    let mut s = body.op();
    s.local_get(from).i32_const(2).i32_shl().local_set(at);
    s.local_get(column).local_get(COLUMN).i32_sub().i32_const(2).i32_shl().local_get(SUMS).i32_add();
    s.local_get(at).i32_sub().local_set(sums);
    s.local_get(end).i32_const(2).i32_shl().local_set(most);
    let step = |body: &mut Body, active: u8| {
        body.scoped(&mut |body| {
            body.lanes(1, active);
            if body.kernel.ranges[inner] > 1 {
                body.bind(inner, Coord::Even(at));
            }
            let mem = MemArg { offset: 0, align: 2, target: MemArgTarget::Memory(0), ordering: None };
            body.op().local_get(sums).local_get(at).i32_add().v128_load(mem);
            let sum = body.keep(ValType::V128);
            body.bind_acc(0, &[sum], true);
            body.settle(work);
            body.kernel.stores.iter().for_each(|s| body.store(s, 0));
        });
    };
    let short = body.kernel.ranges[inner] < 4;
    if !short {
        let mut s = body.op();
        s.local_get(most).local_get(at).i32_sub().i32_const(16).i32_ge_u().if_(BlockType::Empty);
        s.local_get(most).i32_const(16).i32_sub().local_set(most).loop_(BlockType::Empty);
        step(body, 4);
        let mut s = body.op();
        s.local_get(at).i32_const(16).i32_add().local_tee(at).local_get(most).i32_le_u().br_if(0);
        s.local_get(at).local_get(most).i32_const(16).i32_add().i32_lt_u().if_(BlockType::Empty);
        s.local_get(most).local_set(at).br(1).end().end().else_();
    }
    body.op().loop_(BlockType::Empty);
    step(body, 1);
    body.op().local_get(at).i32_const(4).i32_add().local_tee(at).local_get(most).i32_lt_u().br_if(0).end();
    if !short {
        body.op().end();
    }
}
