//! The 16-bit floats as bits: IEEE binary16, and bfloat16, the upper half of a float32. Rounding is to the nearest,
//! ties to even; what is too large becomes infinity.

/// Exact.
#[inline(always)]
pub fn from_f16(bits: u16) -> f32 {
    let size = u32::from(bits & 0x7fff) << 13;
    // 2¹¹² moves the exponent's bias, of subnormals too.
    let moved = f32::from_bits(size) * f32::from_bits(0x7780_0000);
    let special = if size >= 0x0f80_0000 { 0x7f80_0000 } else { 0 };
    f32::from_bits(moved.to_bits() | special | u32::from(bits & 0x8000) << 16)
}

#[inline(always)]
pub fn to_f16(x: f32) -> u16 {
    let (bits, size) = (x.to_bits(), x.to_bits() & 0x7fff_ffff);
    // From 0.5 on, float32 has the spacing of a binary16's subnormals.
    let tiny = (f32::from_bits(size) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let normal = size.wrapping_add(0xfff + (size >> 13 & 1)).wrapping_sub(0x3800_0000) >> 13;
    let half = if size > 0x7f80_0000 {
        0x7e00
    } else if size >= 0x477f_f000 {
        0x7c00
    } else if size < 0x3880_0000 {
        tiny
    } else {
        normal
    };
    (half | bits >> 16 & 0x8000) as u16
}

/// Exact.
#[inline(always)]
pub fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[inline(always)]
pub fn to_bf16(x: f32) -> u16 {
    (round_bf16(x).to_bits() >> 16) as u16
}

/// The nearest value that a binary16 has.
#[inline(always)]
pub fn round_f16(x: f32) -> f32 {
    from_f16(to_f16(x))
}

/// The nearest value that a bfloat16 has.
#[inline(always)]
pub fn round_bf16(x: f32) -> f32 {
    let bits = x.to_bits();
    let near = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    f32::from_bits(if x.is_nan() { 0x7fc0_0000 | bits & 0x8000_0000 } else { near })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_and_neighbours_round_to_the_nearest() {
        for bits in 0..=u16::MAX {
            let (h, b) = (from_f16(bits), from_bf16(bits));
            assert!(h.is_nan() || to_f16(h) == bits, "{bits:x}");
            assert!(b.is_nan() || to_bf16(b) == bits, "{bits:x}");
        }
        for bits in 0..0x7bff_u16 {
            let (low, high) = (from_f16(bits), from_f16(bits + 1));
            let middle = (low + high) / 2.0;
            assert_eq!(to_f16(middle), bits + (bits & 1), "tie at {bits:x}");
            assert_eq!(to_f16(middle.next_down()), bits);
            assert_eq!(to_f16(middle.next_up()), bits + 1);
        }
    }

    #[test]
    fn ends() {
        assert_eq!([65519.0, 65520.0, f32::INFINITY].map(to_f16), [0x7bff, 0x7c00, 0x7c00]);
        assert_eq!([-0.0, 2f32.powi(-24), 2f32.powi(-25)].map(to_f16), [0x8000, 1, 0]);
        assert!(round_f16(f32::NAN).is_nan() && round_bf16(f32::from_bits(0x7f80_0001)).is_nan());
        assert_eq!((round_bf16(f32::MAX), round_bf16(-1e-45)), (f32::INFINITY, -0.0));
        assert_eq!(to_bf16(1.0 + 2f32.powi(-8)), 0x3f80);
    }
}
