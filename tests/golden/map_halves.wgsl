// Compilers may take x != x for false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// A binary16, in integers: a device may flush subnormals and take no care of what is too large.
fn from_f16(half: u32) -> f32 {
  let size = half & 0x7fffu;
  let tiny = bitcast<u32>(f32(size) * 5.9604644775390625e-8);
  let normal = (size << 13u) + select(0x38000000u, 0x70000000u, size >= 0x7c00u);
  return bitcast<f32>(select(normal, tiny, size < 0x400u) | ((half & 0x8000u) << 16u));
}

// To the nearest, ties to even.
fn to_f16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  let tiny = u32(round(min(abs(x), 1.0) * 16777216.0));
  let normal = (size + 0xfffu + ((size >> 13u) & 1u) - 0x38000000u) >> 13u;
  let finite = select(normal, tiny, size < 0x38800000u);
  let half = select(select(finite, 0x7c00u, size >= 0x477ff000u), 0x7e00u, size > 0x7f800000u);
  return half | ((bits >> 16u) & 0x8000u);
}

fn round_f16(x: f32) -> f32 {
  return from_f16(to_f16(x));
}

fn round_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let near = (bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u;
  return bitcast<f32>(select(near, 0x7fc00000u | (bits & 0x80000000u), is_nan(x)));
}

@group(0) @binding(1) var<storage, read> b0: array<f32>;
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
  if (row >= 26) {
    return;
  }
  var word0: u32 = 0u;
  for (var j: i32 = 0; j < 2; j += 1) {
    let i = row * 2 + j;
    if (i < 51) {
      let r0 = i;
      let v0 = b0[at.a0 + r0];
      let v1 = round_f16(v0);
      let v2 = b1[at.a1 + r0];
      let v3 = round_bf16(v2);
      let v4 = round_f16(v3);
      let v5 = round_f16((v1 * v4));
      word0 |= (to_f16(v5) << ((u32(j) & 1u) * 16u));
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
