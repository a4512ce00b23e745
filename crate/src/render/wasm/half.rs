//! Values of 8 and 16 bits between memory and lanes of 32 bits, and rounding to them, as `graph::half` does it.

use super::body::{Body, Local};
use crate::graph::DType;
use wasm_encoder::ValType;

impl Body<'_> {
    /// Lanes from the bits of elements, of which the upper ones are 0.
    pub(super) fn decode(&mut self, dtype: DType) {
        match dtype {
            DType::I8 => {
                self.op().i32_const(24).i32x4_shl().i32_const(24).i32x4_shr_s();
            }
            DType::BF16 => {
                self.op().i32_const(16).i32x4_shl();
            }
            DType::F16 => {
                let half = self.keep(ValType::V128);
                let (size, bias) = (self.splat(0x7fff), self.splat(0x7780_0000));
                let (top, special, sign) =
                    (self.splat(0x0f80_0000), self.splat(0x7f80_0000), self.splat(0x8000));
                self.op().local_get(half).local_get(size).v128_and().i32_const(13).i32x4_shl();
                let size = self.keep(ValType::V128);
                let mut s = self.op();
                s.local_get(size).local_get(bias).f32x4_mul();
                s.local_get(size).local_get(top).i32x4_ge_s().local_get(special).v128_and().v128_or();
                s.local_get(half).local_get(sign).v128_and().i32_const(16).i32x4_shl().v128_or();
            }
            _ => {}
        }
    }

    /// The bits of elements from lanes that hold what the dtype can, the upper bits 0.
    pub(super) fn encode(&mut self, dtype: DType) {
        match dtype {
            DType::I8 => self.low_byte(),
            DType::BF16 => {
                self.op().i32_const(16).i32x4_shr_u();
            }
            DType::F16 => {
                let x = self.keep(ValType::V128);
                let (bias, top, quiet) = (self.splat(0x0780_0000), self.splat(0x7c00), self.splat(0x200));
                let (sign, size) = (self.splat(0x8000), self.size(x));
                let mut s = self.op();
                s.local_get(size).local_get(bias).f32x4_mul().i32_const(13).i32x4_shr_u();
                s.local_get(top).i32x4_min_u();
                s.local_get(x).local_get(x).f32x4_ne().local_get(quiet).v128_and().v128_or();
                s.local_get(x).i32_const(16).i32x4_shr_u().local_get(sign).v128_and().v128_or();
            }
            _ => {}
        }
    }

    fn size(&mut self, x: Local) -> Local {
        self.op().local_get(x).f32x4_abs();
        self.keep(ValType::V128)
    }

    /// `bits + below + (bits >> shift & 1)` without the `shift` lowest bits.
    fn nearest(&mut self, bits: Local, shift: i32) {
        let below = self.splat((1 << (shift - 1)) - 1);
        let (one, upper) = (self.splat(1), self.splat(u32::MAX << shift));
        let mut s = self.op();
        s.local_get(bits).i32_const(shift).i32x4_shr_u().local_get(one).v128_and();
        s.local_get(below).i32x4_add().local_get(bits).i32x4_add().local_get(upper).v128_and();
    }

    /// Leaves `x` where it is NaN, else what is on the stack.
    fn unless_nan(&mut self, x: Local) {
        let near = self.keep(ValType::V128);
        let mut s = self.op();
        s.local_get(near).local_get(x).local_get(x).local_get(x).f32x4_eq().v128_bitselect();
    }

    pub(super) fn round_bf16(&mut self) {
        let x = self.keep(ValType::V128);
        self.nearest(x, 16);
        self.unless_nan(x);
        // A NaN keeps its upper bits, of which the first says that it is one.
        let upper = self.splat(0xffff_0000);
        self.op().local_get(upper).v128_and();
    }

    pub(super) fn round_f16(&mut self) {
        let x = self.keep(ValType::V128);
        let size = self.size(x);
        let (half, least) = (self.float(0.5), self.splat(0x3880_0000));
        let (most, infinity, sign) =
            (self.splat(0x4780_0000), self.splat(0x7f80_0000), self.splat(0x8000_0000));
        self.op().local_get(size).local_get(half).f32x4_add().local_get(half).f32x4_sub();
        let tiny = self.keep(ValType::V128);
        self.nearest(size, 13);
        let near = self.keep(ValType::V128);
        let mut s = self.op();
        s.local_get(infinity).local_get(near).local_get(near).local_get(most).i32x4_ge_s().v128_bitselect();
        let normal = self.keep(ValType::V128);
        let mut s = self.op();
        s.local_get(tiny).local_get(normal).local_get(size).local_get(least).i32x4_lt_s().v128_bitselect();
        s.local_get(x).local_get(sign).v128_and().v128_or();
        self.unless_nan(x);
    }
}
