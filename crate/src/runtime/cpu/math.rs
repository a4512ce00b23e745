//! Functions over blocks of lanes, written so that the compiler turns each loop into SIMD.

use crate::{graph::DType, kernel::Kernel};

/// Lanes per block: a dozen registers of this size stay in L1.
pub const LANES: usize = if cfg!(target_arch = "wasm32") { 256 } else { 512 };

/// Lanes per block of a kernel: half as many where some hold 64 bits.
pub fn lanes(kernel: &Kernel) -> usize {
    if is_wide(kernel) { LANES / 2 } else { LANES }
}

/// Whether any value takes 64 bits.
pub fn is_wide(kernel: &Kernel) -> bool {
    kernel.exprs.iter().any(|e| e.dtype.size() == 8)
}

/// One value per lane, as bits: floats as f32, integers and bools widened to 32 bits; or half as many of 64 bits.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Reg(pub [u32; LANES]);

impl Reg {
    pub const ZERO: Reg = Reg([0; LANES]);

    pub fn f32_mut(&mut self) -> &mut [f32; LANES] {
        bytemuck::cast_mut(&mut self.0)
    }

    pub fn wide<T: bytemuck::AnyBitPattern>(&self) -> &[T] {
        bytemuck::cast_slice(&self.0)
    }

    pub fn wide_mut<T: bytemuck::Pod>(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.0)
    }

    /// The bits of a lane, of as many bits as the dtype's lanes have.
    pub fn get(&self, dtype: DType, lane: usize) -> u64 {
        if dtype.size() == 8 { self.wide()[lane] } else { self.0[lane].into() }
    }

    pub fn put(&mut self, dtype: DType, lane: usize, bits: u64) {
        match dtype.size() {
            8 => self.wide_mut()[lane] = bits,
            _ => self.0[lane] = bits as u32,
        }
    }

    /// The first `n` lanes hold `bits`, of as many bits as the dtype's lanes have.
    pub fn fill(&mut self, bits: u64, dtype: DType, n: usize) {
        match dtype.size() {
            8 => self.wide_mut()[..n].fill(bits),
            _ => self.0[..n].fill(bits as u32),
        }
    }

    pub fn i32(&self) -> &[i32; LANES] {
        bytemuck::cast_ref(&self.0)
    }

    pub fn i32_mut(&mut self) -> &mut [i32; LANES] {
        bytemuck::cast_mut(&mut self.0)
    }
}

/// Lanes to read: a register's, or elements of an argument where they lie.
#[derive(Clone, Copy)]
pub struct View<'a>(pub &'a [u32]);

impl<'a> View<'a> {
    pub fn f32(self) -> &'a [f32] {
        bytemuck::cast_slice(self.0)
    }

    pub fn i32(self) -> &'a [i32] {
        bytemuck::cast_slice(self.0)
    }

    pub fn wide<T: bytemuck::AnyBitPattern>(self) -> &'a [T] {
        bytemuck::cast_slice(self.0)
    }

    /// The bits of a lane, of as many bits as the dtype's lanes have.
    pub fn get(self, dtype: DType, lane: usize) -> u64 {
        if dtype.size() == 8 { self.wide()[lane] } else { self.0[lane].into() }
    }
}

/// 1.5 · 2²³: adding it rounds to whole numbers, which are then the low bits.
const ROUND: f32 = 12_582_912.0;

/// 2ˣ: integer part into the exponent, the rest by the degree-6 minimax polynomial of 2ᶠ on [−½, ½].
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let clamped = x.clamp(-150.0, 129.0);
    let shifted = clamped + ROUND;
    let f = clamped - (shifted - ROUND);
    let p = 1.540_353e-4_f32;
    let p = p * f + 1.333_355_8e-3;
    let p = p * f + 9.618_129e-3;
    let p = p * f + 5.550_411e-2;
    let p = p * f + 2.402_265e-1;
    let p = p * f + std::f32::consts::LN_2;
    let p = p * f + 1.0;
    // Two factors, so that results below 2⁻¹²⁶ come out as subnormals and above 2¹²⁷ as infinity; with their bias
    // they add up to the whole part plus 254.
    let whole = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32 - 254);
    let half = whole >> 1;
    let power = |e: i32| f32::from_bits((e as u32) << 23);
    p * power(half) * power(whole.wrapping_sub(half))
}

/// log₂x: the exponent plus 2/ln2 · atanh((m − 1)/(m + 1)) for the mantissa m in [√½, √2).
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = if tiny { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits() as i32;
    let exponent = bits.wrapping_sub(0x3f35_04f3) >> 23;
    let m = f32::from_bits(bits.wrapping_sub(exponent << 23) as u32);
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let p = 0.320_599_f32;
    let p = p * z + 0.412_198_6;
    let p = p * z + 0.577_078_04;
    let p = p * z + 0.961_796_7;
    let p = p * z + 2.885_39;
    let y = s * p + exponent as f32 - if tiny { 23.0 } else { 0.0 };
    if x == 0.0 {
        f32::NEG_INFINITY
    } else if x < 0.0 || x.is_nan() {
        f32::NAN
    } else if x == f32::INFINITY {
        x
    } else {
        y
    }
}

/// sin x: reduced by multiples of π in two steps of f64, then the odd polynomial of degree 9.
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    let turns = (x as f64 * std::f64::consts::FRAC_1_PI).round_ties_even();
    let r = (x as f64 - turns * std::f64::consts::PI) as f32;
    let z = r * r;
    let p = 2.608_316e-6_f32;
    let p = p * z - 1.981_071_4e-4;
    let p = p * z + 8.333_079e-3;
    let p = p * z - 0.166_666_57;
    let y = r + r * z * p;
    let odd = turns as i64 & 1 == 1;
    if odd { -y } else { y }
}

/// The larger, NaN if either is.
#[inline(always)]
pub fn max(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

#[cfg(test)]
mod tests {
    #[test]
    fn functions_match_the_standard_library() {
        let close = |got: f32, want: f64| {
            assert!((got as f64 - want).abs() <= 3e-7 * want.abs().max(1e-3), "{got} for {want}");
        };
        for i in -4000..4000 {
            let x = i as f32 * 0.01;
            close(super::exp2(x), (x as f64).exp2());
            assert!((super::sin(x) as f64 - (x as f64).sin()).abs() < 5e-7, "sin {x}");
            if x > 0.0 {
                let want = (x as f64).log2();
                assert!((super::log2(x) as f64 - want).abs() < 4e-7 * want.abs().max(1.0), "log2 {x}");
            }
        }
        assert_eq!(super::exp2(f32::NEG_INFINITY), 0.0);
        assert_eq!(super::exp2(f32::INFINITY), f32::INFINITY);
        assert!(
            super::exp2(f32::NAN).is_nan() && super::log2(-1.0).is_nan() && super::sin(f32::NAN).is_nan()
        );
        assert_eq!(super::log2(0.0), f32::NEG_INFINITY);
        assert_eq!(super::log2(f32::INFINITY), f32::INFINITY);
        assert_eq!(super::exp2(-149.0), f32::from_bits(1));
    }
}
