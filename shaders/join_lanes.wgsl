var<workgroup> {{prefix}}{{name}}_teams: array<{{type}}, {{teams}}>;

// What the lanes of a row hold, joined in a fixed order: in pairs within a team of {{team}}, then team by team; every lane
// gets the result.
fn {{prefix}}{{name}}(value: {{type}}, thread: u32, lane: i32) -> {{type}} {
  var mine = value;
  for (var distance = {{half_team}}u; distance > 0u; distance /= 2u) {
    let other = subgroupShuffleXor(mine, distance);
    mine = {{both}};
  }
  workgroupBarrier();
  if (thread % {{team}}u == 0u) {
    {{prefix}}{{name}}_teams[thread / {{team}}u] = mine;
  }
  workgroupBarrier();
  let first = (thread - u32(lane)) / {{team}}u;
  mine = {{prefix}}{{name}}_teams[first];
  for (var team = 1u; team < {{teams_of_a_row}}u; team += 1u) {
    let other = {{prefix}}{{name}}_teams[first + team];
    mine = {{both}};
  }
  return mine;
}
