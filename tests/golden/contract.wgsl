@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read> b1: array<f32>;
@group(0) @binding(3) var<storage, read> b2: array<f32>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
  a3: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

// A workgroup computes 32 x 32 outputs, 16 terms at a time, an invocation
// 4 x 4 of them. A vector of a tile holds four neighbouring rows (or columns).
var<workgroup> tile_a: array<vec4<f32>, 144>;
var<workgroup> tile_b: array<vec4<f32>, 144>;

fn load_a(batch: i32, m: i32, k: i32) -> f32 {
  let r0 = m;
  let r2 = k;
  let v0 = b0[at.a0 + (r0 * 784 + r2)];
  return v0;
}

fn load_b(batch: i32, n: i32, k: i32) -> f32 {
  let r1 = n;
  let r2 = k;
  let v1 = b1[at.a1 + (r1 + r2 * 128)];
  return v1;
}

fn store(batch: i32, m: i32, n: i32, sum: f32) {
  if (m >= 128 || n >= 128) {
    return;
  }
  let r0 = m;
  let r1 = n;
  let v4 = b2[at.a2 + r1];
  let v5 = (sum + v4);
  let v7 = select(v5, 0.0f, v5 < 0.0f);
  b3[at.a3 + (r0 * 128 + r1)] = v7;
}

fn four_a(batch: i32, m: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  if (k < 784) {
    if (m < 128) { four.x = load_a(batch, m, k); }
    if (m + 1 < 128) { four.y = load_a(batch, m + 1, k); }
    if (m + 2 < 128) { four.z = load_a(batch, m + 2, k); }
    if (m + 3 < 128) { four.w = load_a(batch, m + 3, k); }
  }
  return four;
}

fn four_b(batch: i32, n: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  if (k < 784) {
    if (n < 128) { four.x = load_b(batch, n, k); }
    if (n + 1 < 128) { four.y = load_b(batch, n + 1, k); }
    if (n + 2 < 128) { four.z = load_b(batch, n + 2, k); }
    if (n + 3 < 128) { four.w = load_b(batch, n + 3, k); }
  }
  return four;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread_index: u32) {
  let tile = i32(group.y * 16u + group.x);
  if (tile >= 16) {
    return;
  }
  let thread = i32(thread_index);
  let batch = tile / 16;
  let first_m = tile % 16 / 4 * 32;
  let first_n = tile % 4 * 32;
  let my_m = thread / 8 * 1;
  let my_n = thread % 8 * 1;
  var sum_0_0 = vec4<f32>();
  var sum_1_0 = vec4<f32>();
  var sum_2_0 = vec4<f32>();
  var sum_3_0 = vec4<f32>();
  for (var first_k = 0; first_k < 784; first_k += 16) {
    for (var i = thread; i < 128; i += 64) {
      let m = i / 16;
      let k = i % 16;
      tile_a[k * 9 + m] = four_a(batch, first_m + m * 4, first_k + k);
    }
    for (var i = thread; i < 128; i += 64) {
      let n = i % 8;
      let k = i / 8;
      tile_b[k * 9 + n] = four_b(batch, first_n + n * 4, first_k + k);
    }
    workgroupBarrier();
    for (var k = 0; k < 16; k += 1) {
      let m0 = tile_a[k * 9 + my_m + 0];
      let n0 = tile_b[k * 9 + my_n + 0];
      sum_0_0 += m0.x * n0;
      sum_1_0 += m0.y * n0;
      sum_2_0 += m0.z * n0;
      sum_3_0 += m0.w * n0;
    }
    workgroupBarrier();
  }
  for (var i = 0; i < 4; i += 1) {
    store(batch, first_m + my_m * 4 + 0, first_n + (my_n + 0) * 4 + i, sum_0_0[i]);
    store(batch, first_m + my_m * 4 + 1, first_n + (my_n + 0) * 4 + i, sum_1_0[i]);
    store(batch, first_m + my_m * 4 + 2, first_n + (my_n + 0) * 4 + i, sum_2_0[i]);
    store(batch, first_m + my_m * 4 + 3, first_n + (my_n + 0) * 4 + i, sum_3_0[i]);
  }
}
