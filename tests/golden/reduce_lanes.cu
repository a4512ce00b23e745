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
float* a1;

// What the lanes of a row hold, joined in a fixed order: in pairs within a warp, then warp by warp.
__device__ float join_max_float(float mine, int thread, int lane) const {
  for (int distance = 16; distance > 0; distance /= 2) {
    float other = __shfl_xor_sync(0xffffffff, mine, distance);
    mine = larger(mine, other);
  }
  if (8 == 1) {
    return mine;
  }
  __shared__ float warps[256 / 32];
  __syncthreads();
  if (thread % 32 == 0) {
    warps[thread / 32] = mine;
  }
  __syncthreads();
  int first = (thread - lane) / 32;
  mine = warps[first];
  for (int warp = 1; warp < 8; warp += 1) {
    float other = warps[first + warp];
    mine = larger(mine, other);
  }
  return mine;
}

// 256 threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void part(int group, int thread) const {
  int first = group * 1;
  int lane = thread % 256;
  bool live = first + thread / 256 < 100;
  int row = min(first + thread / 256, 100 - 1);
  const int r0 = row;
  float acc0 = (-infinity());
  for (int i = lane; i < 784; i += 256) {
    const int r1 = i;
    const float v0 = a0[(r0 * 784 + r1)];
    acc0 = larger(acc0, v0);
  }
  const float row_acc0 = join_max_float(acc0, thread, lane);
  if (live) {
    if (lane == 0) {
      a1[r0] = row_acc0;
    }
  }
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(256) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 100 + blockIdx.x;
  if (group < 100) {
    at.run(group, threadIdx.x);
  }
}
