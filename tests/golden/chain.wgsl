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
  let r2_0_0 = 0;
  let r2_0_1 = 1;
  let r2_0_2 = 2;
  let v0_0_0 = b0[at.a0 + (r0 * 3 + r2_0_0)];
  let v1_0_0 = b0[at.a1 + (r1 + r2_0_0 * 5)];
  let v2_0_0 = (v0_0_0 * v1_0_0);
  acc0 = (acc0 + v2_0_0);
  let v0_0_1 = b0[at.a0 + (r0 * 3 + r2_0_1)];
  let v1_0_1 = b0[at.a1 + (r1 + r2_0_1 * 5)];
  let v2_0_1 = (v0_0_1 * v1_0_1);
  acc0 = (acc0 + v2_0_1);
  let v0_0_2 = b0[at.a0 + (r0 * 3 + r2_0_2)];
  let v1_0_2 = b0[at.a1 + (r1 + r2_0_2 * 5)];
  let v2_0_2 = (v0_0_2 * v1_0_2);
  acc0 = (acc0 + v2_0_2);
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
  let r1_0_0 = 0;
  let r1_0_1 = 1;
  let r1_0_2 = 2;
  let r1_0_3 = 3;
  let r1_0_4 = 4;
  let v0_0_0 = b0[at.a3 + (r0 * 5 + r1_0_0)];
  acc0 = max_f32(acc0, v0_0_0);
  let v0_0_1 = b0[at.a3 + (r0 * 5 + r1_0_1)];
  acc0 = max_f32(acc0, v0_0_1);
  let v0_0_2 = b0[at.a3 + (r0 * 5 + r1_0_2)];
  acc0 = max_f32(acc0, v0_0_2);
  let v0_0_3 = b0[at.a3 + (r0 * 5 + r1_0_3)];
  acc0 = max_f32(acc0, v0_0_3);
  let v0_0_4 = b0[at.a3 + (r0 * 5 + r1_0_4)];
  acc0 = max_f32(acc0, v0_0_4);
  var acc1: f32 = 0.0f;
  let v2_0_0 = (v0_0_0 - acc0);
  let v4_0_0 = (v2_0_0 * 1.442695f);
  let v5_0_0 = exp2_f32(v4_0_0);
  acc1 = (acc1 + v5_0_0);
  let v2_0_1 = (v0_0_1 - acc0);
  let v4_0_1 = (v2_0_1 * 1.442695f);
  let v5_0_1 = exp2_f32(v4_0_1);
  acc1 = (acc1 + v5_0_1);
  let v2_0_2 = (v0_0_2 - acc0);
  let v4_0_2 = (v2_0_2 * 1.442695f);
  let v5_0_2 = exp2_f32(v4_0_2);
  acc1 = (acc1 + v5_0_2);
  let v2_0_3 = (v0_0_3 - acc0);
  let v4_0_3 = (v2_0_3 * 1.442695f);
  let v5_0_3 = exp2_f32(v4_0_3);
  acc1 = (acc1 + v5_0_3);
  let v2_0_4 = (v0_0_4 - acc0);
  let v4_0_4 = (v2_0_4 * 1.442695f);
  let v5_0_4 = exp2_f32(v4_0_4);
  acc1 = (acc1 + v5_0_4);
  if (live) {
    let v7_0_0 = (v5_0_0 / acc1);
    b0[at.a4 + (r0 * 5 + r1_0_0)] = v7_0_0;
    let v7_0_1 = (v5_0_1 / acc1);
    b0[at.a4 + (r0 * 5 + r1_0_1)] = v7_0_1;
    let v7_0_2 = (v5_0_2 / acc1);
    b0[at.a4 + (r0 * 5 + r1_0_2)] = v7_0_2;
    let v7_0_3 = (v5_0_3 / acc1);
    b0[at.a4 + (r0 * 5 + r1_0_3)] = v7_0_3;
    let v7_0_4 = (v5_0_4 / acc1);
    b0[at.a4 + (r0 * 5 + r1_0_4)] = v7_0_4;
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
  let r1_0_0 = 0;
  let r1_0_1 = 1;
  let r1_0_2 = 2;
  let r1_0_3 = 3;
  let v0_0_0 = b0[at.a5 + (r0 + r1_0_0 * 5)];
  acc0 = (acc0 + v0_0_0);
  let v0_0_1 = b0[at.a5 + (r0 + r1_0_1 * 5)];
  acc0 = (acc0 + v0_0_1);
  let v0_0_2 = b0[at.a5 + (r0 + r1_0_2 * 5)];
  acc0 = (acc0 + v0_0_2);
  let v0_0_3 = b0[at.a5 + (r0 + r1_0_3 * 5)];
  acc0 = (acc0 + v0_0_3);
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
