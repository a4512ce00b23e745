#pragma unroll
      for (int k = 0; k < {{block_k}}; k += {{depth}}) {
        unsigned a[{{count_m}}][4], b[{{count_n}}][2];
#pragma unroll
        for (int i = 0; i < {{count_m}}; i += 1) {
{{fragment_a}}        }
#pragma unroll
        for (int j = 0; j < {{count_n}}; j += 2) {
{{fragment_b}}        }
#pragma unroll
        for (int i = 0; i < {{count_m}}; i += 1) {
#pragma unroll
          for (int j = 0; j < {{count_n}}; j += 1) {
            mma_{{math}}(sums[i][j], a[i], b[j]);
          }
        }
      }
