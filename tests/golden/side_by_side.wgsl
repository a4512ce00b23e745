@group(0) @binding(1) var<storage, read_write> b0: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
  a3: i32,
  a4: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

// A workgroup computes 32 x 32 outputs, 16 terms at a time, an invocation
// 4 x 4 of them. A vector of a tile holds four neighbouring rows (or columns).
var<workgroup> k0_tile_a: array<vec4<f32>, 144>;
var<workgroup> k0_tile_b: array<vec4<f32>, 144>;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
fn k0_four_a(batch: i32, m: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  let r2 = k;
  let inner = m;
  {
    let r0 = inner + 0;
    let v0 = b0[at.a0 + (r0 * 128 + r2)];
    four.x = v0;
  }
  {
    let r0 = inner + 1;
    let v0 = b0[at.a0 + (r0 * 128 + r2)];
    four.y = v0;
  }
  {
    let r0 = inner + 2;
    let v0 = b0[at.a0 + (r0 * 128 + r2)];
    four.z = v0;
  }
  {
    let r0 = inner + 3;
    let v0 = b0[at.a0 + (r0 * 128 + r2)];
    four.w = v0;
  }
  return four;
}

fn k0_four_b(batch: i32, n: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  let r2 = k;
  let inner = n;
  {
    let r1 = inner + 0;
    let v1 = b0[at.a1 + (r1 + r2 * 64)];
    four.x = v1;
  }
  {
    let r1 = inner + 1;
    let v1 = b0[at.a1 + (r1 + r2 * 64)];
    four.y = v1;
  }
  {
    let r1 = inner + 2;
    let v1 = b0[at.a1 + (r1 + r2 * 64)];
    four.z = v1;
  }
  {
    let r1 = inner + 3;
    let v1 = b0[at.a1 + (r1 + r2 * 64)];
    four.w = v1;
  }
  return four;
}

fn k0_store_four(batch: i32, m: i32, n: i32, sums: vec4<f32>) {
  let r0 = m;
  let inner = n;
  {
    let r1 = inner + 0;
    b0[at.a2 + (r0 * 64 + r1)] = sums.x;
  }
  {
    let r1 = inner + 1;
    b0[at.a2 + (r0 * 64 + r1)] = sums.y;
  }
  {
    let r1 = inner + 2;
    b0[at.a2 + (r0 * 64 + r1)] = sums.z;
  }
  {
    let r1 = inner + 3;
    b0[at.a2 + (r0 * 64 + r1)] = sums.w;
  }
}

fn k0_part(tile: i32, thread_index: u32) {
  let thread = i32(thread_index);
  let batch = tile / 4;
  let first_m = tile % 4 / 2 * 32;
  let first_n = tile % 2 * 32;
  let my_m = thread / 8 * 1;
  let my_n = thread % 8 * 1;
  let a_m0 = thread / 16;
  let a_k0 = thread % 16;
  let a_m1 = (thread + 64) / 16;
  let a_k1 = (thread + 64) % 16;
  let b_n0 = thread % 8;
  let b_k0 = thread / 8;
  let b_n1 = (thread + 64) % 8;
  let b_k1 = (thread + 64) / 8;
  var sum_0_0 = vec4<f32>();
  var sum_1_0 = vec4<f32>();
  var sum_2_0 = vec4<f32>();
  var sum_3_0 = vec4<f32>();
  for (var first_k = 0; first_k < 128; first_k += 16) {
    k0_tile_a[a_k0 * 9 + a_m0] = k0_four_a(batch, first_m + a_m0 * 4, first_k + a_k0);
    k0_tile_a[a_k1 * 9 + a_m1] = k0_four_a(batch, first_m + a_m1 * 4, first_k + a_k1);
    k0_tile_b[b_k0 * 9 + b_n0] = k0_four_b(batch, first_n + b_n0 * 4, first_k + b_k0);
    k0_tile_b[b_k1 * 9 + b_n1] = k0_four_b(batch, first_n + b_n1 * 4, first_k + b_k1);
    workgroupBarrier();
    for (var k = 0; k < 16; k += 1) {
      let m0 = k0_tile_a[k * 9 + my_m + 0];
      let n0 = k0_tile_b[k * 9 + my_n + 0];
      sum_0_0 += m0.x * n0;
      sum_1_0 += m0.y * n0;
      sum_2_0 += m0.z * n0;
      sum_3_0 += m0.w * n0;
    }
    workgroupBarrier();
  }
  k0_store_four(batch, first_m + my_m * 4 + 0, first_n + (my_n + 0) * 4, sum_0_0);
  k0_store_four(batch, first_m + my_m * 4 + 1, first_n + (my_n + 0) * 4, sum_1_0);
  k0_store_four(batch, first_m + my_m * 4 + 2, first_n + (my_n + 0) * 4, sum_2_0);
  k0_store_four(batch, first_m + my_m * 4 + 3, first_n + (my_n + 0) * 4, sum_3_0);
}

var<workgroup> k1_join_sum_f32_lanes: array<f32, 64>;

// What the lanes of a row hold, joined pairwise in a fixed order; every lane gets the result.
fn k1_join_sum_f32(value: f32, thread: u32, lane: i32) -> f32 {
  workgroupBarrier();
  k1_join_sum_f32_lanes[thread] = value;
  for (var half = 16; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      let mine = k1_join_sum_f32_lanes[thread];
      let other = k1_join_sum_f32_lanes[thread + u32(half)];
      k1_join_sum_f32_lanes[thread] = (mine + other);
    }
  }
  workgroupBarrier();
  return k1_join_sum_f32_lanes[thread - u32(lane)];
}

// 32 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn k1_part(group: i32, thread: u32) {
  let first = group * 2;
  let lane = i32(thread % 32u);
  let live = first + i32(thread / 32u) < 64;
  let row = min(first + i32(thread / 32u), 64 - 1);
  let r0 = row;
  var acc0: f32 = 0.0f;
  for (var i: i32 = lane; i < 128; i += 32) {
    let r1 = i;
    let v0 = b0[at.a3 + (r0 * 128 + r1)];
    acc0 = (acc0 + v0);
  }
  let row_acc0 = k1_join_sum_f32(acc0, thread, lane);
  if (live) {
    if (lane == 0) {
      b0[at.a4 + r0] = row_acc0;
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 36u + id.x);
  if (group >= 36) {
    return;
  }
  if (group < 4) {
    k0_part(group - 0, thread);
  } else if (group < 36) {
    k1_part(group - 4, thread);
  }
}
