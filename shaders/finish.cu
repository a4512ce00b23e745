#pragma unroll
  for (int i = 0; i < {{count_m}}; i += 1) {
#pragma unroll
    for (int j = 0; j < {{count_n}}; j += {{width}}) {
      {{prefix}}store(batch, first_m + {{row}}, first_n + {{column}}, sums[i] + j);
    }
  }
