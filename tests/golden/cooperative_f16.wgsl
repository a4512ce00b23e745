enable subgroups;
enable wgpu_cooperative_matrix;

enable f16;

fn from_f16(half: u32) -> f32 {
  return unpack2x16float(half).x;
}

@group(0) @binding(1) var<storage, read> b0: array<u32>;
@group(0) @binding(2) var<storage, read> b1: array<u32>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

// A workgroup computes 64 x 64 outputs, 16 terms at a time, each of its four subgroups a quarter, by matrices
// of 16 x 16. Neighbours in a tile are rows of the first factor, columns of the second.
var<workgroup> tile_a: array<f16, 1152>;
var<workgroup> tile_b: array<f16, 1152>;
var<workgroup> outputs: array<f32, 1024>;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
fn four_a(batch: i32, m: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  if (k >= 200) { return four; }
  let r2 = k;
  let inner = m;
  {
    let r0 = inner + 0;
    let at1 = (r0 * 200 + r2);
    let v0 = from_f16((b0[at.a0 + (at1 >> 1)] >> ((u32(at1) & 1u) * 16u)) & 65535u);
    let v1 = v0;
    four.x = v1;
  }
  {
    let r0 = inner + 1;
    let at2 = (r0 * 200 + r2);
    let v0 = from_f16((b0[at.a0 + (at2 >> 1)] >> ((u32(at2) & 1u) * 16u)) & 65535u);
    let v1 = v0;
    four.y = v1;
  }
  {
    let r0 = inner + 2;
    let at3 = (r0 * 200 + r2);
    let v0 = from_f16((b0[at.a0 + (at3 >> 1)] >> ((u32(at3) & 1u) * 16u)) & 65535u);
    let v1 = v0;
    four.z = v1;
  }
  {
    let r0 = inner + 3;
    let at4 = (r0 * 200 + r2);
    let v0 = from_f16((b0[at.a0 + (at4 >> 1)] >> ((u32(at4) & 1u) * 16u)) & 65535u);
    let v1 = v0;
    four.w = v1;
  }
  return four;
}

fn four_b(batch: i32, n: i32, k: i32) -> vec4<f32> {
  var four = vec4<f32>();
  if (k >= 200) { return four; }
  let r2 = k;
  if (n >= 300) { return four; }
  let inner = n;
  {
    let r1 = inner + 0;
    let at1 = (r1 + r2 * 300);
    let v2 = from_f16((b1[at.a1 + (at1 >> 1)] >> ((u32(at1) & 1u) * 16u)) & 65535u);
    let v3 = v2;
    four.x = v3;
  }
  {
    let r1 = inner + 1;
    let at2 = (r1 + r2 * 300);
    let v2 = from_f16((b1[at.a1 + (at2 >> 1)] >> ((u32(at2) & 1u) * 16u)) & 65535u);
    let v3 = v2;
    four.y = v3;
  }
  {
    let r1 = inner + 2;
    let at3 = (r1 + r2 * 300);
    let v2 = from_f16((b1[at.a1 + (at3 >> 1)] >> ((u32(at3) & 1u) * 16u)) & 65535u);
    let v3 = v2;
    four.z = v3;
  }
  {
    let r1 = inner + 3;
    let at4 = (r1 + r2 * 300);
    let v2 = from_f16((b1[at.a1 + (at4 >> 1)] >> ((u32(at4) & 1u) * 16u)) & 65535u);
    let v3 = v2;
    four.w = v3;
  }
  return four;
}

fn store_four(batch: i32, m: i32, n: i32, sums: vec4<f32>) {
  let r0 = m;
  if (n >= 300) { return; }
  let inner = n;
  {
    let r1 = inner + 0;
    let v7 = select(sums.x, 0.0f, sums.x <= 0.0f);
    b2[at.a2 + (r0 * 300 + r1)] = v7;
  }
  {
    let r1 = inner + 1;
    let v7 = select(sums.y, 0.0f, sums.y <= 0.0f);
    b2[at.a2 + (r0 * 300 + r1)] = v7;
  }
  {
    let r1 = inner + 2;
    let v7 = select(sums.z, 0.0f, sums.z <= 0.0f);
    b2[at.a2 + (r0 * 300 + r1)] = v7;
  }
  {
    let r1 = inner + 3;
    let v7 = select(sums.w, 0.0f, sums.w <= 0.0f);
    b2[at.a2 + (r0 * 300 + r1)] = v7;
  }
}

