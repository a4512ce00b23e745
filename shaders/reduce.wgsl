{{joins}}
// {{lanes}} invocations work on a row. Those past the last row repeat it, so that all meet at every barrier.
fn {{prefix}}part(group: i32, thread: u32) {
  let first = group * {{per_group}};
  let lane = i32(thread % {{lanes}}u);
  let live = first + i32(thread / {{lanes}}u) < {{rows}};
  let row = min(first + i32(thread / {{lanes}}u), {{rows}} - 1);
{{body}}}
