@group(0) @binding(1) var<storage, read> b0: array<i32>;
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
  if (row >= 24) {
    return;
  }
  let r0 = (row / 6);
  let r1 = (row % 6);
  let in1 = (u32((r0 - 1)) < 3u) & (u32(r1) < 4u);
  let v0 = select(0, b0[select(0, at.a0 + (r0 - 1), in1)], in1);
  let v2 = (v0 < 0);
  let v4 = (v0 + 5);
  let v5 = select(v0, v4, v2);
  let in2 = (u32((r0 - 1)) < 3u) & (u32(r1) < 4u) & (u32(v5) < 5u);
  let v6 = select(0.0f, b1[select(0, at.a1 + (r1 + v5 * 4), in2)], in2);
  b2[at.a2 + (r0 * 6 + r1)] = v6;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 1u + id.x);
  if (group >= 1) {
    return;
  }
  part(group, thread);
}
