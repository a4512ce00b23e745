#pragma unroll
      for (int k = 0; k < {{block_k}}; k += {{depth}}) {
        float a[{{count_m}}][{{depth}}], b[{{count_n}}][{{depth}}];
{{fragment_a}}{{fragment_b}}#pragma unroll
        for (int t = 0; t < {{depth}}; t += 1) {
#pragma unroll
          for (int i = 0; i < {{count_m}}; i += 1) {
#pragma unroll
            for (int j = 0; j < {{count_n}}; j += 1) {
              sums[i][j] += a[i][t] * b[j][t];
            }
          }
        }
      }
