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

// Four matrices of 8 rows of 16 bytes, of which each thread of the warp names a row.
#ifdef __CUDA_ARCH__
__device__ void ldmatrix(unsigned* to, const void* from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(unsigned(__cvta_generic_to_shared(from)))
               : "memory");
}
#endif

// Four matrices of 8 x 8 halves, of which each thread of the warp names a column.
#ifdef __CUDA_ARCH__
__device__ void ldmatrix_transposed(unsigned* to, const void* from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(unsigned(__cvta_generic_to_shared(from)))
               : "memory");
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

// 8 neighbours of the factor, zeros outside.
__device__ void copy_a(void* to, int batch, int m, int k) const {
  const int r2 = k;
  const int r0 = m;
  const bool inside = k < 200;
  copy_16(to, a0 + (inside ? (r0 + r2 * 512) : 0), inside);
}

// 8 neighbours of the factor, zeros outside.
__device__ void copy_b(void* to, int batch, int n, int k) const {
  const int r2 = k;
  const int r1 = n;
  const bool inside = k < 200;
  copy_16(to, a1 + (inside ? (r1 + r2 * 320) : 0), inside);
}

// 2 neighbouring columns.
__device__ void store(int batch, int m, int n, const float* sums) const {
  const int r0 = m;
  const int inner = n;
  wide<float, 2> out2;
#pragma unroll
  for (int j = 0; j < 2; j += 1) {
    const int r1 = inner + j;
    const float v7 = larger(sums[j], 0.0f);
    out2.at[j] = v7;
  }
  *(wide<float, 2>*)(a2 + (r0 * 320 + inner)) = out2;
}

// A block computes 64 x 64 outputs, 32 terms at a time. While two tiles are multiplied the next ones are on their
// way. The first factor's lie rows by rows, the second's rows by rows.
__device__ void part(int tile, int thread) const {
  unsigned short* shared_a = (unsigned short*)shared_memory();
  unsigned short* shared_b = shared_a + 3 * 2304;
  int batch = tile / 40;
  // 8 rows of tiles at a time, column by column: blocks that run together read the same rows and columns.
  int band = tile % 40 / 40 * 8;
  int height = min(8 - band, 8);
  int first_m = (band + tile % 40 % 40 % height) * 64;
  int first_n = tile % 40 % 40 / height * 64;
  int lane = thread % 32;
  int warp_m = thread / 32 / 2 * 32;
  int warp_n = thread / 32 % 2 * 32;
  int my_a = (warp_m + lane / 8 % 2 * 8) * 1 + (lane % 8 + lane / 16 * 8) * 72;
  int my_b = (warp_n + lane / 16 * 8) * 1 + (lane % 16) * 72;
  float sums[2][4][4] = {};
  for (int first_k = -64, now = 1; first_k < 200; first_k += 32) {
    copies_wait<3 - 2>();
    __syncthreads();
    int next_k = first_k + 64;
    int next = now == 0 ? 3 - 1 : now - 1;
    if (next_k < 200) {
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 128;
        copy_a(shared_a + next * 2304 + (at % 8 * 8) * 1 + (at / 8) * 72, batch, first_m + at % 8 * 8, next_k + at / 8);
      }
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 128;
        copy_b(shared_b + next * 2304 + (at % 8 * 8) * 1 + (at / 8) * 72, batch, first_n + at % 8 * 8, next_k + at / 8);
      }
    }
    copies_commit();
    if (first_k >= 0) {
      const unsigned short* tile_a = shared_a + now * 2304 + my_a;
      const unsigned short* tile_b = shared_b + now * 2304 + my_b;
#pragma unroll
      for (int k = 0; k < 32; k += 16) {
        unsigned a[2][4], b[4][2];
#pragma unroll
        for (int i = 0; i < 2; i += 1) {
          ldmatrix_transposed(a[i], tile_a + (i * 16 + 0) * 1 + (k + 0) * 72);
        }
#pragma unroll
        for (int j = 0; j < 4; j += 2) {
          ldmatrix_transposed(b[j], tile_b + (j * 8 + 0) * 1 + (k + 0) * 72);
        }
#pragma unroll
        for (int i = 0; i < 2; i += 1) {
#pragma unroll
          for (int j = 0; j < 4; j += 1) {
            mma_f16(sums[i][j], a[i], b[j]);
          }
        }
      }
    }
    now = now == 3 - 1 ? 0 : now + 1;
  }
#pragma unroll
  for (int i = 0; i < 2; i += 1) {
#pragma unroll
    for (int j = 0; j < 4; j += 1) {
      int m = first_m + warp_m + i * 16 + lane / 4;
      int n = first_n + warp_n + j * 8 + lane % 4 * 2;
      store(batch, m, n, sums[i][j]);
      store(batch, m + 8, n, sums[i][j] + 2);
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
