{{buffers}}
// Where each argument starts, in elements.
struct Offsets {
{{offsets}}}
@group(0) @binding(0) var<uniform> at: Offsets;

{{parts}}
@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = i32(id.y * {{groups_x}}u + id.x);
  if (group >= {{groups}}) {
    return;
  }
{{body}}}
