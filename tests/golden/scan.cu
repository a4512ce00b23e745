// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
const float* a2;
const float* a3;
float* a4;


// 1 threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void part(int group, int thread) const {
  int first = group * 64;
  int lane = thread % 1;
  bool live = first + thread / 1 < 24;
  int row = min(first + thread / 1, 24 - 1);
  const int r0 = (row / 12);
  const int r2 = ((row >> 2u) % 3);
  const int r3 = (row & 3);
  if (live) {
    const float v1 = a1[(r2 * 4 + r3)];
    float scan = 0.0f;
    for (int step = 0; step < 40; step += 1) {
      const int r1 = step;
      const float v0 = a0[(r0 * 120 + r1 * 3 + r2)];
      const float v2 = (v0 * v1);
      const float v4 = (v2 * 1.442695f);
      const float v5 = exp2f(v4);
      const float v6 = a2[(r0 * 120 + r1 * 3 + r2)];
      const float v7 = (v0 * v6);
      const float v8 = a3[(r0 * 160 + r1 * 4 + r3)];
      const float v9 = (v7 * v8);
      scan = ((v5 * scan) + v9);
      a4[(r0 * 480 + r1 * 12 + r2 * 4 + r3)] = scan;
    }
  }
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
