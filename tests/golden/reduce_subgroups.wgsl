enable subgroups;
// Infinity and NaN have no literal, and an expression of constants may not give them.
var<private> no_bits: u32 = 0u;

fn infinity() -> f32 {
  return bitcast<f32>(0x7f800000u | no_bits);
}

// Compilers may take x != x for false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// NaN if either is.
fn max_f32(a: f32, b: f32) -> f32 {
  return select(a, b, a <= b || is_nan(b));
}

@group(0) @binding(1) var<storage, read> b0: array<f32>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32>;

// Where each argument starts, in elements.
struct Offsets {
  a0: i32,
  a1: i32,
}
@group(0) @binding(0) var<uniform> at: Offsets;

var<workgroup> join_max_f32_teams: array<f32, 8>;

// What the lanes of a row hold, joined in a fixed order: in pairs within a team of 32, then team by team; every lane
// gets the result.
fn join_max_f32(value: f32, thread: u32, lane: i32) -> f32 {
  var mine = value;
  for (var distance = 16u; distance > 0u; distance /= 2u) {
    let other = subgroupShuffleXor(mine, distance);
    mine = max_f32(mine, other);
  }
  workgroupBarrier();
  if (thread % 32u == 0u) {
    join_max_f32_teams[thread / 32u] = mine;
  }
  workgroupBarrier();
  let first = (thread - u32(lane)) / 32u;
  mine = join_max_f32_teams[first];
  for (var team = 1u; team < 8u; team += 1u) {
    let other = join_max_f32_teams[first + team];
    mine = max_f32(mine, other);
  }
  return mine;
}

// 256 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn part(group: i32, thread: u32) {
  let first = group * 1;
  let lane = i32(thread % 256u);
  let live = first + i32(thread / 256u) < 100;
  let row = min(first + i32(thread / 256u), 100 - 1);
  let r0 = row;
  var acc0: f32 = (-infinity());
  for (var i: i32 = lane; i < 784; i += 256) {
    let r1 = i;
    let v0 = b0[at.a0 + (r0 * 784 + r1)];
    acc0 = max_f32(acc0, v0);
  }
  let row_acc0 = join_max_f32(acc0, thread, lane);
  if (live) {
    if (lane == 0) {
      b1[at.a1 + r0] = row_acc0;
    }
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 100u + id.x);
  if (group >= 100) {
    return;
  }
  part(group, thread);
}
