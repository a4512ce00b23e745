fn {{prefix}}part(group: i32, thread: u32) {
  let row = group * {{threads}} + i32(thread);
  if (row >= {{rows}}) {
    return;
  }
{{body}}}
