// Four neighbours of the first factor, along {{along_a}}, from row m and term k on; of the second, along {{along_b}}; zero outside.
__device__ vec4<float> {{prefix}}four_a(int batch, int m, int k) const {
  auto four = vec4<float>();
{{four_a}}  return four;
}

__device__ vec4<float> {{prefix}}four_b(int batch, int n, int k) const {
  auto four = vec4<float>();
{{four_b}}  return four;
}

// Two neighbouring columns.
__device__ void {{prefix}}store_two(int batch, int m, int n, vec4<float> sums) const {
{{store}}}

// A block computes {{block_m}} x {{block_n}} outputs, {{block_k}} terms at a time; each of its warps {{warp_m}} x {{warp_n}} of them, on tensor cores.
// While two tiles are multiplied the next two are on their way.
__device__ void {{prefix}}part(int tile, int thread) const {
  alignas(16) __shared__ unsigned short tile_a[2][{{block_m}}][{{stride}}];
  alignas(16) __shared__ unsigned short tile_b[2][{{block_n}}][{{stride}}];
  int batch = tile / {{tiles_mn}};
  int first_m = tile % {{tiles_mn}} / {{tiles_n}} * {{block_m}};
  int first_n = tile % {{tiles_n}} * {{block_n}};
  int my_m = thread / 32 / {{warps_n}} * {{warp_m}} + thread % 32 / 4;
  int my_n = thread / 32 % {{warps_n}} * {{warp_n}} + thread % 32 / 4;
  int my_k = thread % 4 * 2;
  float sums[{{warp_m}} / 16][{{warp_n}} / 8][4] = {};
  vec4<float> next_a[{{loads_a}}], next_b[{{loads_b}}];
  for (int first_k = -{{block_k}}, now = 1; first_k < {{k}}; first_k += {{block_k}}, now ^= 1) {
    int next_k = first_k + {{block_k}};
    if (next_k < {{k}}) {
#pragma unroll
      for (int i = 0; i < {{loads_a}}; i += 1) {
        int at = thread + i * {{threads}};
        next_a[i] = {{prefix}}four_a(batch, first_m + {{row_a}}, next_k + {{term_a}});
      }
#pragma unroll
      for (int i = 0; i < {{loads_b}}; i += 1) {
        int at = thread + i * {{threads}};
        next_b[i] = {{prefix}}four_b(batch, first_n + {{row_b}}, next_k + {{term_b}});
      }
    }
    if (first_k >= 0) {
#pragma unroll
      for (int k = 0; k < {{block_k}}; k += 16) {
        unsigned a[{{warp_m}} / 16][4], b[{{warp_n}} / 8][2];
#pragma unroll
        for (int i = 0; i < {{warp_m}} / 16; i += 1) {
          const unsigned short* from = &tile_a[now][my_m + i * 16][my_k + k];
          a[i][0] = *(const unsigned*)from;
          a[i][1] = *(const unsigned*)(from + 8 * {{stride}});
          a[i][2] = *(const unsigned*)(from + 8);
          a[i][3] = *(const unsigned*)(from + 8 * {{stride}} + 8);
        }
#pragma unroll
        for (int j = 0; j < {{warp_n}} / 8; j += 1) {
          const unsigned short* from = &tile_b[now][my_n + j * 8][my_k + k];
          b[j][0] = *(const unsigned*)from;
          b[j][1] = *(const unsigned*)(from + 8);
        }
#pragma unroll
        for (int i = 0; i < {{warp_m}} / 16; i += 1) {
#pragma unroll
          for (int j = 0; j < {{warp_n}} / 8; j += 1) {
            mma_{{half}}(sums[i][j], a[i], b[j]);
          }
        }
      }
    }
    if (next_k < {{k}}) {
#pragma unroll
      for (int i = 0; i < {{loads_a}}; i += 1) {
        int at = thread + i * {{threads}};
        unsigned short* to = &tile_a[now ^ 1][{{row_a}}][{{term_a}}];
        to[0] = to_{{half}}(next_a[i].x);
        to[{{step_a}}] = to_{{half}}(next_a[i].y);
        to[2 * {{step_a}}] = to_{{half}}(next_a[i].z);
        to[3 * {{step_a}}] = to_{{half}}(next_a[i].w);
      }
#pragma unroll
      for (int i = 0; i < {{loads_b}}; i += 1) {
        int at = thread + i * {{threads}};
        unsigned short* to = &tile_b[now ^ 1][{{row_b}}][{{term_b}}];
        to[0] = to_{{half}}(next_b[i].x);
        to[{{step_b}}] = to_{{half}}(next_b[i].y);
        to[2 * {{step_b}}] = to_{{half}}(next_b[i].z);
        to[3 * {{step_b}}] = to_{{half}}(next_b[i].w);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < {{warp_m}} / 16; i += 1) {
#pragma unroll
    for (int j = 0; j < {{warp_n}} / 8; j += 1) {
      int m = first_m + my_m + i * 16;
      int n = first_n + my_n - thread % 32 / 4 + j * 8 + my_k;
      {{prefix}}store_two(batch, m, n, vec4<float>{sums[i][j][0], sums[i][j][1]});
      {{prefix}}store_two(batch, m + 8, n, vec4<float>{sums[i][j][2], sums[i][j][3]});
    }
  }
}
