//! The functions of runtime/cpu/math.rs on four lanes, operation for operation; division of integers.

use super::{
    body::{Body, Local},
    memory::words,
};
use wasm_encoder::{BlockType, ValType};

/// 1.5 · 2²³: adding it rounds to whole numbers, which are then the low bits.
const ROUND: f32 = 12_582_912.0;

impl Body<'_> {
    /// Pushes `c₀ · z + c₁`, times z plus c₂, and so on.
    fn polynomial(&mut self, z: Local, coefficients: &[f32]) {
        for (i, c) in coefficients.iter().enumerate() {
            let c = self.float(*c);
            if i == 0 {
                self.op().local_get(c);
            } else {
                self.op().local_get(z).f32x4_mul().local_get(c).f32x4_add();
            }
        }
    }

    pub(super) fn exp2(&mut self, x: Local) {
        let (low, high, round) = (self.float(-150.0), self.float(129.0), self.float(ROUND));
        let (c, t, f) = (self.local(ValType::V128), self.local(ValType::V128), self.local(ValType::V128));
        let mut s = self.op();
        s.local_get(x).local_get(low).f32x4_pmax().local_get(high).f32x4_pmin().local_tee(c);
        s.local_get(c).local_get(round).f32x4_add().local_tee(t);
        s.local_get(round).f32x4_sub().f32x4_sub().local_set(f);
        let tail = [5.550_411e-2, 2.402_265e-1, std::f32::consts::LN_2, 1.0];
        self.polynomial(f, &[1.540_353e-4, 1.333_355_8e-3, 9.618_129e-3, tail[0], tail[1], tail[2], tail[3]]);
        // The whole part plus 254, so that its two halves are both exponents with their bias.
        let bias = self.splat(ROUND.to_bits() - 254);
        let mut s = self.op();
        s.local_get(t).local_get(bias).i32x4_sub().local_tee(t);
        s.i32_const(1).i32x4_shr_s().local_tee(c).i32_const(23).i32x4_shl().f32x4_mul();
        s.local_get(t).local_get(c).i32x4_sub().i32_const(23).i32x4_shl().f32x4_mul();
    }

    pub(super) fn log2(&mut self, x: Local) {
        let (least, scale, shift) =
            (self.float(f32::MIN_POSITIVE), self.float(8_388_608.0), self.float(23.0));
        let (root, one) = (self.splat(0x3f35_04f3), self.float(1.0));
        let [tiny, bits, e, s1, z] = [(); 5].map(|()| self.local(ValType::V128));
        let mut s = self.op();
        s.local_get(x).local_get(scale).f32x4_mul().local_get(x);
        s.local_get(x).local_get(least).f32x4_lt().local_tee(tiny).v128_bitselect().local_tee(bits);
        s.local_get(root).i32x4_sub().i32_const(23).i32x4_shr_s().local_set(e);
        s.local_get(bits).local_get(e).i32_const(23).i32x4_shl().i32x4_sub().local_tee(bits);
        s.local_get(one).f32x4_sub().local_get(bits).local_get(one).f32x4_add().f32x4_div().local_tee(s1);
        s.local_get(s1).f32x4_mul().local_set(z);
        self.op().local_get(s1);
        self.polynomial(z, &[0.320_599, 0.412_198_6, 0.577_078_04, 0.961_796_7, 2.885_39]);
        let (zero, infinity) = (self.splat(0), self.float(f32::INFINITY));
        let (negative, nan) = (self.float(f32::NEG_INFINITY), self.float(f32::NAN));
        let mut s = self.op();
        s.f32x4_mul().local_get(e).f32x4_convert_i32x4_s().f32x4_add();
        s.local_get(shift).local_get(tiny).v128_and().f32x4_sub().local_set(z);
        s.local_get(negative).local_get(nan).local_get(x).local_get(z);
        s.local_get(x).local_get(infinity).f32x4_eq().v128_bitselect();
        s.local_get(x).local_get(zero).f32x4_ge().local_set(z).local_set(bits).local_set(e);
        s.local_get(bits).local_get(e).local_get(z).v128_bitselect();
        s.local_get(x).local_get(zero).f32x4_eq().v128_bitselect();
    }

    fn f64_splat(&mut self, x: f64) -> Local {
        let bits = x.to_bits();
        let (low, high) = (bits as u32, (bits >> 32) as u32);
        self.constant([low, high, low, high])
    }

    pub(super) fn sin(&mut self, x: Local) {
        let (inverse, pi) =
            (self.f64_splat(std::f64::consts::FRAC_1_PI), self.f64_splat(std::f64::consts::PI));
        let (half, limit) = (self.f64_splat(0.5), self.f64_splat(9_223_372_036_854_775_808.0));
        let [wide, turns, r, odd] = [(); 4].map(|()| self.local(ValType::V128));
        for high in [false, true] {
            let mut s = self.op();
            if high {
                s.local_get(r).local_get(odd);
            }
            s.local_get(x);
            if high {
                s.local_get(x).i8x16_shuffle(words([2, 3, 0, 1]));
            }
            s.f64x2_promote_low_f32x4().local_tee(wide).local_get(inverse).f64x2_mul().f64x2_nearest();
            s.local_set(turns).local_get(wide).local_get(turns).local_get(pi).f64x2_mul().f64x2_sub();
            s.f32x4_demote_f64x2_zero().local_set(r);
            // Odd numbers, and those too large for the int64 they would be turned into.
            s.local_get(turns).local_get(half).f64x2_mul().local_tee(wide).f64x2_floor();
            s.local_get(wide).f64x2_ne().local_get(turns).local_get(limit).f64x2_ge().v128_or();
            s.local_set(odd);
            if high {
                s.local_get(odd).i8x16_shuffle(words([0, 2, 4, 6])).local_set(odd);
                s.local_get(r).i8x16_shuffle(words([0, 1, 4, 5])).local_set(r);
            }
        }
        let sign = self.float(-0.0);
        let z = self.local(ValType::V128);
        self.op().local_get(r).local_get(r).f32x4_mul().local_set(z);
        self.op().local_get(r).local_get(r).local_get(z).f32x4_mul();
        self.polynomial(z, &[2.608_316e-6, -1.981_071_4e-4, 8.333_079e-3, -0.166_666_57]);
        let mut s = self.op();
        s.f32x4_mul().f32x4_add().local_get(odd).local_get(sign).v128_and().v128_xor();
    }

    /// The remainder of C's fmod: multiples of the divisor with few enough digits to be exact are taken away.
    pub(super) fn float_remainder(&mut self, x: Local, y: Local) {
        let [a, b, q] = [(); 3].map(|()| self.local(ValType::F64));
        for lane in 0..4 {
            let mut s = self.op();
            s.local_get(x).f32x4_extract_lane(lane).f64_promote_f32().f64_abs().local_set(a);
            s.local_get(y).f32x4_extract_lane(lane).f64_promote_f32().f64_abs().local_set(b);
            s.block(BlockType::Empty).loop_(BlockType::Empty);
            s.local_get(a).local_get(b).f64_ge().i32_eqz().br_if(1);
            s.local_get(a)
                .local_get(b)
                .f64_div()
                .f64_const((1.0 - f64::EPSILON).into())
                .f64_mul()
                .f64_trunc();
            s.i64_reinterpret_f64().i64_const(!0x1fff_ffff).i64_and().f64_reinterpret_i64();
            s.f64_const(1.0.into()).f64_max().local_set(q);
            s.local_get(a).local_get(q).local_get(b).f64_mul().f64_sub().local_set(a);
            s.br(0).end().end();
            s.local_get(a).f32_demote_f64().local_get(x).f32x4_extract_lane(lane).f32_copysign();
            s.local_get(y).f32x4_extract_lane(lane);
            s.local_get(b).local_get(b).f64_eq().select();
            if lane == 0 {
                s.f32x4_splat()
            } else {
                s.f32x4_replace_lane(lane)
            };
        }
    }

    /// Pushes x / y rounded toward zero, or the remainder; by zero gives 0. Exact, since f64 holds every int32.
    pub(super) fn int_divide(&mut self, x: Local, y: Local, signed: bool, quotient: bool) {
        let zero = self.splat(0);
        let high = self.local(ValType::V128);
        for (upper, to) in [(true, Some(high)), (false, None)] {
            for source in [x, y] {
                let mut s = self.op();
                s.local_get(source);
                if upper {
                    s.local_get(source).i8x16_shuffle(words([2, 3, 0, 1]));
                }
                if signed {
                    s.f64x2_convert_low_i32x4_s()
                } else {
                    s.f64x2_convert_low_i32x4_u()
                };
            }
            let mut s = self.op();
            s.f64x2_div();
            if signed {
                s.i32x4_trunc_sat_f64x2_s_zero()
            } else {
                s.i32x4_trunc_sat_f64x2_u_zero()
            };
            if let Some(to) = to {
                s.local_set(to);
            }
        }
        self.op().local_get(high).i8x16_shuffle(words([0, 1, 4, 5]));
        if signed {
            // The least int32 by −1 wraps instead of saturating.
            let minus = self.splat(u32::MAX);
            let q = self.keep(ValType::V128);
            self.op().local_get(x).i32x4_neg().local_get(q);
            self.op().local_get(y).local_get(minus).i32x4_eq().v128_bitselect();
        }
        if !quotient {
            let q = self.keep(ValType::V128);
            self.op().local_get(x).local_get(q).local_get(y).i32x4_mul().i32x4_sub();
        }
        self.op().local_get(y).local_get(zero).i32x4_ne().v128_and();
    }

    /// Pushes the floor of x / d for d > 0, or the remainder; `bounds` are those of x.
    pub(super) fn divide_lanes(&mut self, x: Local, d: i64, bounds: (i64, i64), quotient: bool) {
        if d & (d - 1) == 0 {
            let mask = self.splat(d as u32 - 1);
            let mut s = self.op();
            s.local_get(x);
            if quotient {
                s.i32_const(d.trailing_zeros() as i32).i32x4_shr_s()
            } else {
                s.local_get(mask).v128_and()
            };
            return;
        }
        if bounds.0 > -(1 << 20) && bounds.1 < 1 << 20 && d < 1 << 20 {
            // x/d lies at least ½/d from where rounding x/d + ½/d − ½ would change.
            let by = 1.0 / d as f32;
            let (by, half, round) = (self.float(by), self.float(0.5 * by - 0.5), self.float(ROUND));
            let bias = self.splat(ROUND.to_bits());
            let mut s = self.op();
            s.local_get(x).f32x4_convert_i32x4_s().local_get(by).f32x4_mul().local_get(half).f32x4_add();
            s.local_get(round).f32x4_add().local_get(bias).i32x4_sub();
        } else {
            let (by, half) = (self.f64_splat(1.0 / d as f64), self.f64_splat(0.5));
            for upper in [false, true] {
                let mut s = self.op();
                s.local_get(x);
                if upper {
                    s.local_get(x).i8x16_shuffle(words([2, 3, 0, 1]));
                }
                s.f64x2_convert_low_i32x4_s().local_get(half).f64x2_add().local_get(by).f64x2_mul();
                s.f64x2_floor().i32x4_trunc_sat_f64x2_s_zero();
            }
            self.op().i8x16_shuffle(words([0, 1, 4, 5]));
        }
        if !quotient {
            let (q, d) = (self.keep(ValType::V128), self.splat(d as u32));
            self.op().local_get(x).local_get(q).local_get(d).i32x4_mul().i32x4_sub();
        }
    }
}