fn part(tile: i32, thread_index: u32) {
  let thread = i32(thread_index);
  let batch = tile / 40;
  let first_m = tile % 40 / 5 * 64;
  let first_n = tile % 5 * 64;
  let team = thread / 32;
  let lane = thread % 32;
  let my_m = team / 2 * 32;
  let my_n = team % 2 * 32;
  var sum_0_0 = coop_mat16x16<f32, C>();
  var sum_0_1 = coop_mat16x16<f32, C>();
  var sum_1_0 = coop_mat16x16<f32, C>();
  var sum_1_1 = coop_mat16x16<f32, C>();
  for (var first_k = 0; first_k < 200; first_k += 16) {
    for (var at = thread; at < 256; at += 128) {
      let side = at % 16 * 4;
      let k = at / 16;
      let a = four_a(batch, first_m + side, first_k + k);
      let b = four_b(batch, first_n + side, first_k + k);
      for (var i = 0; i < 4; i += 1) {
        tile_a[k * 72 + side + i] = f16(a[i]);
        tile_b[k * 72 + side + i] = f16(b[i]);
      }
    }
    workgroupBarrier();
    for (var k = 0; k < 16; k += 16) {
      let a0 = coopLoad<coop_mat16x16<f16, A>>(&tile_a[k * 72 + my_m + 0], 72u);
      let b0 = coopLoadT<coop_mat16x16<f16, B>>(&tile_b[k * 72 + my_n + 0], 72u);
      let a1 = coopLoad<coop_mat16x16<f16, A>>(&tile_a[k * 72 + my_m + 16], 72u);
      let b1 = coopLoadT<coop_mat16x16<f16, B>>(&tile_b[k * 72 + my_n + 16], 72u);
      sum_0_0 = coopMultiplyAdd(a0, b0, sum_0_0);
      sum_0_1 = coopMultiplyAdd(a0, b1, sum_0_1);
      sum_1_0 = coopMultiplyAdd(a1, b0, sum_1_0);
      sum_1_1 = coopMultiplyAdd(a1, b1, sum_1_1);
    }
    workgroupBarrier();
  }
  coopStoreT(sum_0_0, &outputs[team * 256], 16u);
  workgroupBarrier();
  for (var at = lane; at < 64; at += 32) {
    let start = team * 256 + at * 4;
    store_four(batch, first_m + my_m + 0 + at / 4, first_n + my_n + 0 + at % 4 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_0_1, &outputs[team * 256], 16u);
  workgroupBarrier();
  for (var at = lane; at < 64; at += 32) {
    let start = team * 256 + at * 4;
    store_four(batch, first_m + my_m + 0 + at / 4, first_n + my_n + 16 + at % 4 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_1_0, &outputs[team * 256], 16u);
  workgroupBarrier();
  for (var at = lane; at < 64; at += 32) {
    let start = team * 256 + at * 4;
    store_four(batch, first_m + my_m + 16 + at / 4, first_n + my_n + 0 + at % 4 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
  coopStoreT(sum_1_1, &outputs[team * 256], 16u);
  workgroupBarrier();
  for (var at = lane; at < 64; at += 32) {
    let start = team * 256 + at * 4;
    store_four(batch, first_m + my_m + 16 + at / 4, first_n + my_n + 16 + at % 4 * 4, vec4<f32>(outputs[start + 0], outputs[start + 1], outputs[start + 2], outputs[start + 3]));
  }
  workgroupBarrier();
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 40u + id.x);
  if (group >= 40) {
    return;
  }
  part(group, thread);
}
