// Where each argument is, and what is done with them.
struct Launch {
const unsigned char* a0;
const float* a1;
unsigned char* a2;

__device__ void part(int group, int thread) const {
  int row = group * 64 + thread;
  if (row >= 50) {
    return;
  }
  const int r0 = row;
  const unsigned v0 = a0[r0];
  const float v1 = float(v0);
  const float v2 = a1[r0];
  const bool v3 = (v1 < v2);
  a2[r0] = v3;
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
