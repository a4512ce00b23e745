//! Loads and stores of four lanes. A whole vector is read where any of its lanes may be: what lies up to twelve
//! bytes around a buffer is memory of the engine's allocator.

use super::body::{Body, Local, Partial, Sum};
use crate::{
    graph::DType,
    kernel::{ArgId, Cond, ExprId, Lin, Store},
};
use wasm_encoder::{BlockType, MemArg, MemArgTarget, ValType};

/// The even and the odd lanes' low words of two vectors, and the lanes backwards.
const EVERY_OTHER: [u8; 4] = [0, 2, 4, 6];
const BACKWARDS: [u8; 4] = [3, 2, 1, 0];

pub(super) fn at(offset: i64, align: u32) -> MemArg {
    MemArg { offset: offset as u64, align, target: MemArgTarget::Memory(0), ordering: None }
}

/// Byte numbers for `i8x16.shuffle` from numbers of 32-bit lanes.
pub(super) fn words(lanes: [u8; 4]) -> [u8; 16] {
    std::array::from_fn(|i| lanes[i / 4] * 4 + i as u8 % 4)
}

impl Body<'_> {
    /// Pushes an address to which a memory access adds the offset this returns.
    fn address(&mut self, p: Partial, extra: i64) -> i64 {
        self.op().local_get(p.local.expect("an address starts at an argument"));
        let offset = p.add + extra;
        if offset >= 0 {
            return offset;
        }
        self.op().i32_const(offset as i32).i32_add();
        0
    }

    /// The conditions all lanes share as one i32, and the others as a mask of lanes.
    fn guards(&mut self, conds: &[Cond], group: u32) -> (Option<Local>, Option<Local>) {
        let (mut test, mut mask) = (None, None);
        for cond in conds {
            if self.varies(self.lin_deps(&cond.lin)) {
                let next = self.mask(cond, group);
                mask = Some(match mask {
                    None => next,
                    Some(before) => {
                        self.op().local_get(before).local_get(next).v128_and();
                        self.keep(ValType::V128)
                    }
                });
            } else {
                let next = self.test(cond);
                test = Some(match test {
                    None => next,
                    Some(before) => {
                        self.op().local_get(before).local_get(next).i32_and();
                        self.keep(ValType::I32)
                    }
                });
            }
        }
        (test, mask)
    }

    /// Pushes `value` where the conditions hold, else zeros.
    pub(super) fn masked(&mut self, conds: &[Cond], value: ExprId, group: u32) {
        let value = self.value(value, group);
        let (test, mask) = self.guards(conds, group);
        self.op().local_get(value);
        if let Some(mask) = mask {
            self.op().local_get(mask).v128_and();
        }
        if let Some(test) = test {
            let zero = self.splat(0);
            self.op().local_get(zero).local_get(test).select();
        }
    }

    /// An expression's lanes are what was written where a store goes.
    pub(super) fn recall(&mut self, e: ExprId, store: &Store, group: u32) {
        self.load(store.arg, &store.index, &[], group);
        let local = self.keep(ValType::V128);
        self.scope.values.insert((e, group), local);
    }

    /// Pushes elements of an argument, zeros where a condition fails.
    pub(super) fn load(&mut self, arg: ArgId, lin: &Lin, conds: &[Cond], group: u32) {
        let sum = Sum { arg: Some(arg), lin: lin.clone() };
        let p = self.advance(&sum);
        let (test, mask) = self.guards(conds, group);
        let stride = self.stride(lin);
        let whole = match stride {
            Some(-1..=1) => true,
            Some(2) => mask.is_none() && self.scope.active == 4,
            Some(_) | None => false,
        };
        let lanes = if stride.is_none() || (!whole && mask.is_some()) {
            self.vector(&sum, group);
            if let Some(mask) = mask {
                self.op().local_get(mask).v128_and();
            }
            Some(self.keep(ValType::V128))
        } else {
            None
        };
        let any = mask.filter(|_| whole);
        let branch = test.is_some() || any.is_some();
        if let Some(test) = test {
            self.op().local_get(test);
        }
        if let Some(any) = any {
            self.op().local_get(any).v128_any_true();
            if test.is_some() {
                self.op().i32_and();
            }
        }
        if branch {
            self.op().if_(BlockType::Result(ValType::V128));
        }
        match (lanes, stride) {
            (Some(lanes), _) => self.load_lanes(arg, lanes),
            (None, Some(stride)) => self.load_even(arg, p, stride, group),
            (None, None) => unreachable!("lanes that do not step evenly have addresses"),
        }
        self.decode(self.kernel.args[arg].dtype);
        if let Some(mask) = mask {
            self.op().local_get(mask).v128_and();
        }
        if branch {
            let zero = self.splat(0);
            self.op().else_().local_get(zero).end();
        }
    }

    fn load_even(&mut self, arg: ArgId, p: Partial, stride: i64, group: u32) {
        let size = self.kernel.args[arg].dtype.size() as i64;
        let first = 4 * i64::from(group) * stride * size;
        match (stride, size) {
            (0, 4) => {
                let offset = self.address(p, 0);
                self.op().v128_load32_splat(at(offset, 2));
            }
            (0, 2) => {
                let offset = self.address(p, 0);
                self.op().i32_load16_u(at(offset, 1)).i32x4_splat();
            }
            (0, _) => {
                let offset = self.address(p, 0);
                self.op().i32_load8_u(at(offset, 0)).i32x4_splat();
            }
            (1 | -1, 2) => {
                let offset = self.address(p, if stride == 1 { first } else { first - 6 });
                self.op().v128_load64_zero(at(offset, 1)).i32x4_extend_low_i16x8_u();
            }
            (1 | -1, 4) => {
                let offset = self.address(p, if stride == 1 { first } else { first - 12 });
                self.op().v128_load(at(offset, 2));
            }
            (1 | -1, _) => {
                let offset = self.address(p, if stride == 1 { first } else { first - 3 });
                self.op().v128_load32_zero(at(offset, 0));
                self.op().i16x8_extend_low_i8x16_u().i32x4_extend_low_i16x8_u();
            }
            (2, 4) if self.scope.active == 4 => {
                let offset = self.address(p, first);
                self.op().v128_load(at(offset, 2));
                let offset = self.address(p, first + 16);
                self.op().v128_load(at(offset, 2)).i8x16_shuffle(words(EVERY_OTHER));
            }
            _ => {
                for lane in 0..self.scope.active {
                    self.load_lane(size, lane, &mut |body| {
                        body.address(p, first + i64::from(lane) * stride * size)
                    });
                }
            }
        }
        if stride == -1 {
            let all = self.keep(ValType::V128);
            self.op().local_get(all).local_get(all).i8x16_shuffle(words(BACKWARDS));
        }
    }

    fn load_lanes(&mut self, arg: ArgId, addresses: Local) {
        let size = self.kernel.args[arg].dtype.size() as i64;
        for lane in 0..self.scope.active {
            self.load_lane(size, lane, &mut |body| {
                body.op().local_get(addresses).i32x4_extract_lane(lane);
                0
            });
        }
    }

    /// Puts an element into a lane of the vector on the stack; lane 0 starts the vector.
    fn load_lane(&mut self, size: i64, lane: u8, address: &mut dyn FnMut(&mut Self) -> i64) {
        match (lane, size) {
            (0, 4) => {
                let offset = address(self);
                self.op().v128_load32_splat(at(offset, 2));
            }
            (0, 2) => {
                let offset = address(self);
                self.op().i32_load16_u(at(offset, 1)).i32x4_splat();
            }
            (0, _) => {
                let offset = address(self);
                self.op().i32_load8_u(at(offset, 0)).i32x4_splat();
            }
            (_, 2) => {
                let offset = address(self);
                self.op().i32_load16_u(at(offset, 1)).i32x4_replace_lane(lane);
            }
            (_, 4) => {
                let so_far = self.keep(ValType::V128);
                let offset = address(self);
                self.op().local_get(so_far).v128_load32_lane(at(offset, 2), lane);
            }
            _ => {
                let offset = address(self);
                self.op().i32_load8_u(at(offset, 0)).i32x4_replace_lane(lane);
            }
        }
    }

    pub fn store(&mut self, store: &Store, group: u32) {
        let value = self.value(store.value, group);
        self.write(store, value, group);
    }

    /// Writes the lanes that count where a store goes; one where the index is the same for all.
    pub(super) fn write(&mut self, store: &Store, value: Local, group: u32) {
        let sum = Sum { arg: Some(store.arg), lin: store.index.clone() };
        let p = self.advance(&sum);
        let dtype = self.kernel.args[store.arg].dtype;
        let size = dtype.size() as i64;
        let value = match dtype {
            DType::I8 | DType::F16 | DType::BF16 => {
                self.op().local_get(value);
                self.encode(dtype);
                self.keep(ValType::V128)
            }
            _ => value,
        };
        let Some(stride) = self.stride(&store.index) else {
            self.vector(&sum, group);
            let addresses = self.keep(ValType::V128);
            for lane in 0..self.scope.active {
                self.op().local_get(addresses).i32x4_extract_lane(lane);
                self.store_lane(size, lane, value, 0);
            }
            return;
        };
        let first = 4 * i64::from(group) * stride * size;
        match (stride, size, self.scope.active) {
            (1, 4, 4) => {
                let offset = self.address(p, first);
                self.op().local_get(value).v128_store(at(offset, 2));
            }
            (1, 2, 4) => {
                let offset = self.address(p, first);
                self.op().local_get(value).local_get(value).i16x8_narrow_i32x4_u();
                self.op().v128_store64_lane(at(offset, 1), 0);
            }
            (1, _, 4) => {
                let offset = self.address(p, first);
                self.op().local_get(value).local_get(value).i16x8_narrow_i32x4_u();
                let short = self.keep(ValType::V128);
                self.op().local_get(short).local_get(short).i8x16_narrow_i16x8_u();
                self.op().v128_store32_lane(at(offset, 0), 0);
            }
            (_, _, active) => {
                for lane in 0..if stride == 0 { 1 } else { active } {
                    let offset = self.address(p, first + i64::from(lane) * stride * size);
                    self.store_lane(size, lane, value, offset);
                }
            }
        }
    }

    fn store_lane(&mut self, size: i64, lane: u8, value: Local, offset: i64) {
        let mut op = self.op();
        op.local_get(value);
        match size {
            4 => op.v128_store32_lane(at(offset, 2), lane),
            2 => op.v128_store16_lane(at(offset, 1), lane * 2),
            _ => op.v128_store8_lane(at(offset, 0), lane * 4),
        };
    }
}
