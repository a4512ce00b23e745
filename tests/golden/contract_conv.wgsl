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

// A workgroup computes 32 x 32 outputs, 16 terms at a time, an invocation
// 4 x 4 of them. A vector of a tile holds four neighbouring rows (or columns).
var<workgroup> tile_a: array<vec4<f32>, 144>;
var<workgroup> tile_b: array<vec4<f32>, 144>;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
fn four_a(batch: i32, m: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  if (k >= 75) { return four; }
  let r4 = (k / 25);
  let r5 = ((k / 5) % 5);
  let r6 = (k % 5);
  let r0 = (m >> 8u);
  let r2 = ((m >> 4u) & 15);
  let inner = (m & 15);
  {
    let r3 = inner + 0;
    let v0 = b0[at.a0 + (r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.x = v0;
  }
  {
    let r3 = inner + 1;
    let v0 = b0[at.a0 + (r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.y = v0;
  }
  {
    let r3 = inner + 2;
    let v0 = b0[at.a0 + (r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.z = v0;
  }
  {
    let r3 = inner + 3;
    let v0 = b0[at.a0 + (r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.w = v0;
  }
  return four;
}

fn four_b(batch: i32, n: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  if (k >= 75) { return four; }
  let r4 = (k / 25);
  let r5 = ((k / 5) % 5);
  let r6 = (k % 5);
  let inner = n;
  {
    let r1 = inner + 0;
    let v1 = b1[at.a1 + (r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.x = v1;
  }
  {
    let r1 = inner + 1;
    let v1 = b1[at.a1 + (r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.y = v1;
  }
  {
    let r1 = inner + 2;
    let v1 = b1[at.a1 + (r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.z = v1;
  }
  {
    let r1 = inner + 3;
    let v1 = b1[at.a1 + (r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.w = v1;
  }
  return four;
}

fn store_four(batch: i32, m: i32, n: i32, sums: vec4<f32>) {
  let r0 = (m >> 8u);
  let r2 = ((m >> 4u) & 15);
  let r3 = (m & 15);
  let inner = n;
  {
    let r1 = inner + 0;
    let v5 = select(sums.x, 0.0f, sums.x <= 0.0f);
    b2[at.a2 + (r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
  {
    let r1 = inner + 1;
    let v5 = select(sums.y, 0.0f, sums.y <= 0.0f);
    b2[at.a2 + (r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
  {
    let r1 = inner + 2;
    let v5 = select(sums.z, 0.0f, sums.z <= 0.0f);
    b2[at.a2 + (r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
  {
    let r1 = inner + 3;
    let v5 = select(sums.w, 0.0f, sums.w <= 0.0f);
    b2[at.a2 + (r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
}

fn part(tile: i32, thread_index: u32) {
  let thread = i32(thread_index);
  let batch = tile / 64;
  let first_m = tile % 64 / 1 * 32;
  let first_n = tile % 1 * 32;
  let my_m = thread % 8 * 1;
  let my_n = thread / 8 * 1;
  let a_m0 = thread % 8;
  let a_k0 = thread / 8;
  let a_m1 = (thread + 64) % 8;
  let a_k1 = (thread + 64) / 8;
  let b_n0 = thread / 16;
  let b_k0 = thread % 16;
  let b_n1 = (thread + 64) / 16;
  let b_k1 = (thread + 64) % 16;
  var sum_0_0 = vec4<f32>();
  var sum_1_0 = vec4<f32>();
  var sum_2_0 = vec4<f32>();
  var sum_3_0 = vec4<f32>();
  for (var first_k = 0; first_k < 75; first_k += 16) {
    tile_a[a_k0 * 9 + a_m0] = four_a(batch, first_m + a_m0 * 4, first_k + a_k0);
    tile_a[a_k1 * 9 + a_m1] = four_a(batch, first_m + a_m1 * 4, first_k + a_k1);
    tile_b[b_k0 * 9 + b_n0] = four_b(batch, first_n + b_n0 * 4, first_k + b_k0);
    tile_b[b_k1 * 9 + b_n1] = four_b(batch, first_n + b_n1 * 4, first_k + b_k1);
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
  store_four(batch, first_m + my_m * 4 + 0, first_n + (my_n + 0) * 4, sum_0_0);
  store_four(batch, first_m + my_m * 4 + 1, first_n + (my_n + 0) * 4, sum_1_0);
  store_four(batch, first_m + my_m * 4 + 2, first_n + (my_n + 0) * 4, sum_2_0);
  store_four(batch, first_m + my_m * 4 + 3, first_n + (my_n + 0) * 4, sum_3_0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 64u + id.x);
  if (group >= 64) {
    return;
  }
  part(group, thread);
}
