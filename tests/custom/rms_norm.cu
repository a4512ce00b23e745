// A block has a row; its threads add up squares side by side.
__shared__ float sums[64];
unsigned n = x_shape[1];
unsigned row = group * n;
float sum = 0;
for (unsigned j = thread; j < n; j += 64) sum += x[row + j] * x[row + j];
sums[thread] = sum;
__syncthreads();
for (unsigned half = 32; half > 0; half /= 2) {
  if (thread < half) sums[thread] += sums[thread + half];
  __syncthreads();
}
float scale = 1 / sqrtf(sums[0] / n + 1e-5f);
for (unsigned j = thread; j < n; j += 64) out[row + j] = x[row + j] * scale * w[j];
