enable subgroups;
enable wgpu_cooperative_matrix;

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

// A workgroup computes 64 x 64 outputs, 16 terms at a time, each of its four subgroups a quarter, by matrices
// of 8 x 8. Neighbours in a tile are rows of the first factor, columns of the second.
var<workgroup> tile_a: array<f32, 1152>;
var<workgroup> tile_b: array<f32, 1152>;
var<workgroup> outputs: array<f32, 256>;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
fn four_a(batch: i32, m: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  let r2 = k;
  if (m + 0 < 130) {
    let position = m + 0;
    let r0 = position;
    let v0 = b0[at.a0 + (r0 * 64 + r2)];
    four.x = v0;
  }
  if (m + 1 < 130) {
    let position = m + 1;
    let r0 = position;
    let v0 = b0[at.a0 + (r0 * 64 + r2)];
    four.y = v0;
  }
  if (m + 2 < 130) {
    let position = m + 2;
    let r0 = position;
    let v0 = b0[at.a0 + (r0 * 64 + r2)];
    four.z = v0;
  }
  if (m + 3 < 130) {
    let position = m + 3;
    let r0 = position;
    let v0 = b0[at.a0 + (r0 * 64 + r2)];
    four.w = v0;
  }
  return four;
}

fn four_b(batch: i32, n: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  let r2 = k;
  let inner = n;
  {
    let r1 = inner + 0;
    let v1 = b1[at.a1 + (r1 + r2 * 64)];
    four.x = v1;
  }
  {
    let r1 = inner + 1;
    let v1 = b1[at.a1 + (r1 + r2 * 64)];
    four.y = v1;
  }
  {
    let r1 = inner + 2;
    let v1 = b1[at.a1 + (r1 + r2 * 64)];
    four.z = v1;
  }
  {
    let r1 = inner + 3;
    let v1 = b1[at.a1 + (r1 + r2 * 64)];
    four.w = v1;
  }
  return four;
}

fn store_four(batch: i32, m: i32, n: i32, sums: vec4<f32>) {
  if (m >= 130) { return; }
  let r0 = m;
  let inner = n;
  {
    let r1 = inner + 0;
    b2[at.a2 + (r0 * 64 + r1)] = sums.x;
  }
  {
    let r1 = inner + 1;
    b2[at.a2 + (r0 * 64 + r1)] = sums.y;
  }
  {
    let r1 = inner + 2;
    b2[at.a2 + (r0 * 64 + r1)] = sums.z;
  }
  {
    let r1 = inner + 3;
    b2[at.a2 + (r0 * 64 + r1)] = sums.w;
  }
}

