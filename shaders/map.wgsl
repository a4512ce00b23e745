{{buffers}}
// Where each argument starts, in elements.
struct Offsets {
{{offsets}}}
@group(0) @binding(0) var<uniform> at: Offsets;

@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = i32((group.y * {{groups_x}}u + group.x) * {{threads}}u + thread);
  if (row >= {{rows}}) {
    return;
  }
{{body}}}
