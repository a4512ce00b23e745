// Rows m .. m + 3 of the first factor, columns n .. n + 3 of the second; zero outside.
__device__ vec4<{{type}}> {{prefix}}four_a(int batch, int m, int k) const {
  auto four = vec4<{{type}}>();
{{four_a}}  return four;
}

__device__ vec4<{{type}}> {{prefix}}four_b(int batch, int n, int k) const {
  auto four = vec4<{{type}}>();
{{four_b}}  return four;
}

__device__ void {{prefix}}store_four(int batch, int m, int n, vec4<{{type}}> sums) const {
{{store}}}

// A block computes {{block_m}} x {{block_n}} outputs, {{block_k}} terms at a time, a thread {{thread_m}} x {{thread_n}} of them. A vector of
// a tile holds four neighbouring rows (or columns).
__device__ void {{prefix}}part(int tile, int thread) const {
  __shared__ vec4<{{type}}> {{prefix}}tile_a[{{size_a}}];
  __shared__ vec4<{{type}}> {{prefix}}tile_b[{{size_b}}];
  int batch = tile / {{tiles_mn}};
  int first_m = tile % {{tiles_mn}} / {{tiles_n}} * {{block_m}};
  int first_n = tile % {{tiles_n}} * {{block_n}};
  int my_m = {{my_m}} * {{vectors_m}};
  int my_n = {{my_n}} * {{vectors_n}};
{{places}}{{clear}}  for (int first_k = 0; first_k < {{k}}; first_k += {{block_k}}) {
{{load}}    __syncthreads();
    for (int k = 0; k < {{block_k}}; k += 1) {
{{multiply}}    }
    __syncthreads();
  }
{{finish}}}
