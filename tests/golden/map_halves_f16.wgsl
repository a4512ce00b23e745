enable f16;

// Compilers may take x != x for false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn round_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let near = (bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u;
  return bitcast<f32>(select(near, 0x7fc00000u | (bits & 0x80000000u), is_nan(x)));
}

fn to_f16(x: f32) -> u32 {
  return select(pack2x16float(vec2<f32>(x, 0.0)), 0x7e00u, is_nan(x));
}

fn round_f16(x: f32) -> f32 {
  return f32(f16(x));
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
