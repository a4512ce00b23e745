// NaN if either is.
template <class T> __device__ T larger(T a, T b) {
  return a <= b || b != b ? b : a;
}

// Neighbours that are read and written as one.
template <class T, int N> struct wide {
  alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) T at[N];
};

// What a launch gives a block besides its own arrays.
#ifdef __CUDA_ARCH__
__device__ char* shared_memory() {
  extern __shared__ __align__(16) char bytes[];
  return bytes;
}
#endif

// Starts to copy 16 bytes, or zeros, to shared memory; both places are multiples of 16.
#ifdef __CUDA_ARCH__
__device__ void copy_16(void* to, const void* from, bool inside) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(unsigned(__cvta_generic_to_shared(to))), "l"(from),
               "r"(inside ? 16 : 0)
               : "memory");
#else
  *(wide<unsigned, 4>*)to = inside ? *(const wide<unsigned, 4>*)from : wide<unsigned, 4>();
#endif
}
#endif

// Ends a group of copies.
#ifdef __CUDA_ARCH__
__device__ void copies_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
#endif

// Waits for the thread's own copies, the last N groups excepted.
#ifdef __CUDA_ARCH__
template <int N> __device__ void copies_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}
#endif

// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
const float* a2;
float* a3;

// 4 neighbours of the factor, zeros outside.
__device__ void copy_a(void* to, int batch, int m, int k) const {
  const int r0 = m;
  const int r2 = k;
  copy_16(to, a0 + (r0 * 784 + r2), true);
}

// 4 neighbours of the factor, zeros outside.
__device__ void copy_b(void* to, int batch, int n, int k) const {
  const int r2 = k;
  const int r1 = n;
  copy_16(to, a1 + (r1 + r2 * 128), true);
}

// 4 neighbouring columns.
__device__ void store(int batch, int m, int n, const float* sums) const {
  const int r0 = m;
  const int inner = n;
  const wide<float, 4> w4 = *(const wide<float, 4>*)(a2 + inner);
  wide<float, 4> out3;
#pragma unroll
  for (int j = 0; j < 4; j += 1) {
    const int r1 = inner + j;
    const float v4 = w4.at[j];
    const float v5 = (sums[j] + v4);
    const float v7 = larger(v5, 0.0f);
    out3.at[j] = v7;
  }
  *(wide<float, 4>*)(a3 + (r0 * 128 + inner)) = out3;
}

// A block computes 32 x 32 outputs, 16 terms at a time. While two tiles are multiplied the next ones are on their
// way. The first factor's lie terms by terms, the second's rows by rows.
__device__ void part(int tile, int thread) const {
  float* shared_a = (float*)shared_memory();
  float* shared_b = shared_a + 2 * 640;
  int batch = tile / 16;
  // 8 rows of tiles at a time, column by column: blocks that run together read the same rows and columns.
  int band = tile % 16 / 32 * 8;
  int height = min(4 - band, 8);
  int first_m = (band + tile % 16 % 32 % height) * 32;
  int first_n = tile % 16 % 32 / height * 32;
  int row = thread / 32 / 1 * 4 + thread % 32 / 8;
  int column = thread / 32 % 1 * 8 + thread % 8;
  int my_a = row * 20;
  int my_b = column * 4;
  float sums[4][4] = {};
  for (int first_k = -16, now = 1; first_k < 784; first_k += 16) {
    copies_wait<2 - 2>();
    __syncthreads();
    int next_k = first_k + 16;
    int next = now == 0 ? 2 - 1 : now - 1;
    if (next_k < 784) {
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 64;
        copy_a(shared_a + next * 640 + (at / 4) * 20 + (at % 4 * 4) * 1, batch, first_m + at / 4, next_k + at % 4 * 4);
      }
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 64;
        copy_b(shared_b + next * 512 + (at % 8 * 4) * 1 + (at / 8) * 32, batch, first_n + at % 8 * 4, next_k + at / 8);
      }
    }
    copies_commit();
    if (first_k >= 0) {
      const float* tile_a = shared_a + now * 640 + my_a;
      const float* tile_b = shared_b + now * 512 + my_b;
#pragma unroll
      for (int k = 0; k < 16; k += 4) {
        float a[4][4], b[4][4];
#pragma unroll
        for (int i = 0; i < 4; i += 1) {
          auto four = *(const wide<float, 4>*)(tile_a + i * 160 + k);
#pragma unroll
          for (int t = 0; t < 4; t += 1) {
            a[i][t] = four.at[t];
          }
        }
#pragma unroll
        for (int t = 0; t < 4; t += 1) {
#pragma unroll
          for (int i = 0; i < 4; i += 4) {
            auto four = *(const wide<float, 4>*)(tile_b + (k + t) * 32 + i * 8);
#pragma unroll
            for (int c = 0; c < 4; c += 1) {
              b[i + c][t] = four.at[c];
            }
          }
        }
#pragma unroll
        for (int t = 0; t < 4; t += 1) {
#pragma unroll
          for (int i = 0; i < 4; i += 1) {
#pragma unroll
            for (int j = 0; j < 4; j += 1) {
              sums[i][j] += a[i][t] * b[j][t];
            }
          }
        }
      }
    }
    now = now == 2 - 1 ? 0 : now + 1;
  }
#pragma unroll
  for (int i = 0; i < 4; i += 1) {
#pragma unroll
    for (int j = 0; j < 4; j += 4) {
      store(batch, first_m + row + i * 8, first_n + column * 4 + j / 4 * 32 + j % 4, sums[i] + j);
    }
  }
}

__device__ void run(int group, int thread) const {
  part(group, thread);
}
};

extern "C" __global__ void __launch_bounds__(64) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * 16 + blockIdx.x;
  if (group < 16) {
    at.run(group, threadIdx.x);
  }
}
