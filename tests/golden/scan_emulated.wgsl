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


// 1 invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn part(group: i32, thread: u32) {
  let first = group * 16;
  let lane = i32(thread % 1u);
  let live = first + i32(thread / 1u) < 3;
  let row = min(first + i32(thread / 1u), 3 - 1);
  let r0 = row;
  if (live) {
    var scan: f32 = 0.0f;
    for (var step: i32 = 0; step < 20000; step += 2) {
      if ((step + 0) < 20000) {
        let r1 = 19999 - (step + 0);
        let v0 = b0[at.a0 + (r0 * 20000 + r1)];
        let v1 = b1[at.a1 + (r0 * 20000 + r1)];
        scan = ((v0 * scan) + v1);
        let v4 = select(scan, 0.0f, scan <= 0.0f);
        b2[at.a2 + (r0 * 20000 + r1)] = v4;
      }
      if ((step + 1) < 20000) {
        let r1 = 19999 - (step + 1);
        let v0 = b0[at.a0 + (r0 * 20000 + r1)];
        let v1 = b1[at.a1 + (r0 * 20000 + r1)];
        scan = ((v0 * scan) + v1);
        let v4 = select(scan, 0.0f, scan <= 0.0f);
        b2[at.a2 + (r0 * 20000 + r1)] = v4;
      }
    }
  }
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * 1u + id.x);
  if (group >= 1) {
    return;
  }
  part(group, thread);
}
