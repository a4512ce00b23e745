@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read> b1: array<f32>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
  a2: i32,
  a3: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

var<workgroup> join_sum_f32_lanes: array<f32, 64>;

// What the lanes of a row hold, joined pairwise in a fixed order; every lane gets the result.
fn join_sum_f32(value: f32, thread: u32, lane: i32) -> f32 {
  workgroupBarrier();
  join_sum_f32_lanes[thread] = value;
  for (var half = 8; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      let mine = join_sum_f32_lanes[thread];
      let other = join_sum_f32_lanes[thread + u32(half)];
      join_sum_f32_lanes[thread] = (mine + other);
    }
  }
  workgroupBarrier();
  return join_sum_f32_lanes[thread - u32(lane)];
}

// 16 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn part(group: i32, thread: u32) {
  let first = group * 4;
  let lane = i32(thread % 16u);
  let live = first + i32(thread / 16u) < 1280;
  let row = min(first + i32(thread / 16u), 1280 - 1);
  let r0 = (row / 40);
  let r1 = (row % 40);
  var acc0: f32 = 0.0f;
  for (var i: i32 = lane; i < 50; i += 16) {
    let r3 = i;
    let v6 = b3[at.a3 + (r0 * 40 + r1 + r3 * 1280)];
    acc0 = (acc0 + v6);
  }
  let row_acc0 = join_sum_f32(acc0, thread, lane);
  if (live) {
    if (lane == 0) {
      let v5 = select(row_acc0, 0.0f, row_acc0 <= 0.0f);
      b2[at.a2 + (r0 * 40 + r1)] = v5;
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 320u + id.x);
  if (group >= 320) {
    return;
  }
  part(group, thread);
}
