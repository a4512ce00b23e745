template <class T> struct vec4 {
  alignas(16) T x;
  T y, z, w;
  __device__ void operator+=(vec4 v) {
    x += v.x, y += v.y, z += v.z, w += v.w;
  }
  friend __device__ vec4 operator*(T s, vec4 v) {
    return vec4{s * v.x, s * v.y, s * v.z, s * v.w};
  }
};

// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
float* a2;
const float* a3;
float* a4;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
__device__ vec4<float> k0_four_a(int batch, int m, int k) const {
  auto four = vec4<float>();
  const int r2 = k;
  const int inner = m;
  {
    const int r0 = inner + 0;
    const float v0 = a0[(r0 * 128 + r2)];
    four.x = v0;
  }
  {
    const int r0 = inner + 1;
    const float v0 = a0[(r0 * 128 + r2)];
    four.y = v0;
  }
  {
    const int r0 = inner + 2;
    const float v0 = a0[(r0 * 128 + r2)];
    four.z = v0;
  }
  {
    const int r0 = inner + 3;
    const float v0 = a0[(r0 * 128 + r2)];
    four.w = v0;
  }
  return four;
}

__device__ vec4<float> k0_four_b(int batch, int n, int k) const {
  auto four = vec4<float>();
  const int r2 = k;
  const int inner = n;
  {
    const int r1 = inner + 0;
    const float v1 = a1[(r1 + r2 * 64)];
    four.x = v1;
  }
  {
    const int r1 = inner + 1;
    const float v1 = a1[(r1 + r2 * 64)];
    four.y = v1;
  }
  {
    const int r1 = inner + 2;
    const float v1 = a1[(r1 + r2 * 64)];
    four.z = v1;
  }
  {
    const int r1 = inner + 3;
    const float v1 = a1[(r1 + r2 * 64)];
    four.w = v1;
  }
  return four;
}

__device__ void k0_store_four(int batch, int m, int n, vec4<float> sums) const {
  const int r0 = m;
  const int inner = n;
  {
    const int r1 = inner + 0;
    a2[(r0 * 64 + r1)] = sums.x;
  }
  {
    const int r1 = inner + 1;
    a2[(r0 * 64 + r1)] = sums.y;
  }
  {
    const int r1 = inner + 2;
    a2[(r0 * 64 + r1)] = sums.z;
  }
  {
    const int r1 = inner + 3;
    a2[(r0 * 64 + r1)] = sums.w;
  }
}

// A block computes 32 x 32 outputs, 16 terms at a time, a thread 4 x 4 of them. A vector of
// a tile holds four neighbouring rows (or columns).
__device__ void k0_part(int tile, int thread) const {
  __shared__ vec4<float> k0_tile_a[144];
  __shared__ vec4<float> k0_tile_b[144];
  int batch = tile / 4;
  int first_m = tile % 4 / 2 * 32;
  int first_n = tile % 2 * 32;
  int my_m = thread / 8 * 1;
  int my_n = thread % 8 * 1;
  const auto a_m0 = thread / 16;
  const auto a_k0 = thread % 16;
  const auto a_m1 = (thread + 64) / 16;
  const auto a_k1 = (thread + 64) % 16;
  const auto b_n0 = thread % 8;
  const auto b_k0 = thread / 8;
  const auto b_n1 = (thread + 64) % 8;
  const auto b_k1 = (thread + 64) / 8;
  auto sum_0_0 = vec4<float>();
  auto sum_1_0 = vec4<float>();
  auto sum_2_0 = vec4<float>();
  auto sum_3_0 = vec4<float>();
  for (int first_k = 0; first_k < 128; first_k += 16) {
    k0_tile_a[a_k0 * 9 + a_m0] = k0_four_a(batch, first_m + a_m0 * 4, first_k + a_k0);
    k0_tile_a[a_k1 * 9 + a_m1] = k0_four_a(batch, first_m + a_m1 * 4, first_k + a_k1);
    k0_tile_b[b_k0 * 9 + b_n0] = k0_four_b(batch, first_n + b_n0 * 4, first_k + b_k0);
    k0_tile_b[b_k1 * 9 + b_n1] = k0_four_b(batch, first_n + b_n1 * 4, first_k + b_k1);
    __syncthreads();
    for (int k = 0; k < 16; k += 1) {
      const auto m0 = k0_tile_a[k * 9 + my_m + 0];
      const auto n0 = k0_tile_b[k * 9 + my_n + 0];
      sum_0_0 += m0.x * n0;
      sum_1_0 += m0.y * n0;
      sum_2_0 += m0.z * n0;
      sum_3_0 += m0.w * n0;
    }
    __syncthreads();
  }
  k0_store_four(batch, first_m + my_m * 4 + 0, first_n + (my_n + 0) * 4, sum_0_0);
  k0_store_four(batch, first_m + my_m * 4 + 1, first_n + (my_n + 0) * 4, sum_1_0);
  k0_store_four(batch, first_m + my_m * 4 + 2, first_n + (my_n + 0) * 4, sum_2_0);
  k0_store_four(batch, first_m + my_m * 4 + 3, first_n + (my_n + 0) * 4, sum_3_0);
}

// What the lanes of a row hold, joined in a fixed order: in pairs within a warp, then warp by warp.
__device__ float k1_join_sum_float(float mine, int thread, int lane) const {
  for (int distance = 16; distance > 0; distance /= 2) {
    float other = __shfl_xor_sync(0xffffffff, mine, distance);
    mine = (mine + other);
  }
  if (1 == 1) {
    return mine;
  }
  __shared__ float warps[64 / 32];
  __syncthreads();
  if (thread % 32 == 0) {
    warps[thread / 32] = mine;
  }
  __syncthreads();
  int first = (thread - lane) / 32;
  mine = warps[first];
  for (int warp = 1; warp < 1; warp += 1) {
    float other = warps[first + warp];
    mine = (mine + other);
  }
  return mine;
}

// 32 threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void k1_part(int group, int thread) const {
  int first = group * 2;
  int lane = thread % 32;
  bool live = first + thread / 32 < 64;
  int row = min(first + thread / 32, 64 - 1);
  const int r0 = row;
  float acc0 = 0.0f;
  for (int i = lane; i < 128; i += 32) {
    const int r1 = i;
    const float v0 = a3[(r0 * 128 + r1)];
    acc0 = (acc0 + v0);
  }
  const float row_acc0 = k1_join_sum_float(acc0, thread, lane);
  if (live) {
    if (lane == 0) {
      a4[r0] = row_acc0;
    }
  }
}

__device__ void run(int group, int thread) const {
  if (group < 4) {
    k0_part(group - 0, thread);
  } else if (group < 36) {
    k1_part(group - 4, thread);
  }
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 36 + blockIdx.x;
  if (group < 36) {
    at.run(group, threadIdx.x);
  }
}
