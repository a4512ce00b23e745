// Compilers may take x != x for false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// Some drivers make numbers of NaN.
fn exp2_f32(x: f32) -> f32 {
  return select(exp2(x), x, is_nan(x));
}

@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read> b1: array<f32>;
@group(0) @binding(3) var<storage, read> b2: array<f32>;
@group(0) @binding(4) var<storage, read> b3: array<f32>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
  a3: i32,
  a4: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;


// 1 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn part(group: i32, thread: u32) {
  let first = group * 64;
  let lane = i32(thread % 1u);
  let live = first + i32(thread / 1u) < 24;
  let row = min(first + i32(thread / 1u), 24 - 1);
  let r0 = (row / 12);
  let r2 = ((row >> 2u) % 3);
  let r3 = (row & 3);
  if (live) {
    let v1 = b1[at.a1 + (r2 * 4 + r3)];
    var scan: f32 = 0.0f;
    for (var step: i32 = 0; step < 40; step += 1) {
      let r1 = step;
      let v0 = b0[at.a0 + (r0 * 120 + r1 * 3 + r2)];
      let v2 = (v0 * v1);
      let v4 = (v2 * 1.442695f);
      let v5 = exp2_f32(v4);
      let v6 = b2[at.a2 + (r0 * 120 + r1 * 3 + r2)];
      let v7 = (v0 * v6);
      let v8 = b3[at.a3 + (r0 * 160 + r1 * 4 + r3)];
      let v9 = (v7 * v8);
      scan = ((v5 * scan) + v9);
      b4[at.a4 + (r0 * 480 + r1 * 12 + r2 * 4 + r3)] = scan;
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 1u + id.x);
  if (group >= 1) {
    return;
  }
  part(group, thread);
}
