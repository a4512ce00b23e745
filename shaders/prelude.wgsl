// Infinity and NaN have no literal, and an expression of constants may not give them.
var<private> no_bits: u32 = 0u;

fn infinity() -> f32 {
  return bitcast<f32>(0x7f800000u | no_bits);
}

fn not_a_number() -> f32 {
  return bitcast<f32>(0x7fc00000u | no_bits);
}

// Compilers may take x != x for false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// NaN if either is.
fn max_f32(a: f32, b: f32) -> f32 {
  return select(a, b, a <= b || is_nan(b));
}

// Some drivers make numbers of NaN.
fn exp2_f32(x: f32) -> f32 {
  return select(exp2(x), x, is_nan(x));
}

fn log2_f32(x: f32) -> f32 {
  return select(select(log2(x), -infinity(), x == 0.0), not_a_number(), x < 0.0 || is_nan(x));
}

fn floor_div(a: i32, d: i32) -> i32 {
  return a / d - select(0, 1, a % d < 0);
}

fn floor_mod(a: i32, d: i32) -> i32 {
  let r = a % d;
  return select(r, r + d, r < 0);
}

fn div_i32(a: i32, b: i32) -> i32 {
  let q = a / select(b, 1, b == 0 || b == -1);
  return select(select(q, -q, b == -1), 0, b == 0);
}

fn div_u32(a: u32, b: u32) -> u32 {
  return select(a / select(b, 1u, b == 0u), 0u, b == 0u);
}

fn mod_i32(a: i32, b: i32) -> i32 {
  let d = select(b, 1, b == 0 || b == -1);
  return a % d;
}

fn mod_u32(a: u32, b: u32) -> u32 {
  return a % select(b, 1u, b == 0u);
}

// The sign of the dividend, as C's fmod; by zero NaN, by infinity the dividend. The quotient may be off by one after
// rounding; the divisor in two parts keeps the products of a count below 4096 exact.
fn mod_f32(a: f32, b: f32) -> f32 {
  let size = abs(b);
  if (size == infinity() && abs(a) < size) {
    return a;
  }
  let high = bitcast<f32>(bitcast<u32>(size) & 0xfffff000u);
  let count = trunc(abs(a) / size);
  let rest = (abs(a) - count * high) - count * (size - high);
  let low = select(rest, rest + size, rest < 0.0);
  let inside = select(low, low - size, low >= size);
  return select(select(inside, -inside, a < 0.0), not_a_number(), b == 0.0);
}

fn shl_i32(a: i32, b: i32) -> i32 {
  return select(a << (u32(b) & 31u), 0, u32(b) > 31u);
}

fn shl_u32(a: u32, b: u32) -> u32 {
  return select(a << (b & 31u), 0u, b > 31u);
}

fn shr_i32(a: i32, b: i32) -> i32 {
  return a >> min(u32(b), 31u);
}

fn shr_u32(a: u32, b: u32) -> u32 {
  return select(a >> (b & 31u), 0u, b > 31u);
}

// Float to integer truncates and saturates; NaN gives 0.
fn to_i32(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648.0, 2147483520.0));
  return select(select(inside, 2147483647, x >= 2147483648.0), 0, is_nan(x));
}

fn to_u32(x: f32) -> u32 {
  let inside = u32(clamp(x, 0.0, 4294967040.0));
  return select(select(inside, 4294967295u, x >= 4294967296.0), 0u, is_nan(x));
}

fn to_u8(x: f32) -> u32 {
  return select(u32(clamp(x, 0.0, 255.0)), 0u, is_nan(x));
}

fn to_i8(x: f32) -> i32 {
  return select(i32(clamp(x, -128.0, 127.0)), 0, is_nan(x));
}

// A binary16, in integers: a device may flush subnormals and take no care of what is too large.
fn from_f16(half: u32) -> f32 {
  let size = half & 0x7fffu;
  let tiny = bitcast<u32>(f32(size) * 5.9604644775390625e-8);
  let normal = (size << 13u) + select(0x38000000u, 0x70000000u, size >= 0x7c00u);
  return bitcast<f32>(select(normal, tiny, size < 0x400u) | ((half & 0x8000u) << 16u));
}

// To the nearest, ties to even.
fn to_f16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  let tiny = u32(round(min(abs(x), 1.0) * 16777216.0));
  let normal = (size + 0xfffu + ((size >> 13u) & 1u) - 0x38000000u) >> 13u;
  let finite = select(normal, tiny, size < 0x38800000u);
  let half = select(select(finite, 0x7c00u, size >= 0x477ff000u), 0x7e00u, size > 0x7f800000u);
  return half | ((bits >> 16u) & 0x8000u);
}

fn round_f16(x: f32) -> f32 {
  return from_f16(to_f16(x));
}

fn round_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let near = (bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u;
  return bitcast<f32>(select(near, 0x7fc00000u | (bits & 0x80000000u), is_nan(x)));
}

// The high word of a product.
fn mul_high(a: u32, b: u32) -> u32 {
  let a1 = a >> 16u;
  let a0 = a & 0xffffu;
  let b1 = b >> 16u;
  let b0 = b & 0xffffu;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  return a1 * b1 + (middle >> 16u) + ((a0 * b1 + (middle & 0xffffu)) >> 16u);
}

// 32 zeros, then the bits of 2/pi after the point.
const TWO_OVER_PI = array<u32, 7>(
  0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u,
);

// The sine to about 1e-7 for every finite argument. A driver's own may be wrong by 5e-4, and for large
// arguments by anything: the angle is reduced to quarter turns in integers (Payne and Hanek).
fn sine(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let exponent = (bits >> 23u) & 0xffu;
  if (exponent == 255u) {
    return not_a_number();
  }
  var quarter = 0u;
  var r = abs(x);
  if (exponent > 125u) {
    let mantissa = (bits & 0x7fffffu) | 0x800000u;
    let skip = exponent - 120u;
    let word = skip >> 5u;
    let shift = skip & 31u;
    var table = TWO_OVER_PI;
    var high = table[word];
    var low = table[word + 1u];
    if (shift > 0u) {
      high = (high << shift) | (low >> (32u - shift));
      low = (low << shift) | (table[word + 2u] >> (32u - shift));
    }
    // Quarter turns modulo 4, with 30 bits after the point, rounded to the nearest.
    let turns = mantissa * high + mul_high(mantissa, low);
    quarter = (turns + 0x20000000u) >> 30u;
    r = f32(i32(turns - (quarter << 30u))) * 1.4629180792671596e-9;
  }
  let r2 = r * r;
  let s = r + r * r2 * (-0.16666667 + r2 * (8.3333333e-3 + r2 * (-1.984127e-4 + r2 * 2.7557319e-6)));
  let c = 1.0 + r2 * (-0.5 + r2 * (4.1666667e-2 + r2 * (-1.3888889e-3 + r2 * 2.4801587e-5)));
  let y = select(s, c, (quarter & 1u) == 1u);
  return select(y, -y, ((quarter & 2u) == 2u) != (x < 0.0));
}
