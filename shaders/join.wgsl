var<workgroup> {{name}}_lanes: array<{{type}}, {{threads}}>;

// What the lanes of a row hold, joined pairwise in a fixed order; every lane gets the result.
fn {{name}}(value: {{type}}, thread: u32, lane: i32) -> {{type}} {
  workgroupBarrier();
  {{name}}_lanes[thread] = value;
  for (var half = {{half}}; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      let mine = {{name}}_lanes[thread];
      let other = {{name}}_lanes[thread + u32(half)];
      {{name}}_lanes[thread] = {{both}};
    }
  }
  workgroupBarrier();
  return {{name}}_lanes[thread - u32(lane)];
}
