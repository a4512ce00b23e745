// What the lanes of a row hold, joined in a fixed order: in pairs within a warp, then warp by warp.
__device__ {{type}} {{prefix}}{{name}}({{type}} mine, int thread, int lane) const {
  for (int distance = {{distance}}; distance > 0; distance /= 2) {
    {{type}} other = __shfl_xor_sync(0xffffffff, mine, distance);
    mine = {{both}};
  }
  if ({{warps}} == 1) {
    return mine;
  }
  __shared__ {{type}} warps[{{threads}} / 32];
  __syncthreads();
  if (thread % 32 == 0) {
    warps[thread / 32] = mine;
  }
  __syncthreads();
  int first = (thread - lane) / 32;
  mine = warps[first];
  for (int warp = 1; warp < {{warps}}; warp += 1) {
    {{type}} other = warps[first + warp];
    mine = {{both}};
  }
  return mine;
}
