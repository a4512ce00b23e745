{{load_a}}
{{load_b}}
// {{width}} neighbouring columns.
__device__ void {{prefix}}store(int batch, int m, int n, const float* sums) const {
{{store}}}

// A block computes {{block_m}} x {{block_n}} outputs, {{block_k}} terms at a time. While two tiles are multiplied the next ones are on their
// way. The first factor's lie {{along_a}} by {{along_a}}, the second's {{along_b}} by {{along_b}}.
__device__ void {{prefix}}part(int tile, int thread) const {
  {{memory}}* shared_a = ({{memory}}*)shared_memory();
  {{memory}}* shared_b = shared_a + {{stages}} * {{size_a}};
  int batch = tile / {{tiles_mn}};
  // {{band}} rows of tiles at a time, column by column: blocks that run together read the same rows and columns.
  int band = tile % {{tiles_mn}} / {{tiles_band}} * {{band}};
  int height = min({{tiles_m}} - band, {{band}});
  int first_m = (band + tile % {{tiles_mn}} % {{tiles_band}} % height) * {{block_m}};
  int first_n = tile % {{tiles_mn}} % {{tiles_band}} / height * {{block_n}};
{{places}}{{held}}  for (int first_k = {{before}}, now = 1; first_k < {{k}}; first_k += {{block_k}}) {
    copies_wait<{{stages}} - 2>();
    __syncthreads();
    int next_k = first_k + {{ahead}};
    int next = now == 0 ? {{stages}} - 1 : now - 1;
    if (next_k < {{k}}) {
{{start}}    }
    copies_commit();
    if (first_k >= 0) {
      const {{memory}}* tile_a = shared_a + now * {{size_a}} + my_a;
      const {{memory}}* tile_b = shared_b + now * {{size_b}} + my_b;
{{multiply}}    }
{{put}}    now = now == {{stages}} - 1 ? 0 : now + 1;
  }
{{finish}}}
