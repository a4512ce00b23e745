#pragma unroll
  for (int i = 0; i < {{count_m}}; i += 1) {
#pragma unroll
    for (int j = 0; j < {{count_n}}; j += 1) {
      int m = first_m + warp_m + i * 16 + lane / 4;
      int n = first_n + warp_n + j * 8 + lane % 4 * 2;
      {{prefix}}store(batch, m, n, sums[i][j]);
      {{prefix}}store(batch, m + 8, n, sums[i][j] + 2);
    }
  }
