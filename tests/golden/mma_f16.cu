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

#ifdef __CUDA_ARCH__
__device__ float from_f16(unsigned short half) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
  return x;
}
#endif

// To the nearest, ties to even.
#ifdef __CUDA_ARCH__
__device__ unsigned short to_f16(float x) {
  unsigned short half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
  return half;
}
#endif

// A warp's 16 x 8 sums, and products of 16 x 16 by 16 x 8 halves; which thread holds which is told in PTX's manual.
#ifdef __CUDA_ARCH__
__device__ void mma_f16(float* sums, const unsigned* a, const unsigned* b) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

// Where each argument is, and what is done with them.
struct Launch {
const unsigned short* a0;
const unsigned short* a1;
float* a2;

// Four neighbours of the first factor, along its terms, from row m and term k on; of the second, along its rows; zero outside.
__device__ vec4<float> four_a(int batch, int m, int k) const {
  auto four = vec4<float>();
  const int r0 = m;
  if (k >= 200) { return four; }
  const int inner = k;
  {
    const int r2 = inner + 0;
    const float v0 = from_f16(a0[(r0 * 200 + r2)]);
    four.x = v0;
  }
  {
    const int r2 = inner + 1;
    const float v0 = from_f16(a0[(r0 * 200 + r2)]);
    four.y = v0;
  }
  {
    const int r2 = inner + 2;
    const float v0 = from_f16(a0[(r0 * 200 + r2)]);
    four.z = v0;
  }
  {
    const int r2 = inner + 3;
    const float v0 = from_f16(a0[(r0 * 200 + r2)]);
    four.w = v0;
  }
  return four;
}

__device__ vec4<float> four_b(int batch, int n, int k) const {
  auto four = vec4<float>();
  if (k >= 200) { return four; }
  const int r2 = k;
  if (n >= 300) { return four; }
  const int inner = n;
  {
    const int r1 = inner + 0;
    const float v2 = from_f16(a1[(r1 + r2 * 300)]);
    four.x = v2;
  }
  {
    const int r1 = inner + 1;
    const float v2 = from_f16(a1[(r1 + r2 * 300)]);
    four.y = v2;
  }
  {
    const int r1 = inner + 2;
    const float v2 = from_f16(a1[(r1 + r2 * 300)]);
    four.z = v2;
  }
  {
    const int r1 = inner + 3;
    const float v2 = from_f16(a1[(r1 + r2 * 300)]);
    four.w = v2;
  }
  return four;
}

// Two neighbouring columns.
__device__ void store_two(int batch, int m, int n, vec4<float> sums) const {
  const int r0 = m;
  if (n >= 300) { return; }
  const int inner = n;
  {
    const int r1 = inner + 0;
    const float v7 = larger(sums.x, 0.0f);
    a2[(r0 * 300 + r1)] = v7;
  }
  {
    const int r1 = inner + 1;
    const float v7 = larger(sums.y, 0.0f);
    a2[(r0 * 300 + r1)] = v7;
  }
}

// A block computes 64 x 64 outputs, 32 terms at a time; each of its warps 32 x 32 of them, on tensor cores.
// While two tiles are multiplied the next two are on their way.
__device__ void part(int tile, int thread) const {
  alignas(16) __shared__ unsigned short tile_a[2][64][40];
  alignas(16) __shared__ unsigned short tile_b[2][64][40];
  int batch = tile / 40;
  int first_m = tile % 40 / 5 * 64;
  int first_n = tile % 5 * 64;
  int my_m = thread / 32 / 2 * 32 + thread % 32 / 4;
  int my_n = thread / 32 % 2 * 32 + thread % 32 / 4;
  int my_k = thread % 4 * 2;
  float sums[32 / 16][32 / 8][4] = {};
  vec4<float> next_a[4], next_b[4];
  for (int first_k = -32, now = 1; first_k < 200; first_k += 32, now ^= 1) {
    int next_k = first_k + 32;
    if (next_k < 200) {
#pragma unroll
      for (int i = 0; i < 4; i += 1) {
        int at = thread + i * 128;
        next_a[i] = four_a(batch, first_m + at / 8, next_k + at % 8 * 4);
      }
#pragma unroll
      for (int i = 0; i < 4; i += 1) {
        int at = thread + i * 128;
        next_b[i] = four_b(batch, first_n + at % 16 * 4, next_k + at / 16);
      }
    }
    if (first_k >= 0) {
#pragma unroll
      for (int k = 0; k < 32; k += 16) {
        unsigned a[32 / 16][4], b[32 / 8][2];
#pragma unroll
        for (int i = 0; i < 32 / 16; i += 1) {
          const unsigned short* from = &tile_a[now][my_m + i * 16][my_k + k];
          a[i][0] = *(const unsigned*)from;
          a[i][1] = *(const unsigned*)(from + 8 * 40);
          a[i][2] = *(const unsigned*)(from + 8);
          a[i][3] = *(const unsigned*)(from + 8 * 40 + 8);
        }
#pragma unroll
        for (int j = 0; j < 32 / 8; j += 1) {
          const unsigned short* from = &tile_b[now][my_n + j * 8][my_k + k];
          b[j][0] = *(const unsigned*)from;
          b[j][1] = *(const unsigned*)(from + 8);
        }
#pragma unroll
        for (int i = 0; i < 32 / 16; i += 1) {
#pragma unroll
          for (int j = 0; j < 32 / 8; j += 1) {
            mma_f16(sums[i][j], a[i], b[j]);
          }
        }
      }
    }
    if (next_k < 200) {
#pragma unroll
      for (int i = 0; i < 4; i += 1) {
        int at = thread + i * 128;
        unsigned short* to = &tile_a[now ^ 1][at / 8][at % 8 * 4];
        to[0] = to_f16(next_a[i].x);
        to[1] = to_f16(next_a[i].y);
        to[2 * 1] = to_f16(next_a[i].z);
        to[3 * 1] = to_f16(next_a[i].w);
      }
#pragma unroll
      for (int i = 0; i < 4; i += 1) {
        int at = thread + i * 128;
        unsigned short* to = &tile_b[now ^ 1][at % 16 * 4][at / 16];
        to[0] = to_f16(next_b[i].x);
        to[40] = to_f16(next_b[i].y);
        to[2 * 40] = to_f16(next_b[i].z);
        to[3 * 40] = to_f16(next_b[i].w);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 32 / 16; i += 1) {
#pragma unroll
    for (int j = 0; j < 32 / 8; j += 1) {
      int m = first_m + my_m + i * 16;
      int n = first_n + my_n - thread % 32 / 4 + j * 8 + my_k;
      store_two(batch, m, n, vec4<float>{sums[i][j][0], sums[i][j][1]});
      store_two(batch, m + 8, n, vec4<float>{sums[i][j][2], sums[i][j][3]});
    }
  }
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(128) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 40 + blockIdx.x;
  if (group < 40) {
    at.run(group, threadIdx.x);
  }
}
