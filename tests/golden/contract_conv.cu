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
float* a2;

// 4 neighbours of the factor, zeros outside.
__device__ wide<float, 4> load_a(int batch, int m, int k) const {
  wide<float, 4> values = {};
  if (k >= 75) { return values; }
  const int r4 = (k / 25);
  const int r5 = ((k / 5) % 5);
  const int r6 = (k % 5);
  const int r0 = (m >> 8u);
  const int r2 = ((m >> 4u) & 15);
  const int inner = (m & 15);
#pragma unroll
  for (int j = 0; j < 4; j += 1) {
    const int r3 = inner + j;
    const float v0 = a0[(r0 * 1200 + r2 * 20 + r3 + r4 * 400 + r5 * 20 + r6)];
    values.at[j] = v0;
  }
  return values;
}

// 4 neighbours of the factor, zeros outside.
__device__ wide<float, 4> load_b(int batch, int n, int k) const {
  wide<float, 4> values = {};
  const int r1 = n;
#pragma unroll
  for (int j = 0; j < 4; j += 1) {
    if (k + j < 75) {
      const int position = k + j;
      const int r4 = (position / 25);
      const int r5 = ((position / 5) % 5);
      const int r6 = (position % 5);
      const float v1 = a1[(r1 * 75 + r4 * 25 + r5 * 5 + r6)];
      values.at[j] = v1;
    }
  }
  return values;
}

// 1 neighbouring columns.
__device__ void store(int batch, int m, int n, const float* sums) const {
  const int r0 = (m >> 8u);
  const int r2 = ((m >> 4u) & 15);
  const int r3 = (m & 15);
  const int inner = n;
  const int j = 0;
  const int r1 = inner + j;
  const float v5 = larger(sums[j], 0.0f);
  a2[(r0 * 8192 + r1 * 256 + r2 * 16 + r3)] = v5;
}

// A block computes 32 x 32 outputs, 16 terms at a time. While two tiles are multiplied the next ones are on their
// way. The first factor's lie rows by rows, the second's terms by terms.
__device__ void part(int tile, int thread) const {
  float* shared_a = (float*)shared_memory();
  float* shared_b = shared_a + 2 * 512;
  int batch = tile / 64;
  // 8 rows of tiles at a time, column by column: blocks that run together read the same rows and columns.
  int band = tile % 64 / 8 * 8;
  int height = min(64 - band, 8);
  int first_m = (band + tile % 64 % 8 % height) * 32;
  int first_n = tile % 64 % 8 / height * 32;
  int row = thread / 32 / 1 * 4 + thread % 32 / 8;
  int column = thread / 32 % 1 * 8 + thread % 8;
  int my_a = row * 4;
  int my_b = column * 20;
  float sums[4][4] = {};
  wide<float, 4> next_a[2];
  wide<float, 4> next_b[2];
  for (int first_k = -16, now = 1; first_k < 75; first_k += 16) {
    copies_wait<2 - 2>();
    __syncthreads();
    int next_k = first_k + 16;
    int next = now == 0 ? 2 - 1 : now - 1;
    if (next_k < 75) {
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 64;
        next_a[i] = load_a(batch, first_m + at % 8 * 4, next_k + at / 8);
      }
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 64;
        next_b[i] = load_b(batch, first_n + at / 4, next_k + at % 4 * 4);
      }
    }
    copies_commit();
    if (first_k >= 0) {
      const float* tile_a = shared_a + now * 512 + my_a;
      const float* tile_b = shared_b + now * 640 + my_b;
#pragma unroll
      for (int k = 0; k < 16; k += 4) {
        float a[4][4], b[4][4];
#pragma unroll
        for (int t = 0; t < 4; t += 1) {
#pragma unroll
          for (int i = 0; i < 4; i += 4) {
            auto four = *(const wide<float, 4>*)(tile_a + (k + t) * 32 + i * 8);
#pragma unroll
            for (int c = 0; c < 4; c += 1) {
              a[i + c][t] = four.at[c];
            }
          }
        }
#pragma unroll
        for (int i = 0; i < 4; i += 1) {
          auto four = *(const wide<float, 4>*)(tile_b + i * 160 + k);
#pragma unroll
          for (int t = 0; t < 4; t += 1) {
            b[i][t] = four.at[t];
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
    if (next_k < 75) {
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 64;
        *(wide<float, 4>*)(shared_a + next * 512 + (at % 8 * 4) * 1 + (at / 8) * 32) = next_a[i];
      }
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 64;
        *(wide<float, 4>*)(shared_b + next * 640 + (at / 4) * 20 + (at % 4 * 4) * 1) = next_b[i];
      }
    }
    now = now == 2 - 1 ? 0 : now + 1;
  }
#pragma unroll
  for (int i = 0; i < 4; i += 1) {
#pragma unroll
    for (int j = 0; j < 4; j += 1) {
      store(batch, first_m + row * 4 + i / 4 * 32 + i % 4, first_n + column + j * 8, sums[i] + j);
    }
  }
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
