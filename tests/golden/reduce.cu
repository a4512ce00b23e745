// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
float* a1;


// 1 threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void part(int group, int thread) const {
  int first = group * 64;
  int lane = thread % 1;
  bool live = first + thread / 1 < 70000;
  int row = min(first + thread / 1, 70000 - 1);
  const int r0 = row;
  float acc0 = 0.0f;
  const int r1_0_0 = 0;
  const int r1_0_1 = 1;
  const int r1_0_2 = 2;
  const int r1_0_3 = 3;
  const int r1_0_4 = 4;
  const int r1_0_5 = 5;
  const float v0_0_0 = a0[(r0 + r1_0_0 * 70000)];
  acc0 = (acc0 + v0_0_0);
  const float v0_0_1 = a0[(r0 + r1_0_1 * 70000)];
  acc0 = (acc0 + v0_0_1);
  const float v0_0_2 = a0[(r0 + r1_0_2 * 70000)];
  acc0 = (acc0 + v0_0_2);
  const float v0_0_3 = a0[(r0 + r1_0_3 * 70000)];
  acc0 = (acc0 + v0_0_3);
  const float v0_0_4 = a0[(r0 + r1_0_4 * 70000)];
  acc0 = (acc0 + v0_0_4);
  const float v0_0_5 = a0[(r0 + r1_0_5 * 70000)];
  acc0 = (acc0 + v0_0_5);
  if (live) {
    const float v2 = sqrtf(acc0);
    a1[r0] = v2;
  }
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 1094 + blockIdx.x;
  if (group < 1094) {
    at.run(group, threadIdx.x);
  }
}
