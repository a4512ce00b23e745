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

// Four floats to the nearest of TF32, ties away from zero.
#ifdef __CUDA_ARCH__
__device__ void round_tf32(unsigned* x) {
#pragma unroll
  for (int i = 0; i < 4; i += 1) {
    asm("cvt.rna.tf32.f32 %0, %0;" : "+r"(x[i]));
  }
}
#endif

// A warp's 16 x 8 sums, and products of 16 x 8 by 8 x 8 floats of TF32; which thread holds which is told in PTX's manual.
#ifdef __CUDA_ARCH__
__device__ void mma_tf32(float* sums, const unsigned* a, const unsigned* b) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

// Where each argument is, and what is done with them.
struct Launch {
const float* a0;
const float* a1;
float* a2;

// 4 neighbours of the factor, zeros outside.
__device__ void copy_a(void* to, int batch, int m, int k) const {
  const int r0 = m;
  const int r2 = k;
  const bool inside = m < 100;
  copy_16(to, a0 + (inside ? (r0 * 64 + r2) : 0), inside);
}

// 4 neighbours of the factor, zeros outside.
__device__ void copy_b(void* to, int batch, int n, int k) const {
  const int r1 = n;
  const int r2 = k;
  const bool inside = n < 200;
  copy_16(to, a1 + (inside ? (r1 * 64 + r2) : 0), inside);
}

// 2 neighbouring columns.
__device__ void store(int batch, int m, int n, const float* sums) const {
  if (m >= 100) { return; }
  const int r0 = m;
  if (n >= 200) { return; }
  const int inner = n;
  wide<float, 2> out2;
#pragma unroll
  for (int j = 0; j < 2; j += 1) {
    const int r1 = inner + j;
    out2.at[j] = sums[j];
  }
  *(wide<float, 2>*)(a2 + (r0 * 200 + inner)) = out2;
}

// A block computes 64 x 64 outputs, 16 terms at a time. While two tiles are multiplied the next ones are on their
// way. The first factor's lie terms by terms, the second's terms by terms.
__device__ void part(int tile, int thread) const {
  float* shared_a = (float*)shared_memory();
  float* shared_b = shared_a + 3 * 1280;
  int batch = tile / 8;
  // 8 rows of tiles at a time, column by column: blocks that run together read the same rows and columns.
  int band = tile % 8 / 32 * 8;
  int height = min(2 - band, 8);
  int first_m = (band + tile % 8 % 32 % height) * 64;
  int first_n = tile % 8 % 32 / height * 64;
  int lane = thread % 32;
  int warp_m = thread / 32 / 2 * 32;
  int warp_n = thread / 32 % 2 * 32;
  int my_a = (warp_m + lane % 16) * 20 + (lane / 16 * 4) * 1;
  int my_b = (warp_n + lane % 8 + lane / 16 * 8) * 20 + (lane / 8 % 2 * 4) * 1;
  float sums[2][4][4] = {};
  for (int first_k = -32, now = 1; first_k < 64; first_k += 16) {
    copies_wait<3 - 2>();
    __syncthreads();
    int next_k = first_k + 32;
    int next = now == 0 ? 3 - 1 : now - 1;
    if (next_k < 64) {
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 128;
        copy_a(shared_a + next * 1280 + (at / 4) * 20 + (at % 4 * 4) * 1, batch, first_m + at / 4, next_k + at % 4 * 4);
      }
#pragma unroll
      for (int i = 0; i < 2; i += 1) {
        int at = thread + i * 128;
        copy_b(shared_b + next * 1280 + (at / 4) * 20 + (at % 4 * 4) * 1, batch, first_n + at / 4, next_k + at % 4 * 4);
      }
    }
    copies_commit();
    if (first_k >= 0) {
      const float* tile_a = shared_a + now * 1280 + my_a;
      const float* tile_b = shared_b + now * 1280 + my_b;
#pragma unroll
      for (int k = 0; k < 16; k += 8) {
        unsigned a[2][4], b[4][2];
#pragma unroll
        for (int i = 0; i < 2; i += 1) {
          ldmatrix(a[i], tile_a + (i * 16 + 0) * 20 + (k + 0) * 1);
          round_tf32(a[i]);
        }
#pragma unroll
        for (int j = 0; j < 4; j += 2) {
          ldmatrix(b[j], tile_b + (j * 8 + 0) * 20 + (k + 0) * 1);
          round_tf32(b[j]);
        }
#pragma unroll
        for (int i = 0; i < 2; i += 1) {
#pragma unroll
          for (int j = 0; j < 4; j += 1) {
            mma_tf32(sums[i][j], a[i], b[j]);
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
  int group = blockIdx.y * 8 + blockIdx.x;
  if (group < 8) {
    at.run(group, threadIdx.x);
  }
}
