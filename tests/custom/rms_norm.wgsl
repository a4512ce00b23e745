// A workgroup has a row; its invocations add up squares side by side.
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let n = x_shape[1];
  let row = group.x * n;
  var sum = 0.0;
  for (var j = thread; j < n; j += 64u) {
    sum += x[row + j] * x[row + j];
  }
  sums[thread] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (thread < half) {
      sums[thread] += sums[thread + half];
    }
    workgroupBarrier();
  }
  let scale = inverseSqrt(sums[0] / f32(n) + 1e-5);
  for (var j = thread; j < n; j += 64u) {
    out[row + j] = x[row + j] * scale * w[j];
  }
}
