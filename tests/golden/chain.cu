__device__ float infinity() {
  return __int_as_float(0x7f800000);
}

// NaN if either is.
template <class T> __device__ T larger(T a, T b) {
  return a <= b || b != b ? b : a;
}

// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
float* a2;
const float* a3;
float* a4;
const float* a5;
float* a6;


// 1 threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void k0_part(int group, int thread) const {
  int first = group * 64;
  int lane = thread % 1;
  bool live = first + thread / 1 < 20;
  int row = min(first + thread / 1, 20 - 1);
  const int r0 = (row / 5);
  const int r1 = (row % 5);
  float acc0 = 0.0f;
  const int r2_0_0 = 0;
  const int r2_0_1 = 1;
  const int r2_0_2 = 2;
  const float v0_0_0 = a0[(r0 * 3 + r2_0_0)];
  const float v1_0_0 = a1[(r1 + r2_0_0 * 5)];
  const float v2_0_0 = (v0_0_0 * v1_0_0);
  acc0 = (acc0 + v2_0_0);
  const float v0_0_1 = a0[(r0 * 3 + r2_0_1)];
  const float v1_0_1 = a1[(r1 + r2_0_1 * 5)];
  const float v2_0_1 = (v0_0_1 * v1_0_1);
  acc0 = (acc0 + v2_0_1);
  const float v0_0_2 = a0[(r0 * 3 + r2_0_2)];
  const float v1_0_2 = a1[(r1 + r2_0_2 * 5)];
  const float v2_0_2 = (v0_0_2 * v1_0_2);
  acc0 = (acc0 + v2_0_2);
  if (live) {
    a2[(r0 * 5 + r1)] = acc0;
  }
}


// 1 threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void k1_part(int group, int thread) const {
  int first = group * 64;
  int lane = thread % 1;
  bool live = first + thread / 1 < 4;
  int row = min(first + thread / 1, 4 - 1);
  const int r0 = row;
  float acc0 = (-infinity());
  const int r1_0_0 = 0;
  const int r1_0_1 = 1;
  const int r1_0_2 = 2;
  const int r1_0_3 = 3;
  const int r1_0_4 = 4;
  const float v0_0_0 = a3[(r0 * 5 + r1_0_0)];
  acc0 = larger(acc0, v0_0_0);
  const float v0_0_1 = a3[(r0 * 5 + r1_0_1)];
  acc0 = larger(acc0, v0_0_1);
  const float v0_0_2 = a3[(r0 * 5 + r1_0_2)];
  acc0 = larger(acc0, v0_0_2);
  const float v0_0_3 = a3[(r0 * 5 + r1_0_3)];
  acc0 = larger(acc0, v0_0_3);
  const float v0_0_4 = a3[(r0 * 5 + r1_0_4)];
  acc0 = larger(acc0, v0_0_4);
  float acc1 = 0.0f;
  const float v2_0_0 = (v0_0_0 - acc0);
  const float v4_0_0 = (v2_0_0 * 1.442695f);
  const float v5_0_0 = exp2f(v4_0_0);
  acc1 = (acc1 + v5_0_0);
  const float v2_0_1 = (v0_0_1 - acc0);
  const float v4_0_1 = (v2_0_1 * 1.442695f);
  const float v5_0_1 = exp2f(v4_0_1);
  acc1 = (acc1 + v5_0_1);
  const float v2_0_2 = (v0_0_2 - acc0);
  const float v4_0_2 = (v2_0_2 * 1.442695f);
  const float v5_0_2 = exp2f(v4_0_2);
  acc1 = (acc1 + v5_0_2);
  const float v2_0_3 = (v0_0_3 - acc0);
  const float v4_0_3 = (v2_0_3 * 1.442695f);
  const float v5_0_3 = exp2f(v4_0_3);
  acc1 = (acc1 + v5_0_3);
  const float v2_0_4 = (v0_0_4 - acc0);
  const float v4_0_4 = (v2_0_4 * 1.442695f);
  const float v5_0_4 = exp2f(v4_0_4);
  acc1 = (acc1 + v5_0_4);
  if (live) {
    const float v7_0_0 = (v5_0_0 / acc1);
    a4[(r0 * 5 + r1_0_0)] = v7_0_0;
    const float v7_0_1 = (v5_0_1 / acc1);
    a4[(r0 * 5 + r1_0_1)] = v7_0_1;
    const float v7_0_2 = (v5_0_2 / acc1);
    a4[(r0 * 5 + r1_0_2)] = v7_0_2;
    const float v7_0_3 = (v5_0_3 / acc1);
    a4[(r0 * 5 + r1_0_3)] = v7_0_3;
    const float v7_0_4 = (v5_0_4 / acc1);
    a4[(r0 * 5 + r1_0_4)] = v7_0_4;
  }
}


// 1 threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void k2_part(int group, int thread) const {
  int first = group * 64;
  int lane = thread % 1;
  bool live = first + thread / 1 < 5;
  int row = min(first + thread / 1, 5 - 1);
  const int r0 = row;
  float acc0 = 0.0f;
  const int r1_0_0 = 0;
  const int r1_0_1 = 1;
  const int r1_0_2 = 2;
  const int r1_0_3 = 3;
  const float v0_0_0 = a5[(r0 + r1_0_0 * 5)];
  acc0 = (acc0 + v0_0_0);
  const float v0_0_1 = a5[(r0 + r1_0_1 * 5)];
  acc0 = (acc0 + v0_0_1);
  const float v0_0_2 = a5[(r0 + r1_0_2 * 5)];
  acc0 = (acc0 + v0_0_2);
  const float v0_0_3 = a5[(r0 + r1_0_3 * 5)];
  acc0 = (acc0 + v0_0_3);
  if (live) {
    a6[r0] = acc0;
  }
}

__device__ void run(int group, int thread) const {
  for (int g = 0; g < 1; g += 1) {
    k0_part(g, thread);
  }
  __syncthreads();
  for (int g = 0; g < 1; g += 1) {
    k1_part(g, thread);
  }
  __syncthreads();
  for (int g = 0; g < 1; g += 1) {
    k2_part(g, thread);
  }
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 1 + blockIdx.x;
  if (group < 1) {
    at.run(group, threadIdx.x);
  }
}
