// Infinity and NaN have no literal, and an expression of constants may not give them.
var<private> no_bits: u32 = 0u;

fn infinity() -> f32 {
  return bitcast<f32>(0x7f800000u | no_bits);
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

@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;


// 1 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn part(group: i32, thread: u32) {
  let first = group * 16;
  let lane = i32(thread % 1u);
  let live = first + i32(thread / 1u) < 128;
  let row = min(first + i32(thread / 1u), 128 - 1);
  let r0 = row;
  var acc0: f32 = (-infinity());
  for (var r1: i32 = 0; r1 < 100; r1 += 1) {
    let v0 = b0[at.a0 + (r0 * 100 + r1)];
    acc0 = max_f32(acc0, v0);
  }
  var acc1: f32 = 0.0f;
  for (var r1: i32 = 0; r1 < 100; r1 += 1) {
    let v0 = b0[at.a0 + (r0 * 100 + r1)];
    let v2 = (v0 - acc0);
    let v4 = (v2 * 1.442695f);
    let v5 = exp2_f32(v4);
    acc1 = (acc1 + v5);
  }
  if (live) {
    for (var r1: i32 = 0; r1 < 100; r1 += 1) {
      let v0 = b0[at.a0 + (r0 * 100 + r1)];
      let v2 = (v0 - acc0);
      let v4 = (v2 * 1.442695f);
      let v5 = exp2_f32(v4);
      let v7 = (v5 / acc1);
      b1[at.a1 + (r0 * 100 + r1)] = v7;
    }
  }
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 8u + id.x);
  if (group >= 8) {
    return;
  }
  part(group, thread);
}
