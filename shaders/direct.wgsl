// {{lanes}} neighbouring invocations, a team, compute {{rows}} x {{columns_team}} outputs straight from the buffers; each holds
// {{columns}} of the columns. What the rows have in common for a team is loaded once and handed around.
fn {{prefix}}part(group: i32, thread: u32) {
  let team = group * {{teams}} + i32(thread) / {{lanes}};
  let lane = i32(thread) % {{lanes}};
  let tile = min(team, {{tiles}} - 1);
  let batch = tile / {{tiles_mn}};
  let first_row = tile % {{tiles_mn}} / {{tiles_n}} * {{rows}};
  let first_column = tile % {{tiles_n}} * {{columns_team}};
{{places}}{{clear}}{{sum}}  if (team > tile) {
    return;
  }
  var sums = array<{{type}}, {{outputs}}>({{sums}});
{{store}}}
