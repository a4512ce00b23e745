// Infinity and NaN have no literal, and an expression of constants may not give them.
var<private> no_bits: u32 = 0u;

fn not_a_number() -> f32 {
  return bitcast<f32>(0x7fc00000u | no_bits);
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

@group(0) @binding(1) var<storage, read_write> b0: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

fn part(group: i32, thread: u32) {
  let row = group * 64 + i32(thread);
  if (row >= 100) {
    return;
  }
  let r0 = row;
  let v0 = b0[at.a0 + r0];
  let v1 = b0[at.a1 + r0];
  let v2 = sine(v1);
  let v3 = (v0 + v2);
  b0[at.a2 + r0] = v3;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 2u + id.x);
  if (group >= 2) {
    return;
  }
  part(group, thread);
}
