// Compilers may take x != x for false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn mod_i32(a: i32, b: i32) -> i32 {
  let d = select(b, 1, b == 0 || b == -1);
  return a % d;
}

// Float to integer truncates and saturates; NaN gives 0.
fn to_i32(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648.0, 2147483520.0));
  return select(select(inside, 2147483647, x >= 2147483648.0), 0, is_nan(x));
}

@group(0) @binding(1) var<storage, read> b0: array<i32>;
@group(0) @binding(2) var<storage, read> b1: array<i32>;
@group(0) @binding(3) var<storage, read_write> b2: array<i32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

fn part(group: i32, thread: u32) {
  let row = group * 64 + i32(thread);
  if (row >= 20) {
    return;
  }
  let r0 = row;
  let v0 = b0[at.a0 + r0];
  let v1 = b1[at.a1 + r0];
  let v2 = mod_i32(v0, v1);
  let v4 = (v2 < 0);
  let v5 = (v1 < 0);
  let v6 = (v4 != v5);
  let v7 = (v2 == 0);
  let v8 = (!v7);
  let v9 = (v6 && v8);
  let v10 = (v2 + v1);
  let v11 = select(v2, v10, v9);
  let v12 = f32(v0);
  let v14 = (v12 * 1.5f);
  let v15 = to_i32(v14);
  let v16 = (v11 + v15);
  b2[at.a2 + r0] = v16;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 1u + id.x);
  if (group >= 1) {
    return;
  }
  part(group, thread);
}
