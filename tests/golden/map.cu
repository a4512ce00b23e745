// NaN if either is.
template <class T> __device__ T larger(T a, T b) {
  return a < b || b != b ? b : a;
}

// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
float* a2;

__device__ void part(int group, int thread) const {
  int row = group * 64 + thread;
  if (row >= 1200) {
    return;
  }
  const int r0 = (row / 30);
  const int r1 = (row % 30);
  const float v0 = a0[(r0 * 30 + r1)];
  const float v2 = (v0 * 2.0f);
  const float v3 = a1[r1];
  const float v4 = (v2 + v3);
  const float v6 = larger(v4, 0.0f);
  a2[(r0 * 30 + r1)] = v6;
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 19 + blockIdx.x;
  if (group < 19) {
    at.run(group, threadIdx.x);
  }
}