fn part(tile: i32, thread_index: u32) {
  let thread = i32(thread_index);
  let batch = tile / 3;
  let first_m = tile % 3 / 1 * 64;
  let first_n = tile % 1 * 64;
  let team = thread / 32;
  let lane = thread % 32;
  let my_m = team / 2 * 32;
  let my_n = team % 2 * 32;
  var sum_0_0 = coop_mat8x8<f32, C>();
  var sum_0_1 = coop_mat8x8<f32, C>();
  var sum_0_2 = coop_mat8x8<f32, C>();
  var sum_0_3 = coop_mat8x8<f32, C>();
  var sum_1_0 = coop_mat8x8<f32, C>();
  var sum_1_1 = coop_mat8x8<f32, C>();
  var sum_1_2 = coop_mat8x8<f32, C>();
  var sum_1_3 = coop_mat8x8<f32, C>();
  var sum_2_0 = coop_mat8x8<f32, C>();
  var sum_2_1 = coop_mat8x8<f32, C>();
  var sum_2_2 = coop_mat8x8<f32, C>();
  var sum_2_3 = coop_mat8x8<f32, C>();
  var sum_3_0 = coop_mat8x8<f32, C>();
  var sum_3_1 = coop_mat8x8<f32, C>();
  var sum_3_2 = coop_mat8x8<f32, C>();
  var sum_3_3 = coop_mat8x8<f32, C>();
  for (var first_k = 0; first_k < 64; first_k += 16) {
    for (var at = thread; at < 256; at += 128) {
      let side = at % 16 * 4;
      let k = at / 16;
      let a = four_a(batch, first_m + side, first_k + k);
      let b = four_b(batch, first_n + side, first_k + k);
      for (var i = 0; i < 4; i += 1) {
        tile_a[k * 72 + side + i] = f32(a[i]);
        tile_b[k * 72 + side + i] = f32(b[i]);
      }
    }
    workgroupBarrier();
    for (var k = 0; k < 16; k += 8) {
      let a0 = coopLoad<coop_mat8x8<f32, A>>(&tile_a[k * 72 + my_m + 0], 72u);
      let b0 = coopLoadT<coop_mat8x8<f32, B>>(&tile_b[k * 72 + my_n + 0], 72u);
      let a1 = coopLoad<coop_mat8x8<f32, A>>(&tile_a[k * 72 + my_m + 8], 72u);
      let b1 = coopLoadT<coop_mat8x8<f32, B>>(&tile_b[k * 72 + my_n + 8], 72u);
      let a2 = coopLoad<coop_mat8x8<f32, A>>(&tile_a[k * 72 + my_m + 16], 72u);
      let b2 = coopLoadT<coop_mat8x8<f32, B>>(&tile_b[k * 72 + my_n + 16], 72u);
      let a3 = coopLoad<coop_mat8x8<f32, A>>(&tile_a[k * 72 + my_m + 24], 72u);
      let b3 = coopLoadT<coop_mat8x8<f32, B>>(&tile_b[k * 72 + my_n + 24], 72u);
      sum_0_0 = coopMultiplyAdd(a0, b0, sum_0_0);
      sum_0_1 = coopMultiplyAdd(a0, b1, sum_0_1);
      sum_0_2 = coopMultiplyAdd(a0, b2, sum_0_2);
      sum_0_3 = coopMultiplyAdd(a0, b3, sum_0_3);
      sum_1_0 = coopMultiplyAdd(a1, b0, sum_1_0);
      sum_1_1 = coopMultiplyAdd(a1, b1, sum_1_1);
      sum_1_2 = coopMultiplyAdd(a1, b2, sum_1_2);
      sum_1_3 = coopMultiplyAdd(a1, b3, sum_1_3);
      sum_2_0 = coopMultiplyAdd(a2, b0, sum_2_0);
      sum_2_1 = coopMultiplyAdd(a2, b1, sum_2_1);
      sum_2_2 = coopMultiplyAdd(a2, b2, sum_2_2);
      sum_2_3 = coopMultiplyAdd(a2, b3, sum_2_3);
      sum_3_0 = coopMultiplyAdd(a3, b0, sum_3_0);
      sum_3_1 = coopMultiplyAdd(a3, b1, sum_3_1);
      sum_3_2 = coopMultiplyAdd(a3, b2, sum_3_2);
      sum_3_3 = coopMultiplyAdd(a3, b3, sum_3_3);
    }
    workgroupBarrier();
  }
  coopStoreT(sum_0_0, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 0 + at / 2, first_n + my_n + 0 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_0_1, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 0 + at / 2, first_n + my_n + 8 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_0_2, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 0 + at / 2, first_n + my_n + 16 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_0_3, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 0 + at / 2, first_n + my_n + 24 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_1_0, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 8 + at / 2, first_n + my_n + 0 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_1_1, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 8 + at / 2, first_n + my_n + 8 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_1_2, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 8 + at / 2, first_n + my_n + 16 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_1_3, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 8 + at / 2, first_n + my_n + 24 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_2_0, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 16 + at / 2, first_n + my_n + 0 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_2_1, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 16 + at / 2, first_n + my_n + 8 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_2_2, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 16 + at / 2, first_n + my_n + 16 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_2_3, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 16 + at / 2, first_n + my_n + 24 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_3_0, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 24 + at / 2, first_n + my_n + 0 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_3_1, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 24 + at / 2, first_n + my_n + 8 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_3_2, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 24 + at / 2, first_n + my_n + 16 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_3_3, &outputs[team * 64], 8u);
  workgroupBarrier();
  for (var at = lane; at < 16; at += 32) {
    let start = team * 64 + at * 4;
    store_four(batch, first_m + my_m + 24 + at / 2, first_n + my_n + 24 + at % 2 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 3u + id.x);
  if (group >= 3) {
    return;
  }
  part(group, thread);
}
