// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
float* a2;

__device__ void part(int group, int thread) const {
  int row = group * 64 + thread;
  if (row >= 100) {
    return;
  }
  const int r0 = row;
  const float v0 = a0[r0];
  const float v1 = a1[r0];
  const float v2 = sinf(v1);
  const float v3 = (v0 + v2);
  a2[r0] = v3;
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 2 + blockIdx.x;
  if (group < 2) {
    at.run(group, threadIdx.x);
  }
}
