{{buffers}}
// Where each argument starts, in elements.
struct Offsets {
{{offsets}}}
@group(0) @binding(0) var<uniform> at: Offsets;

{{joins}}
// {{lanes}} invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first = i32((group.y * {{groups_x}}u + group.x) * {{per_group}}u);
  let lane = i32(thread % {{lanes}}u);
  let live = first + i32(thread / {{lanes}}u) < {{rows}};
  let row = min(first + i32(thread / {{lanes}}u), {{rows}} - 1);
{{body}}}
