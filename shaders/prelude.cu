__device__ float infinity() {
  return __int_as_float(0x7f800000);
}

__device__ float not_a_number() {
  return __int_as_float(0x7fc00000);
}

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
  return a <= b || b != b ? b : a;
}

__device__ int floor_div(int a, int d) {
  return a / d - (a % d < 0 ? 1 : 0);
}

__device__ int floor_mod(int a, int d) {
  int r = a % d;
  return r < 0 ? r + d : r;
}

typedef long long int64;

typedef unsigned long long uint64;

// By zero 0; integers wrap.
template <class T> __device__ T quotient(T a, T b) {
  return b == T(0) ? T(0) : b == T(-1) && T(-1) < T(0) ? T(uint64(0) - uint64(a)) : a / b;
}

template <class T> __device__ T rest(T a, T b) {
  return b == T(0) || b == T(-1) && T(-1) < T(0) ? T(0) : a % b;
}

// By the width or more: 0, or the sign.
template <class T> __device__ T shifted_left(T a, T b) {
  return uint64(b) < sizeof(T) * 8 ? T(uint64(a) << b) : T(0);
}

template <class T> __device__ T shifted_right(T a, T b) {
  T last = sizeof(T) * 8 - 1;
  return uint64(b) <= uint64(last) ? a >> b : T(-1) < T(0) ? a >> last : T(0);
}

// Float to integer truncates and saturates; NaN gives 0.
template <class T> __device__ int to_int(T x) {
  return x != x ? 0 : x >= T(2147483648) ? 2147483647 : x <= T(-2147483648) ? -2147483647 - 1 : int(x);
}

template <class T> __device__ unsigned to_unsigned(T x) {
  return x >= T(4294967296) ? 4294967295u : x > T(0) ? unsigned(x) : 0u;
}

template <class T> __device__ int64 to_int64(T x) {
  int64 most = 9223372036854775807ll;
  T end = T(9223372036854775808ull);
  return x != x ? int64(0) : x >= end ? most : x <= -end ? -most - 1 : int64(x);
}

template <class T> __device__ int to_int8(T x) {
  return x >= T(127) ? 127 : x <= T(-128) ? -128 : x != x ? 0 : int(x);
}

template <class T> __device__ unsigned to_uint8(T x) {
  return x >= T(255) ? 255u : x > T(0) ? unsigned(x) : 0u;
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

__device__ float from_bf16(unsigned short half) {
  return __uint_as_float(unsigned(half) << 16);
}

__device__ unsigned short to_bf16(float x) {
#if __CUDA_ARCH__ >= 800
  unsigned short half;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(half) : "f"(x));
  return half;
#else
  unsigned bits = __float_as_uint(x);
  unsigned near = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return x != x ? (bits >> 16 & 0x8000u) | 0x7fc0u : near;
#endif
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

// Four floats to the nearest of TF32, ties away from zero.
#ifdef __CUDA_ARCH__
__device__ void round_tf32(unsigned* x) {
#pragma unroll
  for (int i = 0; i < 4; i += 1) {
    asm("cvt.rna.tf32.f32 %0, %0;" : "+r"(x[i]));
  }
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

// A warp's 16 x 8 sums, and products of 16 x 16 by 16 x 8 halves; which thread holds which is told in PTX's manual.
#ifdef __CUDA_ARCH__
__device__ void mma_bf16(float* sums, const unsigned* a, const unsigned* b) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
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
