template <class T> __device__ T rest(T a, T b) {
  return b == T(0) || b == T(-1) && T(-1) < T(0) ? T(0) : a % b;
}

// Float to integer truncates and saturates; NaN gives 0.
template <class T> __device__ int to_int(T x) {
  return x != x ? 0 : x >= T(2147483648) ? 2147483647 : x <= T(-2147483648) ? -2147483647 - 1 : int(x);
}

// Where each argument is, and what is done with them.
struct Launch {
const int* a0;
const int* a1;
int* a2;

__device__ void part(int group, int thread) const {
  int row = group * 64 + thread;
  if (row >= 20) {
    return;
  }
  const int r0 = row;
  const int v0 = a0[r0];
  const int v1 = a1[r0];
  const int v2 = rest(v0, v1);
  const bool v4 = (v2 < 0);
  const bool v5 = (v1 < 0);
  const bool v6 = (v4 != v5);
  const bool v7 = (v2 == 0);
  const bool v8 = (!v7);
  const bool v9 = (v6 && v8);
  const int v10 = int(unsigned(v2) + unsigned(v1));
  const int v11 = (v9 ? v10 : v2);
  const float v12 = float(v0);
  const float v14 = (v12 * 1.5f);
  const int v15 = to_int(v14);
  const int v16 = int(unsigned(v11) + unsigned(v15));
  a2[r0] = v16;
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
