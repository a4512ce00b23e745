// Where each argument is, and what is done with them.
struct Launch {
const int* a0;
const float* a1;
float* a2;

__device__ void part(int group, int thread) const {
  int row = group * 64 + thread;
  if (row >= 24) {
    return;
  }
  const int r0 = (row / 6);
  const int r1 = (row % 6);
  const bool in1 = (unsigned((r0 - 1)) < 3u) & (unsigned(r1) < 4u);
  const int v0 = (in1 ? a0[(r0 - 1)] : 0);
  const bool v2 = (v0 < 0);
  const int v4 = int(unsigned(v0) + unsigned(5));
  const int v5 = (v2 ? v4 : v0);
  const bool in2 = (unsigned((r0 - 1)) < 3u) & (unsigned(r1) < 4u) & (unsigned(v5) < 5u);
  const float v6 = (in2 ? a1[(r1 + v5 * 4)] : 0.0f);
  a2[(r0 * 6 + r1)] = v6;
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 1 + blockIdx.x;
  if (group < 1) {
    at.run(group, threadIdx.x);
  }
}
