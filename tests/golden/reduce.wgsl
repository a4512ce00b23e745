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
  let first = group * 64;
  let lane = i32(thread % 1u);
  let live = first + i32(thread / 1u) < 70000;
  let row = min(first + i32(thread / 1u), 70000 - 1);
  let r0 = row;
  var acc0: f32 = 0.0f;
  let r1_0_0 = 0;
  let r1_0_1 = 1;
  let r1_0_2 = 2;
  let r1_0_3 = 3;
  let r1_0_4 = 4;
  let r1_0_5 = 5;
  let v0_0_0 = b0[at.a0 + (r0 + r1_0_0 * 70000)];
  acc0 = (acc0 + v0_0_0);
  let v0_0_1 = b0[at.a0 + (r0 + r1_0_1 * 70000)];
  acc0 = (acc0 + v0_0_1);
  let v0_0_2 = b0[at.a0 + (r0 + r1_0_2 * 70000)];
  acc0 = (acc0 + v0_0_2);
  let v0_0_3 = b0[at.a0 + (r0 + r1_0_3 * 70000)];
  acc0 = (acc0 + v0_0_3);
  let v0_0_4 = b0[at.a0 + (r0 + r1_0_4 * 70000)];
  acc0 = (acc0 + v0_0_4);
  let v0_0_5 = b0[at.a0 + (r0 + r1_0_5 * 70000)];
  acc0 = (acc0 + v0_0_5);
  if (live) {
    let v2 = sqrt(acc0);
    b1[at.a1 + r0] = v2;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 1094u + id.x);
  if (group >= 1094) {
    return;
  }
  part(group, thread);
}
