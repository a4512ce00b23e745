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
  return select(a, b, a < b || is_nan(b));
}

// Some drivers make numbers of NaN.
fn exp2_f32(x: f32) -> f32 {
  return select(exp2(x), x, is_nan(x));
}

@group(0) @binding(1) var<storage, read_write> b0: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
  a3: i32,
  a4: i32,
  a5: i32,
  a6: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;


// 1 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn k0_part(group: i32, thread: u32) {
  let first = group * 64;
  let lane = i32(thread % 1u);
  let live = first + i32(thread / 1u) < 20;
  let row = min(first + i32(thread / 1u), 20 - 1);
  let r0 = (row / 5);
  let r1 = (row % 5);
  var acc0: f32 = 0.0f;
  for (var r2: i32 = 0; r2 < 3; r2 += 1) {
    let v0 = b0[at.a0 + (r0 * 3 + r2)];
    let v1 = b0[at.a1 + (r1 + r2 * 5)];
    let v2 = (v0 * v1);
    acc0 = (acc0 + v2);
  }
  if (live) {
    b0[at.a2 + (r0 * 5 + r1)] = acc0;
  }
}


// 1 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn k1_part(group: i32, thread: u32) {
  let first = group * 64;
  let lane = i32(thread % 1u);
  let live = first + i32(thread / 1u) < 4;
  let row = min(first + i32(thread / 1u), 4 - 1);
  let r0 = row;
  var acc0: f32 = (-infinity());
  for (var r1: i32 = 0; r1 < 5; r1 += 1) {
    let v0 = b0[at.a3 + (r0 * 5 + r1)];
    acc0 = max_f32(acc0, v0);
  }
  var acc1: f32 = 0.0f;
  for (var r1: i32 = 0; r1 < 5; r1 += 1) {
    let v0 = b0[at.a3 + (r0 * 5 + r1)];
    let v2 = (v0 - acc0);
    let v4 = (v2 * 1.442695f);
    let v5 = exp2_f32(v4);
    acc1 = (acc1 + v5);
  }
  if (live) {
    for (var r1: i32 = 0; r1 < 5; r1 += 1) {
      let v0 = b0[at.a3 + (r0 * 5 + r1)];
      let v2 = (v0 - acc0);
      let v4 = (v2 * 1.442695f);
      let v5 = exp2_f32(v4);
      let v7 = (v5 / acc1);
      b0[at.a4 + (r0 * 5 + r1)] = v7;
    }
  }
}


// 1 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn k2_part(group: i32, thread: u32) {
  let first = group * 64;
  let lane = i32(thread % 1u);
  let live = first + i32(thread / 1u) < 5;
  let row = min(first + i32(thread / 1u), 5 - 1);
  let r0 = row;
  var acc0: f32 = 0.0f;
  for (var r1: i32 = 0; r1 < 4; r1 += 1) {
    let v0 = b0[at.a5 + (r0 + r1 * 5)];
    acc0 = (acc0 + v0);
  }
  if (live) {
    b0[at.a6 + r0] = acc0;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 1u + id.x);
  if (group >= 1) {
    return;
  }
  for (var g: i32 = 0; g < 1; g += 1) {
    k0_part(g, thread);
  }
  storageBarrier();
  for (var g: i32 = 0; g < 1; g += 1) {
    k1_part(g, thread);
  }
  storageBarrier();
  for (var g: i32 = 0; g < 1; g += 1) {
    k2_part(g, thread);
  }
}
