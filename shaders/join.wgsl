var<workgroup> {{prefix}}{{name}}_lanes: array<{{type}}, {{threads}}>;

// What the lanes of a row hold, joined pairwise in a fixed order; every lane gets the result.
fn {{prefix}}{{name}}(value: {{type}}, thread: u32, lane: i32) -> {{type}} {
  workgroupBarrier();
  {{prefix}}{{name}}_lanes[thread] = value;
  for (var half = {{half}}; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      let mine = {{prefix}}{{name}}_lanes[thread];
      let other = {{prefix}}{{name}}_lanes[thread + u32(half)];
      {{prefix}}{{name}}_lanes[thread] = {{both}};
    }
  }
  workgroupBarrier();
  return {{prefix}}{{name}}_lanes[thread - u32(lane)];
}
