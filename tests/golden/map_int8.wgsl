// Compilers may take x != x for false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn to_i8(x: f32) -> i32 {
  return select(i32(clamp(x, -128.0, 127.0)), 0, is_nan(x));
}

@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
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
    if (i < 51) {
      let r0 = i;
      let v0 = b0[at.a0 + r0];
      let v1 = to_i8(v0);
      let at1 = r0;
      let v2 = extractBits(bitcast<i32>(b1[at.a1 + (at1 >> 2)]), (u32(at1) & 3u) * 8u, 8u);
      let v3 = extractBits((v1 * v2), 0u, 8u);
      word0 |= ((bitcast<u32>(v3) & 255u) << ((u32(j) & 3u) * 8u));
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
