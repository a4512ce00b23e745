@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read> b1: array<f32>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

fn part(group: i32, thread: u32) {
  let row = group * 64 + i32(thread);
  if (row >= 1200) {
    return;
  }
  let r0 = (row / 30);
  let r1 = (row % 30);
  let v0 = b0[at.a0 + (r0 * 30 + r1)];
  let v2 = (v0 * 2.0f);
  let v3 = b1[at.a1 + r1];
  let v4 = (v2 + v3);
  let v6 = select(v4, 0.0f, v4 <= 0.0f);
  b2[at.a2 + (r0 * 30 + r1)] = v6;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 19u + id.x);
  if (group >= 19) {
    return;
  }
  part(group, thread);
}
