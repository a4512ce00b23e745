@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<f32>;
@group(0) @binding(3) var<storage, read_write> b2: array<u32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

fn part(group: i32, thread: u32) {
  let row = group * 64 + i32(thread);
  if (row >= 13) {
    return;
  }
  var word0: u32 = 0u;
  for (var j: i32 = 0; j < 4; j += 1) {
    let i = row * 4 + j;
    if (i < 50) {
      let r0 = i;
      let at1 = r0;
      let v0 = ((b0[at.a0 + (at1 >> 2)] >> ((u32(at1) & 3u) * 8u)) & 255u);
      let v1 = f32(v0);
      let v2 = b1[at.a1 + r0];
      let v3 = (v1 < v2);
      word0 |= (u32(v3) << ((u32(j) & 3u) * 8u));
    }
  }
  b2[at.a2 + row] = word0;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 1u + id.x);
  if (group >= 1) {
    return;
  }
  part(group, thread);
}
