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

// NaN if either is.
template <class T> __device__ T larger(T a, T b) {
  return a < b || b != b ? b : a;
}

// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
float* a2;

// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
__device__ vec4<float> four_a(int batch, int m, int k) const {
  auto four = vec4<float>();
  if (k >= 75) { return four; }
  const int r4 = (k / 25);
  const int r5 = ((k / 5) % 5);
  const int r6 = (k % 5);
  const int r0 = (m >> 8u);
  const int r2 = ((m >> 4u) & 15);
  const int inner = (m & 15);
  {
    const int r3 = inner + 0;
    const float v0 = a0[(r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.x = v0;
  }
  {
    const int r3 = inner + 1;
    const float v0 = a0[(r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.y = v0;
  }
  {
    const int r3 = inner + 2;
    const float v0 = a0[(r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.z = v0;
  }
  {
    const int r3 = inner + 3;
    const float v0 = a0[(r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    four.w = v0;
  }
  return four;
}

__device__ vec4<float> four_b(int batch, int n, int k) const {
  auto four = vec4<float>();
  if (k >= 75) { return four; }
  const int r4 = (k / 25);
  const int r5 = ((k / 5) % 5);
  const int r6 = (k % 5);
  const int inner = n;
  {
    const int r1 = inner + 0;
    const float v1 = a1[(r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.x = v1;
  }
  {
    const int r1 = inner + 1;
    const float v1 = a1[(r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.y = v1;
  }
  {
    const int r1 = inner + 2;
    const float v1 = a1[(r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.z = v1;
  }
  {
    const int r1 = inner + 3;
    const float v1 = a1[(r1 * 75 + r4 * 25 + r5 * 5 + r6)];
    four.w = v1;
  }
  return four;
}

__device__ void store_four(int batch, int m, int n, vec4<float> sums) const {
  const int r0 = (m >> 8u);
  const int r2 = ((m >> 4u) & 15);
  const int r3 = (m & 15);
  const int inner = n;
  {
    const int r1 = inner + 0;
    const float v5 = larger(sums.x, 0.0f);
    a2[(r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
  {
    const int r1 = inner + 1;
    const float v5 = larger(sums.y, 0.0f);
    a2[(r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
  {
    const int r1 = inner + 2;
    const float v5 = larger(sums.z, 0.0f);
    a2[(r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
  {
    const int r1 = inner + 3;
    const float v5 = larger(sums.w, 0.0f);
    a2[(r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
  }
}

// A block computes 32 x 32 outputs, 16 terms at a time, a thread 4 x 4 of them. A vector of
// a tile holds four neighbouring rows (or columns).
__device__ void part(int tile, int thread) const {
  __shared__ vec4<float> tile_a[144];
  __shared__ vec4<float> tile_b[144];
  int batch = tile / 64;
  int first_m = tile % 64 / 1 * 32;
  int first_n = tile % 1 * 32;
  int my_m = thread % 8 * 1;
  int my_n = thread / 8 * 1;
  const auto a_m0 = thread % 8;
  const auto a_k0 = thread / 8;
  const auto a_m1 = (thread + 64) % 8;
  const auto a_k1 = (thread + 64) / 8;
  const auto b_n0 = thread / 16;
  const auto b_k0 = thread % 16;
  const auto b_n1 = (thread + 64) / 16;
  const auto b_k1 = (thread + 64) % 16;
  auto sum_0_0 = vec4<float>();
  auto sum_1_0 = vec4<float>();
  auto sum_2_0 = vec4<float>();
  auto sum_3_0 = vec4<float>();
  for (int first_k = 0; first_k < 75; first_k += 16) {
    tile_a[a_k0 * 9 + a_m0] = four_a(batch, first_m + a_m0 * 4, first_k + a_k0);
    tile_a[a_k1 * 9 + a_m1] = four_a(batch, first_m + a_m1 * 4, first_k + a_k1);
    tile_b[b_k0 * 9 + b_n0] = four_b(batch, first_n + b_n0 * 4, first_k + b_k0);
    tile_b[b_k1 * 9 + b_n1] = four_b(batch, first_n + b_n1 * 4, first_k + b_k1);
    __syncthreads();
    for (int k = 0; k < 16; k += 1) {
      const auto m0 = tile_a[k * 9 + my_m + 0];
      const auto n0 = tile_b[k * 9 + my_n + 0];
      sum_0_0 += m0.x * n0;
      sum_1_0 += m0.y * n0;
      sum_2_0 += m0.z * n0;
      sum_3_0 += m0.w * n0;
    }
    __syncthreads();
  }
  store_four(batch, first_m + my_m * 4 + 0, first_n + (my_n + 0) * 4, sum_0_0);
  store_four(batch, first_m + my_m * 4 + 1, first_n + (my_n + 0) * 4, sum_1_0);
  store_four(batch, first_m + my_m * 4 + 2, first_n + (my_n + 0) * 4, sum_2_0);
  store_four(batch, first_m + my_m * 4 + 3, first_n + (my_n + 0) * 4, sum_3_0);
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 64 + blockIdx.x;
  if (group < 64) {
    at.run(group, threadIdx.x);
  }
}
